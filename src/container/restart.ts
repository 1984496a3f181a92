// restart: by hand, and by a container's restart policy after a delay that doubles from failure to failure.
import { isFail, messageOf, type ContainerId } from '../base/index.ts';
import type { ContainerRecord, StopOptions } from './container.ts';
import { restartDelayMs, restartsAtDaemonStart } from './restart-policy.ts';
import type { Room } from './room.ts';
import { startContainer } from './start.ts';
import { isUp } from './state.ts';
import { stopContainer } from './stop.ts';

/** @throws as stop and start. */
export async function restartContainer(room: Room, record: ContainerRecord, options: StopOptions): Promise<void> {
  if (isUp(record.state)) await stopContainer(room, record, { ...options, restarts: true }).catch(unlessDone);
  await room.queueOf(record.id).run(() => startContainer(room, room.shelf.get(record.id))).catch(unlessDone);
  room.tell({ kind: 'restart', container: room.shelf.get(record.id) });
}

/** It ended by itself, or somebody else has started it in the meantime. */
function unlessDone(error: unknown): void {
  if (!isFail(error, 'not_modified')) throw error;
}

/** After an exit that left the container `restarting`: starts it once its delay is over. */
export function scheduleRestart(room: Room, { id, state }: ContainerRecord): void {
  if (state.status !== 'restarting') return;
  const delayMs = restartDelayMs(room.delays.get(id), state.startedAt === undefined ? 0 : state.finishedAt.getTime() - state.startedAt.getTime());
  room.delays.set(id, delayMs);
  startIn(room, id, delayMs);
}

function startIn(room: Room, id: ContainerId, delayMs: number): void {
  const timer = setTimeout(() => {
    room.restarts.delete(id);
    void room.queueOf(id).run(() => startAgain(room, id, ({ state }) => state.status === 'restarting'));
  }, delayMs);
  const giveUp = (): void => {
    clearTimeout(timer);
    room.restarts.delete(id);
  };
  room.restarts.set(id, { [Symbol.dispose]: giveUp });
}

/** Once the daemon is up: what its policy brings back. Those that join others' namespaces come after them. */
export function restartAtDaemonStart(room: Room): void {
  const comesBack = ({ hostConfig, state }: ContainerRecord): boolean => restartsAtDaemonStart(hostConfig.RestartPolicy, state);
  const joins = ({ hostConfig: { NetworkMode, PidMode } }: ContainerRecord): boolean => [NetworkMode, PidMode].some((mode) => mode.startsWith('container:'));
  const start = (records: readonly ContainerRecord[]): Promise<unknown> => Promise.all(records.map(({ id }) => room.queueOf(id).run(() => startAgain(room, id, comesBack))));
  const back = room.shelf.list().filter(comesBack);
  void start(back.filter((record) => !joins(record))).then(() => start(back.filter(joins)));
}

/**
 * `isDue` is asked when its turn comes: it may have been stopped or removed since. What cannot be started stays `exited` with the reason in its
 * record: only a program that ran is started again and again.
 */
async function startAgain(room: Room, id: ContainerId, isDue: (record: ContainerRecord) => boolean): Promise<void> {
  const record = room.shelf.find(id);
  if (record === undefined || !isDue(record)) return;
  room.restarts.get(id)?.[Symbol.dispose]();
  try {
    await startContainer(room, record, { again: record.state.status === 'restarting' });
  } catch (error) {
    room.log.warn({ container: id, error: messageOf(error) }, 'a container could not be started again');
    const { state } = room.shelf.get(id);
    if (state.status === 'restarting') room.shelf.setState(id, { ...state, status: 'exited', error: messageOf(error) });
    room.waiters.ended(room.shelf.get(id));
  }
}
