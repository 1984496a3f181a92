// start: the record becomes an OCI configuration, the configuration a plan, the plan a process.
//
// Its network is made ready beside that, and before the program (endpoints/prepare.ts).
// What is durable when: the cgroup is made first and belongs to the id, so that it can be found again; the record says "running" once the program
// runs. A daemon that dies in between finds the task at its supervisor when it comes back, and carries on from there (recover.ts).
import { fail } from '../base/index.ts';
import { assemble, hostArchitecture, namespaceFiles, type Image } from '../kernel/index.ts';
import type { Membership } from '../network/index.ts';
import { explain, heldSlot, planStart, type ExternalLaunch, type LaunchAnswer, type OverlayRoot, type StartSetting, type TaskReport } from '../runtime/index.ts';
import type { Mount, NamespaceType, Spec } from '../spec/oci/runtime.ts';
import type { ContainerRecord, ExplainedStep } from './container.ts';
import { externalFailure, externalStart, ownRuntime, type ExternalRuntime } from './external/index.ts';
import { endGroup, removeGroup } from './group.ts';
import { beginHealthChecks, healthCheckOf, startingHealth } from './health/index.ts';
import { ensureInit, hasInit } from './init.ts';
import { openContainerLog } from './logs.ts';
import { plannedHeld, plannedMounts, readyMounts, type ReadyMounts } from './mounts/index.ts';
import { explainNetwork } from './endpoints/explain.ts';
import { prepareNetwork, type PreparedNetwork } from './endpoints/prepare.ts';
import { checkLinked, linkedEnvironment, tellLinked } from './links.ts';
import { blockIoOf } from './oci/block-io.ts';
import { chooseDevices } from './oci/devices.ts';
import { sharedMemoryDir } from './oci/mounts.ts';
import { seccompChoice } from './oci/security.ts';
import { specOf } from './oci/spec.ts';
import { capabilitiesOf, tracersBeside } from './rights.ts';
import { cgroupPathOf, type Room } from './room.ts';
import { stoppedRoot } from './rootfs.ts';
import { startFailureOf, type StartFailure } from './start-failure.ts';
import { allow, hasProcess, type State } from './state.ts';
import { removeSpools, spoolPaths } from './streams/index.ts';
import { openTask } from './task.ts';
import { resolveUser, type User } from './user.ts';

export interface StartOptions {
  /** By its restart policy: the count and the delays of restarts go on. */
  readonly again?: boolean;
}

/** Runs inside the container's queue. @throws as Containers.start. */
export async function startContainer(room: Room, record: ContainerRecord, { again = false }: StartOptions = {}): Promise<void> {
  if (!again) {
    allow('start', record);
    room.delays.delete(record.id);
  }
  checkLinked(room, record);
  await Promise.all([room.aftermath.get(record.id), room.supervised, room.copies.writersDone(record.id)]);
  try {
    await using mounts = await readyMounts(room, record, () => userOf(room, record));
    await using network = prepareNetwork(room, record);
    const spec = startSpec(room, record, { mounts: mounts.mounts, ownNetwork: network === undefined || !isExternal(record) ? undefined : await network.path() });
    room.cgroups.create(spec.linux.cgroupsPath!, spec.linux.resources ?? {});
    await runOrUndo(room, again ? record : { ...record, restartCount: 0 }, spec, { mounts, network });
  } catch (error) {
    endPending(room, record.id);
    throw error;
  }
}

async function runOrUndo(room: Room, record: ContainerRecord, spec: Spec, prepared: Prepared): Promise<void> {
  let outcome: Outcome;
  try {
    const start = startOf(room, record, spec, prepared.mounts.held);
    start.write?.();
    if (record.hostConfig.AutoRemove) room.storage.snapshots.forgetVolatile(record.id);
    removeSpools(room.storage.containerDir(record.id));
    openContainerLog(room, record)?.startRun();
    outcome = await launchInto(room, record, start, prepared);
  } catch (error) {
    openContainerLog(room, record)?.endRun();
    await endGroup(room, record);
    throw error;
  }
  if ('failure' in outcome) {
    const { failure } = outcome;
    openContainerLog(room, record)?.endRun();
    await removeGroup(room, record);
    room.shelf.change(record.id, (now) => ({ ...now, state: failedState(now.state, failure) }));
    throw failure.error;
  }
  const { restartCount } = record;
  const { launched, membership } = outcome;
  const running = room.shelf.change(record.id, (now) => ({
    ...now, restartCount, state: { status: 'running', pid: launched.pid, startedAt: new Date(), membership }, health: healthCheckOf(now.config) && startingHealth(now.health),
  }));
  prepared.network?.keep();
  prepared.mounts.keep();
  tellLinked(room, running);
  room.live.set(record.id, openTask(room, running, launched));
  beginHealthChecks(room, running);
  room.tell({ kind: 'start', container: running });
}

