// start: the waiting process is told to go on, and says how that went: nothing when the program runs.
import { call, callWaiting, Fd, isKernelError, O, opBytes, readRecord } from '../kernel/index.ts';
import { fail } from '../base/index.ts';
import { failureText, forgetWaiting } from './create.ts';
import { runHooks } from './hooks.ts';
import type { Log } from './log.ts';
import type { StateDirectory, StateRecord } from './state.ts';
import { statusOf } from './status.ts';

const POLLIN = 1;

/** @throws EstivaError when it does not wait, or its program cannot run */
export async function start(states: StateDirectory, record: StateRecord, log: Log): Promise<void> {
  const status = statusOf(states, record);
  if (status === 'stopped') throw fail('conflict', 'cannot start a container that has stopped');
  if (status !== 'created') throw fail('conflict', 'cannot start an already running container');
  const { process, hooks } = states.spec(record.id);
  using result = Fd.open(states.path(record.id, 'exec.result'), O.RDONLY | O.NONBLOCK);
  sayStart(states, record.id);
  const failure = answerOf(result);
  forgetWaiting(states, record.id);
  if (failure !== undefined) {
    const step = record.stepsToStart.find(({ index }) => index === failure.index);
    throw fail('invalid', `unable to start container process: ${failureText(process, step?.call ?? 'step', step?.why ?? '', -failure.result)}`);
  }
  try {
    await runHooks(hooks, 'poststart', { ociVersion: record.ociVersion, id: record.id, status: 'running', pid: record.pid, bundle: record.bundle, annotations: record.annotations });
  } catch (error) {
    log.warn(error instanceof Error ? error.message : String(error));
  }
}

function sayStart(states: StateDirectory, id: string): void {
  try {
    using turn = Fd.open(states.path(id, 'exec.fifo'), O.WRONLY | O.NONBLOCK);
    call('write', turn.number, Buffer.from('0'), 1);
  } catch (error) {
    if (isKernelError(error, 'ENXIO')) throw fail('conflict', 'cannot start a container that has stopped', { cause: error });
    throw error;
  }
}

/** Waits for the end of the stream; undefined when nothing came before it. */
function answerOf(result: Fd): { readonly index: number; readonly result: number } | undefined {
  const poll = new Uint8Array(8);
  const view = new DataView(poll.buffer);
  view.setInt32(0, result.number, true);
  view.setInt16(4, POLLIN, true);
  callWaiting('ppoll', poll, 1, 0, 0, 8);
  const record = new Uint8Array(opBytes);
  return call('read', result.number, record, opBytes) === 0 ? undefined : readRecord(record);
}
