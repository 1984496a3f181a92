// stop and kill: signals to a container's first program.
import { fail } from '../base/index.ts';
import { sendSignal, signalNumber } from '../kernel/index.ts';
import type { ContainerRecord } from './container.ts';
import type { LiveTask, Room } from './room.ts';

const stopTimeoutSeconds = 10;
const SIGKILL = 9;
/** A process that survives SIGKILL for so long sits in the kernel (a dead disk, a hung file server). */
const killTimeoutMs = 10_000;

export async function killContainer(room: Room, record: ContainerRecord, signal: string): Promise<void> {
  const number = parseSignal(signal === '' ? 'KILL' : signal);
  const task = room.live.get(record.id);
  if (task === undefined || !sendSignal(task.fds.pidfd, number)) throw fail('conflict', `Cannot kill container: ${record.id}: container ${record.id} is not running`);
  room.tell({ kind: 'kill', container: record, signal: number });
  if (number === SIGKILL) await within(task, killTimeoutMs);
}

/** Outside the container's queue: a stop waits, and a kill must get past it. */
export async function stopContainer(room: Room, record: ContainerRecord, options: { readonly signal?: string | undefined; readonly timeoutSeconds?: number | undefined }): Promise<void> {
  const task = room.live.get(record.id);
  if (task === undefined) throw fail('not_modified', `Container ${record.id} is not running`);
  const number = parseSignal(options.signal ?? record.config.StopSignal ?? 'TERM');
  const seconds = options.timeoutSeconds ?? record.config.StopTimeout ?? stopTimeoutSeconds;
  signalTask(room, record, task, number);
  if (!await within(task, seconds < 0 ? undefined : seconds * 1000)) await killTask(room, record, task);
  room.tell({ kind: 'stop', container: room.shelf.find(record.id) ?? record });
}

function signalTask(room: Room, record: ContainerRecord, task: LiveTask, number: number): void {
  if (sendSignal(task.fds.pidfd, number)) room.tell({ kind: 'kill', container: record, signal: number });
}

async function killTask(room: Room, record: ContainerRecord, task: LiveTask): Promise<void> {
  signalTask(room, record, task, SIGKILL);
  if (!await within(task, killTimeoutMs)) throw fail('timeout', `Container ${record.id} did not end within ${killTimeoutMs / 1000} seconds of SIGKILL`, { hint: 'One of its processes waits inside the kernel, for a disk or a file server; try again when that answers' });
}

export function parseSignal(text: string): number {
  const number = signalNumber(text);
  if (number === undefined) throw fail('invalid', `Invalid signal: ${text}`);
  return number;
}

/** True when its exit was recorded in time; without a time, waits for ever. */
async function within(task: LiveTask, timeoutMs: number | undefined): Promise<boolean> {
  const exited = task.exited.promise.then(() => true);
  if (timeoutMs === undefined) return exited;
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), timeoutMs);
  try {
    return await Promise.race([exited, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