/** What is there before the program; given up again unless it runs. */
interface Prepared {
  readonly mounts: ReadyMounts;
  readonly network: PreparedNetwork | undefined;
}

type Outcome = { readonly launched: TaskReport; readonly membership: Membership | undefined } | { readonly failure: StartFailure };

/** The network is there before the program. */
async function launchInto(room: Room, record: ContainerRecord, { image, external, failureOf }: Start, { network, mounts }: Prepared): Promise<Outcome> {
  const joined = await network?.join();
  if (joined !== undefined && 'failure' in joined) return joined;
  const answer = await room.supervisor.launch({ task: record.id, terminal: record.config.Tty, stdin: record.config.OpenStdin, spool: spoolPaths(room.storage.containerDir(record.id)), external, lent: lentFor(mounts) }, image);
  return 'launched' in answer ? { launched: answer.launched, membership: joined?.membership } : { failure: failureOf(answer) };
}

/** Sources that the launch finds by our descriptors. */
function lentFor({ held }: ReadyMounts): Parameters<Room['supervisor']['launch']>[0]['lent'] {
  return held.size === 0 ? undefined : { lender: process.pid, slots: [...held].map(([destination, { number }]) => [heldSlot(destination), number]) };
}

/** What never ran is as new as before; what ran before keeps its times, and its exit code if nobody asked for this start. */
function failedState(before: State, { exitCode, error: { message } }: StartFailure): State {
  if (before.status === 'restarting') return { ...before, status: 'exited', error: message };
  if (before.status === 'exited') return { ...before, exitCode, error: message };
  return { status: 'created', failure: { exitCode, message } };
}

/** The OCI configuration of a start: the record, and what is looked up now (users, devices, other containers' namespaces). `ownNetwork`: where another runtime finds the namespace that was prepared. */
export function startSpec(room: Room, record: ContainerRecord, { mounts, ownNetwork }: { readonly mounts: readonly Mount[]; readonly ownNetwork?: string | undefined }): Spec {
  const { hostConfig } = record;
  if (hasInit(hostConfig)) ensureInit(room.storage.rootDir);
  return specOf(record, {
    user: userOf(room, record),
    capabilities: capabilitiesOf(room, hostConfig),
    devices: chooseDevices({ privileged: hostConfig.Privileged, mappings: hostConfig.Devices, rules: hostConfig.DeviceCgroupRules ?? [] }),
    blockIo: blockIoOf(hostConfig),
    rootDir: room.storage.rootDir,
    filesDir: record.filesDir,
    linked: linkedEnvironment(room, record),
    cgroupsPath: cgroupPathOf(record.id, hostConfig.CgroupParent),
    joined: joinedNamespaces(room, record),
    mounts,
    ownNetwork,
  });
}

/** Whom its first process is. */
export function userOf(room: Room, { id, layers, config, hostConfig }: ContainerRecord): User {
  return resolveUser(config.User, hostConfig.GroupAdd ?? [], stoppedRoot(room.storage.snapshots.dirs(id, layers)));
}

/** What the supervisor is to launch, and how it is told when it cannot. */
interface Start {
  readonly image: Image;
  readonly external?: ExternalLaunch;
  /** Before the launch. */
  readonly write?: () => void;
  readonly failureOf: (answer: Exclude<LaunchAnswer, { launched: unknown }>) => StartFailure;
}

function startOf(room: Room, record: ContainerRecord, spec: Spec, held: ReadyMounts['held']): Start {
  const runtime = room.runtimes.find(record.hostConfig.Runtime);
  if (runtime !== undefined) return startBy(room, record, spec, runtime, held);
  const image = startImage(room, record, spec, held);
  return {
    image,
    failureOf: (answer) => {
      if (!('failed' in answer)) throw new Error('The supervisor answered for another runtime');
      return startFailureOf(image, answer.failed, spec.process.args, spec.process.cwd);
    },
  };
}

function isExternal({ hostConfig: { Runtime } }: ContainerRecord): boolean {
  return Runtime !== ownRuntime;
}

/** By another runtime than ours. */
function startBy(room: Room, record: ContainerRecord, spec: Spec, runtime: ExternalRuntime, held: ReadyMounts['held']): Start {
  const { hostConfig } = record;
  const seccomp = room.seccomp.profile(seccompChoice(hostConfig.SecurityOpt ?? [], hostConfig.Privileged), spec.process.capabilities?.bounding ?? []);
  const start = externalStart(room, record, runtime, { spec, root: rootOf(room, record, 'root'), lent: lentMount(room, record), held: [...held].map(([destination, { isFile }]) => ({ destination, isFile })), seccomp });
  return { ...start, failureOf: (answer) => externalFailure(runtime, { verb: 'run', image: start.image, answer, log: start.log }) };
}

