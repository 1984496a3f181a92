// Coming back: what is recorded is compared with what is there.
//
// After a daemon's death the supervisor still has every task: running ones are taken over with their streams, and exits that it kept are recorded
// now. After the supervisor's death this daemon still has every descriptor: it lends them to the next supervisor. After the death of both, a
// container that runs has nobody who could read its output or its exit: it is ended, and its record says so.
import { messageOf, type ContainerId } from '../base/index.ts';
import { readExits, removeExit, type TaskExit, type TaskReport } from '../runtime/index.ts';
import type { ContainerRecord } from './container.ts';
import { endGroup } from './group.ts';
import { beginHealthChecks, unwatched } from './health/index.ts';
import { openContainerLog } from './logs.ts';
import { afterRun } from './after-run.ts';
import { hasLinks } from './endpoints/connections.ts';
import { writeNetworkFiles } from './endpoints/files.ts';
import { sandboxOf } from './endpoints/prepare.ts';
import { portRequestsOf } from './endpoints/published.ts';
import { cgroupPathOf, taskOf, type LiveTask, type Room } from './room.ts';
import { hasProcess, type State, type StateWithProcess } from './state.ts';
import { openStreams, spoolPaths } from './streams/index.ts';
import { openTask, recordExit } from './task.ts';

/** Runs once, before the first request. */
export async function recover(room: Room): Promise<void> {
  const running: Running = { restored: [], late: [] };
  const tasks = new Map(room.supervisor.found.map((report) => [report.task, report]));
  const exits = readExits(room.runDir);
  for (const record of room.shelf.list()) {
    const report = tasks.get(record.id);
    tasks.delete(record.id);
    if (report !== undefined) await takeOver(room, record, report, running);
    else if (hasProcess(record.state)) await recordLost(room, record, exits.get(record.id));
    else await clearLeftovers(room, record);
  }
  room.networks.reconcile();
  for (const id of running.restored) mendNetworks(room, id);
  for (const id of running.late) await joinLate(room, id);
  for (const id of room.storage.snapshots.snapshotIds()) if (room.shelf.find(id) === undefined) await removeNameless(room, id);
  for (const { task, exit } of tasks.values()) if (exit !== undefined) await room.supervisor.release(task);
  for (const task of exits.keys()) removeExit(room.runDir, task);
}

/** Who runs in networks: what it has of them is on record; or nobody knows. */
interface Running {
  readonly restored: ContainerId[];
  readonly late: ContainerId[];
}

async function takeOver(room: Room, record: ContainerRecord, report: TaskReport, others: Running): Promise<void> {
  if (isRecorded(record, report)) {
    await Promise.all([room.supervisor.release(record.id), clearLeftovers(room, record)]);
    return;
  }
  const found = stateFound(room, record, report);
  const running = found === record.state ? record : room.shelf.setState(record.id, found);
  const task = openTask(room, running, report);
  room.live.set(record.id, task);
  if (report.exit === undefined) {
    restoreNetworks(room, running, task, others);
    return beginHealthChecks(room, running);
  }
  await recordExit(room, running, task, report.exit);
  await afterRun(room, record.id);
}

function restoreNetworks(room: Room, record: ContainerRecord, { fds: { network } }: LiveTask, { restored, late }: Running): void {
  if (network === undefined) return;
  const { membership } = record.state as StateWithProcess;
  if (membership !== undefined) {
    room.networks.restore(sandboxOf(record, network), record.connections, portRequestsOf(record.hostConfig, record.config.ExposedPorts), membership);
    restored.push(record.id);
  } else if (hasLinks(record)) late.push(record.id);
}

/** Died amid a connect or disconnect: the kernel may be ahead of the record, which decides. */
function mendNetworks(room: Room, id: ContainerId): void {
  try {
    room.networks.mend(sandboxOf(room.shelf.get(id), taskOf(room, id).fds.network!));
  } catch (error) {
    room.log.error({ container: id, error: messageOf(error) }, 'a connection of a container could not be made again: connect it anew');
  }
}

/** Died between the launch and the record: what it had of its networks is written nowhere, and was taken away. It gets the same anew, or does not go on. */
async function joinLate(room: Room, id: ContainerId): Promise<void> {
  const record = room.shelf.get(id);
  const task = taskOf(room, id);
  try {
    const { config, connections, hostConfig } = record;
    const membership = await room.networks.join(sandboxOf(record, task.fds.network!), connections, portRequestsOf(hostConfig, config.ExposedPorts), hostConfig.PublishMode);
    room.shelf.change(id, (now) => ({ ...now, state: { ...now.state as StateWithProcess, membership } }));
    writeNetworkFiles(room, record, membership);
  } catch (error) {
    room.log.error({ container: id, error: messageOf(error) }, 'a container whose start was cut off could not be given its networks: it is ended');
    room.cgroups.killAll(cgroupPathOf(id, record.hostConfig.CgroupParent));
  }
}

