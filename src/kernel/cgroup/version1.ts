// Cgroups, version 1: a tree for each controller (or for some together). A group is a directory of the same path in each of them.
//
// Everything here is on the way of every start: few calls, nothing read twice. The cpuset tree is left out unless CPUs or memory nodes are asked
// for: a group there is useless before both of its lists are written, and joining it is the dearest of all.
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import type { Resources } from '../../spec/oci/runtime.ts';
import { tryCall } from '../call.ts';
import type { CgroupJoin, Cgroups, ControllerName } from './cgroups.ts';
import { changeLimits, inWritableOrder } from './change.ts';
import { checkAvailable } from './cpu-list.ts';
import { devicePolicy, exceptionText, type DevicePolicy } from './devices.ts';
import { freezeWhole } from './freeze.ts';
import type { FigureReader } from './figures.ts';
import { readFigures1 } from './figures1.ts';
import { cgroupExists, childrenOf, makeCgroup, parentsOf, parseCgroupPath, pidsIn, readCount, readText, tryRemoveCgroup, tryWrite, type Hierarchy } from './hierarchy.ts';
import { limitsVersion1, type Limit } from './limit.ts';
import { missingController, missingFile, refusedBelowUse, refusedLimit } from './refusal.ts';
import { removeCgroup } from './removal.ts';

interface Version1Setting {
  readonly parent: string;
  /** Trees that nothing of ours is made in. Another runtime may leave our parent there. */
  readonly others: readonly Hierarchy[];
}

export function openVersion1(hierarchies: readonly Hierarchy[], setting: Version1Setting): Cgroups {
  return new Version1(hierarchies, setting);
}

const EBUSY = -16;
const movePassesMax = 100;
const killPassesMax = 100;
/** From this pass on something forks faster than it is killed, and the group is frozen first. */
const freezingPass = 3;

/** Trees that a group is made in only when one of their limits is asked for. */
const onDemand = new Set(['cpuset', 'hugetlb', 'net_cls', 'net_prio', 'rdma']);

class Version1 implements Cgroups {
  readonly version = 1;
  readonly controllers: ReadonlySet<ControllerName>;
  readonly #all: readonly Hierarchy[];
  readonly #always: readonly Hierarchy[];
  readonly #cpuset: Hierarchy | undefined;
  readonly #memory: Hierarchy | undefined;
  readonly #devices: Hierarchy | undefined;
  readonly #byController: ReadonlyMap<string, Hierarchy>;
  /** Where processes are looked for: any tree has them all, the one that joins cheaply is as good as the others. */
  readonly #census: Hierarchy;
  /** Removed at the end when they are empty: the engine's own, left by whichever engine on this host, and those that had to be made. */
  readonly #ownParents: Set<string>;
  readonly #parent: string;
  readonly #others: readonly Hierarchy[];