function rootOf(room: Room, record: ContainerRecord, sends: 'root' | 'mounts'): OverlayRoot {
  const { layersDir } = room.storage.snapshots;
  const dirs = room.storage.snapshots.dirs(record.id, record.layers);
  return { kind: 'overlay', layersDir, ...dirs, lowerDirs: dirs.lowerDirs.map((dir) => (dir.startsWith(`${layersDir}/`) ? dir.slice(layersDir.length + 1) : dir)), isVolatile: record.hostConfig.AutoRemove, sends };
}

/** The program of a start by our own runtime. `isRemembered`: it may be kept for the next start that is alike. */
export function startImage(room: Room, record: ContainerRecord, spec: Spec, held: ReadyMounts['held'], { isRemembered = true }: { readonly isRemembered?: boolean } = {}): Image {
  const { hostConfig } = record;
  const seccomp = seccompChoice(hostConfig.SecurityOpt ?? [], hostConfig.Privileged);
  const setting = {
    root: rootOf(room, record, 'mounts'),
    lent: lentMount(room, record),
    cgroup: room.cgroups.join(spec.linux.cgroupsPath!),
    // In a pid namespace of its own nobody is there who could look at it; in another, nobody finds more than a copy of our memory that is closed to them.
    // An OOM score is one for all who share memory: set by the child, it would be the supervisor's, too.
    shareMemory: hostConfig.PidMode === '' && hostConfig.OomScoreAdj === 0,
    preparedNetwork: true,
  };
  const heldPlaces = [...held.keys()];
  const plan = (): Image => {
    const seccompFilter = room.seccomp.get(seccomp, spec.process.capabilities?.bounding ?? []);
    return assemble(planStart(spec, { ...setting, held: new Set(heldPlaces), seccompFilter }), hostArchitecture());
  };
  return isRemembered ? room.programs.get(record.id, [spec, setting, heldPlaces, seccomp], plan) : plan();
}

/** The program by which it is or would be started, in words. */
export function explainStart(room: Room, record: ContainerRecord): readonly ExplainedStep[] {
  return [...explainNetwork(record), ...explain(startOf(room, record, startSpec(room, record, { mounts: plannedMounts(record) }), plannedHeld(record)).image)];
}

function joinedNamespaces(room: Room, { hostConfig }: ContainerRecord): Partial<Record<NamespaceType, string>> {
  const joined: Partial<Record<NamespaceType, string>> = {};
  for (const [type, mode] of [['network', hostConfig.NetworkMode], ['pid', hostConfig.PidMode], ['ipc', hostConfig.IpcMode]] as const) {
    const other = containerMode(mode);
    if (other === undefined) continue;
    const { id, name, state, hostConfig: { IpcMode } } = room.shelf.get(other);
    if (!hasProcess(state)) throw fail('conflict', notRunning(type, id, name, state.status), { hint: 'Start that container first' });
    if (type === 'ipc' && IpcMode !== 'shareable') throw fail('invalid', `failed to join IPC namespace: container ${id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`);
    if (type === 'pid') refuseTracers(room, state.pid);
    joined[type] = `/proc/${state.pid}/ns/${namespaceFiles[type]}`;
  }
  return joined;
}

function notRunning(type: 'network' | 'pid' | 'ipc', id: string, name: string, status: string): string {
  if (type === 'network') return `cannot join network namespace of a non running container: container ${name} is ${status}`;
  return `failed to join ${type.toUpperCase()} namespace: container ${id} is not running`;
}

/** With another container's ipc namespace comes its shared memory, which is mounted in that container only. */
function lentMount(room: Room, { hostConfig: { IpcMode, Tmpfs }, mounts }: ContainerRecord): StartSetting['lent'] {
  if (mounts.some(({ destination }) => destination === sharedMemoryDir) || Tmpfs?.[sharedMemoryDir] !== undefined) return undefined;
  const other = containerMode(IpcMode);
  const lender = other === undefined ? undefined : room.shelf.get(other).state;
  return lender !== undefined && hasProcess(lender) ? { destination: sharedMemoryDir, namespace: `/proc/${lender.pid}/ns/${namespaceFiles.mount}` } : undefined;
}

/** A first process must mount its /proc from inside, all-powerful still: nobody who could take it over may be there. */
function refuseTracers(room: Room, pid: number): void {
  const [tracer] = tracersBeside(room, pid);
  if (tracer === undefined) return;
  throw fail('unsupported', `cannot join pid namespace: container "${tracer.name}" in it may trace processes (CAP_SYS_PTRACE)`, { hint: 'Give that capability to the container that joins, and start it last' });
}

/** `container:x` → `x`. */
export function containerMode(mode: string): string | undefined {
  return mode.startsWith('container:') ? mode.slice('container:'.length) : undefined;
}

function endPending(room: Room, id: string): void {
  for (const pending of room.pending.get(id) ?? []) pending.end();
  room.pending.delete(id);
}
