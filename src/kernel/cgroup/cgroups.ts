// Cgroups: a group of processes with limits that they share. One for each container, `/estiva/<id>`, made before it starts and removed after.
//
// Version 1 has a tree for each controller, and the group must be made and joined in each; version 2 has one tree. `openCgroups` finds out which
// one this host has. A host with version 1 controllers and an empty version 2 tree beside them (hybrid) counts as version 1.
import { existsSync, readFileSync } from 'node:fs';
import { fail } from '../../base/index.ts';
import type { Resources } from '../../spec/oci/runtime.ts';
import type { FigureReader } from './figures.ts';
import { enginesParent, openHierarchy } from './hierarchy.ts';
import { parseCgroupMounts, type CgroupMount } from './mounted.ts';
import { openVersion1 } from './version1.ts';
import { openVersion2 } from './version2.ts';

/** What a controller's name here means: limits of that kind work. `blkio` is version 2's io, too; `swap` is the limit of memory and swap together, or of swap. */
export type ControllerName = 'memory' | 'swap' | 'cpu' | 'cpuset' | 'pids' | 'devices' | 'blkio' | 'hugetlb' | 'net_cls' | 'net_prio' | 'rdma';

/** The cgroup that a process joins before anything else, and how it is shown inside. */
export type CgroupJoin =
  | {
      readonly version: 1;
      /** Files that take "0" to move the writer: `…/memory/estiva/<id>/tasks`. */
      readonly taskFiles: readonly string[];
      /** `memory` → `memory`, `cpu,cpuacct` → `cpu,cpuacct`: the directory under /sys/fs/cgroup and the mount's options. */
      readonly hierarchies: readonly { readonly name: string; readonly options: string }[];
    }
  | { readonly version: 2; readonly procsFile: string };

/** Paths are absolute within the trees: `/estiva/<id>`. Disposing closes the trees and removes the engines' parent and parents that this object made, when they are empty. */
export interface Cgroups extends Disposable {
  readonly version: 1 | 2;
  readonly controllers: ReadonlySet<ControllerName>;
  /** Refuses what this host cannot limit, without making anything: missing controllers, CPUs that are not there. @throws EstivaError invalid, unsupported */
  check(resources: Resources): void;
  /** Makes the group in every tree that needs it and sets the limits; undoes itself on failure. @throws EstivaError that names limit, value and reason */
  create(path: string, resources: Resources): void;
  /** Sets these limits in a group with processes, all or none; what is not named stays. Returns what puts the former ones back. @throws EstivaError */
  update(path: string, resources: Resources): () => void;
  join(path: string): CgroupJoin;
  /** The group's processes and those of groups below it. */
  pids(path: string): readonly number[];
  /** SIGKILL to every process of the group, forking ones included. They may need a moment more to be gone. */
  killAll(path: string): void;
  /** Stops every process of the group where it is; resolves when all stand still. @throws EstivaError unsupported, timeout: then they go on */
  freeze(path: string): Promise<void>;
  thaw(path: string): void;
  isFrozen(path: string): boolean;
  /** Opens the group's figures, to be read again and again. */
  figures(path: string): FigureReader;
  /** How many processes of the group the kernel killed for memory; 0 when it does not count them. */
  oomKills(path: string): number;
  /** Removes the group and groups below it; waits a bounded time for processes to be gone. Nothing there is fine. @throws EstivaError conflict */
  remove(path: string): Promise<void>;
  /** The names of the groups in `parent`, in whatever tree. */
  list(parent: string): readonly string[];
}

export interface CgroupsOptions {
  readonly mountInfo?: string;
  /** The group that all of the opener's containers are in, whoever of its kind has made it: it goes when it is empty. */
  readonly parent?: string;
}

/** @throws EstivaError unsupported when no cgroup file system is mounted */
export function openCgroups({ parent = enginesParent, ...options }: CgroupsOptions = {}): Cgroups {
  const mounted = parseCgroupMounts(options.mountInfo ?? readFileSync('/proc/self/mountinfo', 'utf8'));
  const version1 = mounted.filter(isOfInterest);
  const version2 = mounted.find(({ version }) => version === 2);
  if (version1.length > 0) return openVersion1(version1.map(openHierarchy), { parent, others: mounted.filter((mount) => !isOfInterest(mount)).map(openHierarchy) });
  if (version2 !== undefined) return openVersion2(openHierarchy(version2), { parent, hasSwap: existsSync('/proc/swaps') });
  throw fail('unsupported', 'No cgroup file system is mounted', { hint: 'Mount one: mount -t cgroup2 none /sys/fs/cgroup' });
}

/** The trees that containers are put into: for their limits, or for the figures that are read there. */
const ofInterest = new Set(['memory', 'cpu', 'cpuacct', 'cpuset', 'pids', 'devices', 'freezer', 'blkio', 'hugetlb', 'net_cls', 'net_prio', 'rdma']);

function isOfInterest({ version, controllers }: CgroupMount): boolean {
  return version === 1 && [...controllers].some((name) => ofInterest.has(name));
}