/** Died between recording this exit and releasing the task. */
function isRecorded({ state }: ContainerRecord, { exit }: TaskReport): boolean {
  return (state.status === 'exited' || state.status === 'restarting') && state.finishedAt.getTime() === exit?.atMs;
}

/** Died between the launch and the record: the launch counts. Between freezing or thawing and the record: the kernel knows. */
function stateFound(room: Room, { id, hostConfig, state }: ContainerRecord, { pid }: TaskReport): StateWithProcess {
  const status = room.cgroups.isFrozen(cgroupPathOf(id, hostConfig.CgroupParent)) ? 'paused' : 'running';
  if (!hasProcess(state)) return { status, pid, startedAt: new Date() };
  return state.status === status ? state : { ...state, status };
}

async function recordLost(room: Room, record: ContainerRecord, exit: TaskExit | undefined): Promise<void> {
  await endGroup(room, record);
  await logLeftovers(room, record);
  const { startedAt, stopAsked } = record.state as StateWithProcess;
  const finishedAt = new Date(exit?.atMs ?? Date.now());
  const error = exit === undefined ? 'The daemon and the supervisor died while it ran: it was ended, and how it would have ended is not known' : '';
  const state: State = { status: 'exited', exitCode: exit?.code ?? 137, startedAt, finishedAt, oomKilled: false, error, ...(stopAsked === true ? { stopAsked } : {}) };
  room.shelf.change(record.id, (now) => ({ ...now, state, health: unwatched(now.health) }));
  await afterRun(room, record.id);
}

/** Nobody reads the pipes any more, but what reached the spools before the end belongs into the log. */
async function logLeftovers(room: Room, record: ContainerRecord): Promise<void> {
  const streams = openStreams({
    stdout: undefined, stderr: undefined, stdin: undefined, terminal: record.config.Tty, readiness: room.readiness,
    spoolDir: room.storage.containerDir(record.id), log: openContainerLog(room, record), stdinOnce: false, onStdinClosed: () => undefined,
  });
  await streams.finish();
}

/** A start or an exit that was cut off may have left the cgroup. */
async function clearLeftovers(room: Room, record: ContainerRecord): Promise<void> {
  try {
    await endGroup(room, record);
  } catch (error) {
    room.log.warn({ container: record.id, error: messageOf(error) }, 'leftovers of a start could not be cleared away');
  }
  if (record.state.status === 'exited') await afterRun(room, record.id);
}

/** A step of a build that was cut off, or what a crash left of a create or a remove. What still runs in it is ended; its task is released by its exit. */
async function removeNameless(room: Room, id: ContainerId): Promise<void> {
  const cgroupPath = cgroupPathOf(id, '');
  try {
    room.cgroups.killAll(cgroupPath);
    await room.cgroups.remove(cgroupPath);
  } catch (error) {
    room.log.warn({ container: id, error: messageOf(error) }, 'the cgroup of a step of a build could not be cleared away');
  }
  room.storage.snapshots.removeSnapshot(id);
}

/** The supervisor died, this daemon did not: the next supervisor borrows every task's descriptors from us. */
export async function adoptAfterLoss(room: Room): Promise<void> {
  for (const [id, task] of room.live) {
    const { pidfd, stdin, stdout, stderr, network } = task.fds;
    const record = room.shelf.get(id);
    const number = (fd: { readonly isOpen: boolean; readonly number: number } | undefined): number | undefined => (fd?.isOpen === true ? fd.number : undefined);
    await room.supervisor.adopt({
      task: id, pid: task.pid, terminal: record.config.Tty, spool: spoolPaths(room.storage.containerDir(record.id)),
      fds: { pidfd: pidfd.number, stdin: number(stdin), stdout: number(stdout), stderr: number(stderr), network: number(network) },
    });
  }
  for (const [id, { task, fds }] of room.steps) {
    if (task === undefined || fds === undefined) continue;
    await room.supervisor.adopt({ task: id, pid: task.pid, terminal: false, fds: { pidfd: fds.pidfd.number } });
  }
  for (const [id, { record, task }] of room.execs) {
    if (task === undefined) continue;
    await room.supervisor.adopt({ task: id, pid: task.pid, terminal: record.config.Tty, fds: { pidfd: task.fds.pidfd.number } });
  }
}
