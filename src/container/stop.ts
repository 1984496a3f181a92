// stop and kill: signals to a container's first program. Both go past the container's queue: a stop waits, and a kill must get past it.
import { fail } from '../base/index.ts';
import { sendSignal, signalNumber } from '../kernel/index.ts';
import type { ContainerRecord, StopOptions } from './container.ts';
import { signalExternal } from './external/index.ts';
import { resume } from './pause.ts';
import { taskOf, type LiveTask, type Room } from './room.ts';
import { parseSignal } from './signal.ts';
import { allow, hasProcess } from './state.ts';
import { wait } from './timer.ts';

const stopTimeoutSeconds = 10;
const SIGKILL = 9;
/** A process that survives SIGKILL for so long sits in the kernel (a dead disk, a hung file server). */
const killTimeoutMs = 10_000;

export async function killContainer(room: Room, record: ContainerRecord, signal: string): Promise<void> {
  const number = parseSignal(signal === '' ? 'KILL' : signal);
  if (allow('kill', record).status === 'restarting') return giveUpRestart(room, record);
  const task = taskOf(room, record.id);
  if (!await send(room, record, task, number)) throw fail('conflict', `Cannot kill container: ${record.id}: container ${record.id} is not running`);
  if (number === SIGKILL) await within(task, killTimeoutMs);
}

/** `restarts`: it is stopped to be started again, and goes on to belong to its restart policy. */
export async function stopContainer(room: Room, record: ContainerRecord, options: StopOptions & { readonly restarts?: boolean }): Promise<void> {
  allow('stop', record);
  await endContainer(room, record, options);
  room.tell({ kind: 'stop', container: room.shelf.find(record.id) ?? record });
}

/** Whatever runs of it, or would run again, does no more. */
export async function endContainer(room: Room, record: ContainerRecord, { signal, timeoutSeconds, restarts = false }: StopOptions & { readonly restarts?: boolean }): Promise<void> {
  const number = stopSignal(record, signal);
  const task = room.live.get(record.id);
  if (task === undefined) return giveUpRestart(room, record);
  const seconds = timeoutSeconds ?? record.config.StopTimeout ?? stopTimeoutSeconds;
  task.restarts = restarts;
  await send(room, record, task, number);
  if (await within(task, seconds < 0 ? undefined : seconds * 1000)) return;
  await send(room, record, task, SIGKILL);
  if (!await within(task, killTimeoutMs)) throw fail('timeout', `Container ${record.id} did not end within ${killTimeoutMs / 1000} seconds of SIGKILL`, { hint: 'One of its processes waits inside the kernel, for a disk or a file server; try again when that answers' });
}

/** False when the program is gone already. A signal that may mean the end takes the container out of its pause: frozen, it could not even die. */
async function send(room: Room, record: ContainerRecord, task: LiveTask, number: number): Promise<boolean> {
  await task.freezing;
  const asksToEnd = meansEnd(record, number);
  if (asksToEnd) rememberAsked(room, record, task);
  if (!await deliver(room, record, task, number)) return false;
  if (asksToEnd && room.shelf.find(record.id)?.state.status === 'paused') resume(room, record);
  room.tell({ kind: 'kill', container: record, signal: number });
  return true;
}

/** A process that another runtime has made gets its signals through that one; its end it gets from the kernel. */
async function deliver(room: Room, record: ContainerRecord, task: LiveTask, number: number): Promise<boolean> {
  const runtime = number === SIGKILL ? undefined : room.runtimes.find(record.hostConfig.Runtime);
  return runtime === undefined ? sendSignal(task.fds.pidfd, number) : await signalExternal(room, record, runtime, task, number);
}

/** As dockerd has it: where a stop signal was chosen, only that and SIGKILL; else any signal. */
function meansEnd({ config: { StopSignal = '' } }: ContainerRecord, number: number): boolean {
  return StopSignal === '' || number === SIGKILL || number === signalNumber(StopSignal);
}

/** After a crash of the daemon only restart policies ask who ended it: others save the write. */
function rememberAsked(room: Room, record: ContainerRecord, task: LiveTask): void {
  task.stopAsked = true;
  if (task.restarts || record.hostConfig.RestartPolicy.Name === 'no') return;
  const { state } = room.shelf.get(record.id);
  if (hasProcess(state) && state.stopAsked !== true) room.shelf.setState(record.id, { ...state, stopAsked: true });
}

/** It waits for its next start: that will not come. */
function giveUpRestart(room: Room, record: ContainerRecord): void {
  const { state } = room.shelf.get(record.id);
  room.restarts.get(record.id)?.[Symbol.dispose]();
  if (state.status !== 'restarting') return;
  room.waiters.ended(room.shelf.setState(record.id, { ...state, status: 'exited', stopAsked: true }));
}

function stopSignal({ name, config }: ContainerRecord, asked: string | undefined): number {
  const text = asked ?? (config.StopSignal || 'TERM');
  const number = signalNumber(text);
  if (number === undefined) throw fail('invalid', `cannot stop container: ${name}: invalid signal: ${text}`);
  return number;
}

/** True when its exit was recorded in time; without a time, waits for ever. */
async function within(task: LiveTask, timeoutMs: number | undefined): Promise<boolean> {
  const exited = task.exited.promise.then(() => true);
  if (timeoutMs === undefined) return exited;
  using timer = wait(timeoutMs);
  return await Promise.race([exited, timer.over.then(() => false)]);
}
