// Cgroups, version 2: one tree. A group has the limits of a controller only when its parent hands that controller on (cgroup.subtree_control),
// and a group that hands controllers on cannot have processes of its own (only the root can): containers are always leaves.
import type { Resources } from '../../spec/oci/runtime.ts';
import { tryCall } from '../call.ts';
import { isKernelError } from '../error.ts';
import type { CgroupJoin, Cgroups, ControllerName } from './cgroups.ts';
import { changeLimits } from './change.ts';
import { checkAvailable } from './cpu-list.ts';
import { DeviceFilters } from './device-filter.ts';
import { devicePolicy } from './devices.ts';
import type { FigureReader } from './figures.ts';
import { readFigures2 } from './figures2.ts';
import { freezeWhole } from './freeze.ts';
import { childrenOf, makeCgroup, parentsOf, parseCgroupPath, pidsIn, readCount, readText, tryRemoveCgroup, tryWrite, type Hierarchy } from './hierarchy.ts';
import { limitsVersion2, type Limit } from './limit.ts';
import { missingController, missingFile, refusedDevices, refusedLimit } from './refusal.ts';
import { removeCgroup } from './removal.ts';

/** `hasSwap`: whether the kernel knows swap at all; the root group has no file to tell it. */
interface Version2Setting {
  readonly parent: string;
  readonly hasSwap: boolean;
}

export function openVersion2(hierarchy: Hierarchy, setting: Version2Setting): Cgroups {
  return new Version2(hierarchy, setting);
}

/** Handed on where the kernel has them: what containers are limited by, and what their figures are read from. */
const handedOn = ['cpu', 'cpuset', 'hugetlb', 'io', 'memory', 'pids', 'rdma'];

const ENOENT = -2;
const EBUSY = -16;
/** Processes may fork while they are moved. */
const vacateTriesMax = 10;

class Version2 implements Cgroups {
  readonly version = 2;
  readonly controllers: ReadonlySet<ControllerName>;
  readonly #tree: Hierarchy;
  readonly #filters = new DeviceFilters();
  readonly #enabling: string;
  /** Parents that hand the controllers on already. */
  readonly #ready = new Set<string>();
  /** Removed at the end when they are empty: the engine's own, left by whichever engine on this host, and those that had to be made. */
  readonly #ownParents: Set<string>;
  readonly #parent: string;

  constructor(hierarchy: Hierarchy, { parent, hasSwap }: Version2Setting) {
    this.#tree = hierarchy;
    this.#parent = parent;
    this.#ownParents = new Set([parent]);
    const there = (readText(hierarchy, 'cgroup.controllers') ?? '').trim().split(' ');
    this.#enabling = handedOn.filter((name) => there.includes(name)).map((name) => `+${name}`).join(' ');
    const known = (['memory', 'cpu', 'cpuset', 'pids', 'hugetlb', 'rdma'] as const).filter((name) => there.includes(name));
    this.controllers = new Set([...known, ...(there.includes('io') ? ['blkio' as const] : []), 'devices', ...(hasSwap && there.includes('memory') ? ['swap' as const] : [])]);
  }