  constructor(hierarchies: readonly Hierarchy[], { parent, others }: Version1Setting) {
    this.#all = hierarchies;
    this.#parent = parent;
    this.#ownParents = new Set([parent]);
    this.#others = others;
    this.#always = hierarchies.filter(({ controllers }) => [...controllers].some((name) => !onDemand.has(name)));
    this.#byController = byController(hierarchies);
    this.#cpuset = this.#byController.get('cpuset');
    this.#memory = this.#byController.get('memory');
    this.#devices = this.#byController.get('devices');
    this.#census = this.#byController.get('pids') ?? this.#always[0] ?? hierarchies[0]!;
    this.controllers = new Set((['memory', 'swap', 'cpu', 'cpuset', 'pids', 'devices', 'blkio', 'hugetlb', 'net_cls', 'net_prio', 'rdma'] as const).filter((name) => this.#byController.has(name)));
  }

  check(resources: Resources): void {
    for (const { controller, what } of limitsVersion1(resources)) if (!this.controllers.has(controller)) throw missingController(what, controller);
    if (resources.devices !== undefined && this.#devices === undefined) throw missingController('device rules', 'devices');
    this.#checkCpuset(resources.cpu);
  }

  create(path: string, resources: Resources): void {
    const relative = parseCgroupPath(path);
    const limits = limitsVersion1(resources);
    const policy = devicePolicy(resources.devices ?? []);
    this.check(resources);
    const asked = new Set(limits.map(({ controller }) => this.#byController.get(controller)));
    using undo = new DisposableStack();
    for (const hierarchy of this.#all.filter((each) => this.#always.includes(each) || asked.has(each))) {
      makeCgroup(hierarchy, relative, (parent) => void this.#ownParents.add(parent));
      undo.defer(() => void tryRemoveCgroup(hierarchy, relative));
      if (hierarchy === this.#cpuset) seedCpuset(hierarchy, relative);
    }
    for (const limit of limits) this.#set(relative, limit);
    if (resources.devices !== undefined) this.#setDevices(relative, policy);
    undo.move();
  }

  update(path: string, resources: Resources): () => void {
    const relative = parseCgroupPath(path);
    this.check(resources);
    const sumNow = this.#byController.has('swap') ? Number(readText(this.#memory!, `${relative}/memory.memsw.limit_in_bytes`)) : Infinity;
    const limits = inWritableOrder(limitsVersion1(resources), sumNow);
    using undo = new DisposableStack();
    const cpuset = limits.some(({ controller }) => controller === 'cpuset') ? this.#makeCpuset(relative, undo) : undefined;
    const putBack = changeLimits(limits, {
      read: (controller, file) => readText(this.#byController.get(controller)!, `${relative}/${file}`)?.trim(),
      write: (limit) => this.#set(relative, limit),
    });
    undo.move();
    if (resources.devices !== undefined) this.#setDevices(relative, devicePolicy(resources.devices));
    if (cpuset !== undefined) this.#moveInto(cpuset, relative);
    return putBack;
  }

  join(path: string): CgroupJoin {
    const relative = parseCgroupPath(path);
    const joined = this.#all.filter((hierarchy) => this.#always.includes(hierarchy) || cgroupExists(hierarchy, relative));
    return {
      version: 1,
      taskFiles: joined.map(({ mountPoint }) => `${mountPoint}/${relative}/tasks`),
      hierarchies: joined.map(({ name, options }) => ({ name, options })),
    };
  }

  pids(path: string): readonly number[] {
    return pidsIn(this.#census, parseCgroupPath(path));
  }

  /** A process that has SIGKILL pending cannot fork: when a pass finds no process that an earlier one has not signalled, all are. */
  killAll(path: string): void {
    const relative = parseCgroupPath(path);
    const freezer = this.#byController.get('freezer');
    const killed = new Set<number>();
    for (let pass = 0; pass < killPassesMax; pass++) {
      if (pass === freezingPass && freezer !== undefined) tryWrite(freezer, `${relative}/freezer.state`, ['FROZEN']);
      const fresh = pidsIn(this.#census, relative).filter((pid) => !killed.has(pid));
      for (const pid of fresh) tryCall('kill', pid, constants.signals.SIGKILL);
      for (const pid of fresh) killed.add(pid);
      if (fresh.length === 0) break;
    }
    // Frozen processes, by us or before, do not die until they are thawed.
    if (freezer !== undefined && killed.size > 0) tryWrite(freezer, `${relative}/freezer.state`, ['THAWED']);
  }

  async freeze(path: string): Promise<void> {
    const file = `${parseCgroupPath(path)}/freezer.state`;
    const freezer = this.#byController.get('freezer');
    if (freezer === undefined) throw missingController('the freezer', 'freezer');
    await freezeWhole(path, {
      begin: () => this.#setFreezer(freezer, file, 'FROZEN'),
      isDone: () => readText(freezer, file)?.trim() === 'FROZEN',
      undo: () => this.#setFreezer(freezer, file, 'THAWED'),
    });
  }

  thaw(path: string): void {
    const freezer = this.#byController.get('freezer');
    if (freezer !== undefined) this.#setFreezer(freezer, `${parseCgroupPath(path)}/freezer.state`, 'THAWED');
  }

  isFrozen(path: string): boolean {
    const freezer = this.#byController.get('freezer');
    return freezer !== undefined && readText(freezer, `${parseCgroupPath(path)}/freezer.state`)?.trim() === 'FROZEN';
  }

  #setFreezer(freezer: Hierarchy, file: string, value: 'FROZEN' | 'THAWED'): void {
    const { result } = tryWrite(freezer, file, [value]);
    if (result < 0) throw refusedLimit('the freezer', value, result);
  }

  figures(path: string): FigureReader {
    return readFigures1(this.#byController, parseCgroupPath(path));
  }

  oomKills(path: string): number {
    return this.#memory === undefined ? 0 : readCount(this.#memory, `${parseCgroupPath(path)}/memory.oom_control`, 'oom_kill');
  }

  async remove(path: string): Promise<void> {
    const relative = parseCgroupPath(path);
    await removeCgroup(this.#all, relative);
    // A parent that had to be made for it, unless others are in it.
    for (const parent of parentsOf(relative).toReversed()) if (parent !== this.#parent && this.#ownParents.has(parent)) for (const hierarchy of this.#all) tryRemoveCgroup(hierarchy, parent);
  }

  list(parent: string): readonly string[] {
    const relative = parseCgroupPath(parent);
    return [...new Set(this.#all.flatMap((hierarchy) => childrenOf(hierarchy, relative)))];
  }

  [Symbol.dispose](): void {
    const deepestFirst = [...this.#ownParents].toSorted((a, b) => b.length - a.length);
    for (const hierarchy of [...this.#all, ...this.#others]) {
      for (const parent of deepestFirst) tryRemoveCgroup(hierarchy, parent);
      hierarchy.root[Symbol.dispose]();
    }
  }

  #checkCpuset(cpu: Resources['cpu']): void {
    const tree = this.#cpuset?.mountPoint;
    if (tree === undefined) return;
    if (cpu?.cpus !== undefined && cpu.cpus !== '') checkAvailable(cpu.cpus, 'cpus', readFileSync(`${tree}/cpuset.effective_cpus`, 'utf8').trim());
    if (cpu?.mems !== undefined && cpu.mems !== '') checkAvailable(cpu.mems, 'mems', readFileSync(`${tree}/cpuset.effective_mems`, 'utf8').trim());
  }

  /** A container that was started without a choice of CPUs has no group in this tree. Undefined when there is one. */
  #makeCpuset(relative: string, undo: DisposableStack): Hierarchy | undefined {
    const cpuset = this.#cpuset;
    if (cpuset === undefined || cgroupExists(cpuset, relative)) return undefined;
    makeCgroup(cpuset, relative, (parent) => void this.#ownParents.add(parent));
    undo.defer(() => void tryRemoveCgroup(cpuset, relative));
    seedCpuset(cpuset, relative);
    return cpuset;
  }

  /** A process that is born while its parent is moved is found in the next pass; one that has ended needs no place. */
  #moveInto(hierarchy: Hierarchy, relative: string): void {
    const moved = new Set<number>();
    for (let pass = 0; pass < movePassesMax; pass++) {
      const fresh = pidsIn(this.#census, relative).filter((pid) => !moved.has(pid));
      if (fresh.length === 0) return;
      for (const pid of fresh) tryWrite(hierarchy, `${relative}/cgroup.procs`, [String(pid)]);
      for (const pid of fresh) moved.add(pid);
    }
  }

  #set(relative: string, { controller, file, value, what, otherwise }: Limit): void {
    const hierarchy = this.#byController.get(controller)!;
    let { result } = tryWrite(hierarchy, `${relative}/${file}`, [value]);
    if (result === -2 && otherwise !== undefined) ({ result } = tryWrite(hierarchy, `${relative}/${otherwise.file}`, [otherwise.value]));
    if (result === -2) throw missingFile(what, otherwise?.file ?? file);
    if (result === EBUSY && file.startsWith('memory.')) throw refusedBelowUse(what, value, readText(hierarchy, `${relative}/memory.usage_in_bytes`)?.trim() ?? 'more');
    if (result < 0) throw refusedLimit(what, value, result);
  }

  #setDevices(relative: string, { allowsByDefault, exceptions }: DevicePolicy): void {
    const [first, second] = allowsByDefault ? ['allow', 'deny'] : ['deny', 'allow'];
    const whole = tryWrite(this.#devices!, `${relative}/devices.${first}`, ['a']);
    if (whole.result < 0) throw refusedLimit('the device rule', `${first} a`, whole.result);
    const { result, value } = exceptions.length === 0 ? whole : tryWrite(this.#devices!, `${relative}/devices.${second}`, exceptions.map(exceptionText));
    if (result < 0) throw refusedLimit('the device rule', `${second} ${value}`, result);
  }
}

/** `swap` is the memory tree again, when it can limit memory and swap together. */
function byController(hierarchies: readonly Hierarchy[]): ReadonlyMap<string, Hierarchy> {
  const found = new Map(hierarchies.flatMap((hierarchy) => [...hierarchy.controllers].map((name) => [name, hierarchy] as const)));
  const memory = found.get('memory');
  if (memory !== undefined && existsSync(`${memory.mountPoint}/memory.memsw.limit_in_bytes`)) found.set('swap', memory);
  return found;
}

/** A new group of the cpuset tree has empty lists, and nobody can join it: each level gets what its parent has. */
function seedCpuset(hierarchy: Hierarchy, relative: string): void {
  let parent = '.';
  for (const group of [...parentsOf(relative), relative]) {
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      if (readText(hierarchy, `${group}/${file}`)?.trim() !== '') continue;
      const value = readText(hierarchy, `${parent}/${file}`)?.trim() ?? '';
      const { result } = tryWrite(hierarchy, `${group}/${file}`, [value]);
      if (result < 0) throw refusedLimit(file, value, result);
    }
    parent = group;
  }
}
