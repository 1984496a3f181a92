// A running container: its streams opened, its clients joined, its exit awaited and recorded.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { messageOf, type ContainerId } from '../base/index.ts';
import type { TaskExit, TaskReport } from '../runtime/index.ts';
import type { ContainerRecord } from './container.ts';
import { removeGroup } from './group.ts';
import { endHealthChecks, unwatched } from './health/index.ts';
import { releaseVolumes } from './mounts/index.ts';
import { openContainerLog } from './logs.ts';
import { restartsAfterExit } from './restart-policy.ts';
import { cgroupPathOf, type LiveTask, type Room } from './room.ts';
import { hasProcess } from './state.ts';
import { openStreams } from './streams/index.ts';

/** Borrows the task's descriptors and opens its streams; whoever attached before is joined before the first byte is taken. */
export function openTask(room: Room, record: ContainerRecord, report: TaskReport): LiveTask {
  const fds = room.supervisor.borrow(report.fds);
  const streams = openStreams({
    stdout: fds.stdout!, stderr: fds.stderr, stdin: fds.stdin, terminal: report.terminal, readiness: room.readiness,
    spoolDir: room.storage.containerDir(record.id), log: openContainerLog(room, record),
    stdinOnce: record.config.StdinOnce, onStdinClosed: () => void room.supervisor.closeStdin(record.id).catch((error: unknown) => room.log.warn({ container: record.id, error: messageOf(error) }, 'stdin not closed')),
  });
  for (const pending of room.pending.get(record.id) ?? []) pending.begin(streams.attach(pending.options));
  room.pending.delete(record.id);
  return { pid: report.pid, fds, streams, exited: Promise.withResolvers(), freezing: undefined, stopAsked: false, restarts: false };
}

/** The program ended: its last output, its state, those who wait, its cgroup. */
export async function recordExit(room: Room, record: ContainerRecord, task: LiveTask, exit: TaskExit): Promise<void> {
  const cgroupPath = cgroupPathOf(record.id, record.hostConfig.CgroupParent);
  // Others may live on in a pid namespace that is not the container's own.
  if (record.hostConfig.PidMode !== '') room.cgroups.killAll(cgroupPath);
  await task.streams.finish();
  // The last output is on its way to attached clients before anybody is told of the end: some leave then.
  await nextTurn();
  const oomKilled = room.cgroups.oomKills(cgroupPath) > 0;
  endHealthChecks(room, record.id);
  const ended = room.shelf.change(record.id, (now) => afterExit({ ...now, health: unwatched(now.health) }, task, exit, oomKilled));
  room.live.delete(record.id);
  leaveNetworks(room, record.id);
  room.aftermath.set(record.id, clearAway(room, record, task));
  if (oomKilled) room.tell({ kind: 'oom', container: ended });
  room.tell({ kind: 'die', container: ended, exitCode: exit.code, ranMs: exit.atMs - (startOf(ended)?.getTime() ?? exit.atMs) });
  task.exited.resolve();
  room.waiters.ended(ended);
}

/** At once: whoever waited for the end may want its ports. The end stands whatever comes of this; what could not be taken away is taken away when the daemon comes back. */
export function leaveNetworks(room: Room, id: ContainerId): void {
  try {
    room.networks.leave(id);
  } catch (error) {
    room.log.error({ container: id, error: error instanceof Error ? error.stack : String(error) }, 'not everything of a container\'s networks could be taken away');
  }
}

/** Exited; or on its way to be started again, if its restart policy says so. */
function afterExit(record: ContainerRecord, task: LiveTask, exit: TaskExit, oomKilled: boolean): ContainerRecord {
  const stopAsked = task.stopAsked || (hasProcess(record.state) && record.state.stopAsked === true);
  const end = { exitCode: exit.code, startedAt: startOf(record), finishedAt: new Date(exit.atMs), oomKilled, error: '' };
  const restarts = restartsAfterExit(record.hostConfig.RestartPolicy, { exitCode: exit.code, stopAsked, restartCount: record.restartCount });
  if (restarts) return { ...record, restartCount: record.restartCount + 1, state: { ...end, status: 'restarting' } };
  return { ...record, state: { ...end, status: 'exited', ...(stopAsked ? { stopAsked } : {}) } };
}

function startOf({ state }: ContainerRecord): Date | undefined {
  return state.status === 'created' ? undefined : state.startedAt;
}

/** In a later turn: whoever waited for the exit is told first. */
async function clearAway(room: Room, record: ContainerRecord, task: LiveTask): Promise<void> {
  const { id } = record;
  try {
    await nextTurn();
    task.fds.pidfd[Symbol.dispose]();
    task.fds.network?.[Symbol.dispose]();
    await Promise.all([room.supervisor.release(id), removeGroup(room, record), releaseVolumes(room, record)]);
  } catch (error) {
    room.log.warn({ container: id, error: messageOf(error) }, 'not everything could be cleared away');
  } finally {
    room.aftermath.delete(id);
  }
}