  check(resources: Resources): void {
    for (const { controller, what, unified } of limitsVersion2(resources)) if (unified !== true && !this.controllers.has(controller)) throw missingController(what, controller);
    const { cpus = '', mems = '' } = resources.cpu ?? {};
    if (cpus !== '') checkAvailable(cpus, 'cpus', readText(this.#tree, 'cpuset.cpus.effective')?.trim() ?? '');
    if (mems !== '') checkAvailable(mems, 'mems', readText(this.#tree, 'cpuset.mems.effective')?.trim() ?? '');
  }

  create(path: string, resources: Resources): void {
    const relative = parseCgroupPath(path);
    const limits = limitsVersion2(resources);
    const policy = resources.devices === undefined ? undefined : devicePolicy(resources.devices);
    this.check(resources);
    using undo = new DisposableStack();
    makeCgroup(this.#tree, relative, (parent) => this.#forget(parent));
    undo.defer(() => void tryRemoveCgroup(this.#tree, relative));
    for (const parent of ['.', ...parentsOf(relative)]) if (!this.#ready.has(parent)) this.#handOn(parent);
    for (const limit of limits) this.#set(relative, limit);
    if (policy !== undefined) this.#filter(() => this.#filters.attach(this.#tree, relative, policy));
    undo.move();
  }

  update(path: string, resources: Resources): () => void {
    const relative = parseCgroupPath(path);
    this.check(resources);
    const policy = resources.devices === undefined ? undefined : devicePolicy(resources.devices);
    const putLimitsBack = changeLimits(limitsVersion2(resources), {
      read: (_controller, file) => readText(this.#tree, `${relative}/${file}`)?.trim(),
      write: (limit) => this.#set(relative, limit),
    });
    if (policy === undefined) return putLimitsBack;
    try {
      const putDevicesBack = this.#filter(() => this.#filters.replace(this.#tree, relative, policy));
      return () => {
        putDevicesBack();
        putLimitsBack();
      };
    } catch (error) {
      putLimitsBack();
      throw error;
    }
  }

  join(path: string): CgroupJoin {
    return { version: 2, procsFile: `${this.#tree.mountPoint}/${parseCgroupPath(path)}/cgroup.procs` };
  }

  pids(path: string): readonly number[] {
    return pidsIn(this.#tree, parseCgroupPath(path));
  }

  killAll(path: string): void {
    const { result } = tryWrite(this.#tree, `${parseCgroupPath(path)}/cgroup.kill`, ['1']);
    if (result < 0 && result !== ENOENT) throw refusedLimit('cgroup.kill', '1', result);
  }

  async freeze(path: string): Promise<void> {
    const set = (value: '0' | '1'): void => this.#setFreeze(path, value);
    await freezeWhole(path, { begin: () => set('1'), isDone: () => this.isFrozen(path), undo: () => set('0') });
  }

  thaw(path: string): void {
    this.#setFreeze(path, '0');
  }

  isFrozen(path: string): boolean {
    return readCount(this.#tree, `${parseCgroupPath(path)}/cgroup.events`, 'frozen') === 1;
  }

  #setFreeze(path: string, value: '0' | '1'): void {
    const { result } = tryWrite(this.#tree, `${parseCgroupPath(path)}/cgroup.freeze`, [value]);
    if (result < 0) throw refusedLimit('the freezer', value, result);
  }

  figures(path: string): FigureReader {
    return readFigures2(this.#tree, parseCgroupPath(path));
  }

  oomKills(path: string): number {
    return readCount(this.#tree, `${parseCgroupPath(path)}/memory.events`, 'oom_kill');
  }

  async remove(path: string): Promise<void> {
    const relative = parseCgroupPath(path);
    await removeCgroup([this.#tree], relative);
    // A parent that had to be made for it, unless others are in it.
    for (const parent of parentsOf(relative).toReversed()) if (parent !== this.#parent && this.#ownParents.has(parent)) tryRemoveCgroup(this.#tree, parent);
  }

  list(parent: string): readonly string[] {
    return childrenOf(this.#tree, parseCgroupPath(parent));
  }

  [Symbol.dispose](): void {
    for (const parent of [...this.#ownParents].toSorted((a, b) => b.length - a.length)) tryRemoveCgroup(this.#tree, parent);
    this.#filters[Symbol.dispose]();
    this.#tree.root[Symbol.dispose]();
  }

  /** A parent that had to be made is not the one that was made ready before. */
  #forget(parent: string): void {
    this.#ownParents.add(parent);
    this.#ready.delete(parent);
  }

  #handOn(parent: string): void {
    const enable = (): number => tryWrite(this.#tree, `${parent}/cgroup.subtree_control`, [this.#enabling]).result;
    let result = enable();
    for (let left = parent === '.' ? vacateTriesMax : 0; result === EBUSY && left > 0; left--) {
      vacateRoot(this.#tree);
      result = enable();
    }
    if (result < 0) throw refusedLimit(`the controllers of cgroup "/${parent === '.' ? '' : parent}"`, this.#enabling, result);
    this.#ready.add(parent);
  }

  #set(relative: string, limit: Limit): void {
    let { result } = tryWrite(this.#tree, `${relative}/${limit.file}`, [limit.value]);
    if (result === ENOENT && limit.otherwise !== undefined) ({ result } = tryWrite(this.#tree, `${relative}/${limit.otherwise.file}`, [limit.otherwise.value]));
    if (result === ENOENT && (limit.unified === true || limit.otherwise !== undefined)) throw missingFile(limit.what, limit.file);
    if (result === ENOENT) throw missingController(limit.what, limit.controller);
    if (result < 0) throw refusedLimit(limit.what, limit.value, result);
  }

  #filter<T>(set: () => T): T {
    try {
      return set();
    } catch (error) {
      throw isKernelError(error) ? refusedDevices(error) : error;
    }
  }
}

/**
 * For an engine that itself lives in a container: the root that it sees is an ordinary group, with processes in it, and such a group cannot hand
 * controllers on. They move to a group of their own, `/init`. On a host the root may have processes, and this is never needed.
 */
function vacateRoot(tree: Hierarchy): void {
  tryCall('mkdirat', tree.root.number, 'init', 0o755);
  for (const pid of (readText(tree, 'cgroup.procs') ?? '').split('\n')) if (Number(pid) > 0) tryWrite(tree, 'init/cgroup.procs', [pid]);
}
