// What the runtime is asked besides: to send a signal (its container may be a machine with processes of its own, whose first only it can reach), and
// to forget a container that has ended.
import { execFile } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { fail } from '../../base/index.ts';
import { sendSignal } from '../../kernel/index.ts';
import type { ContainerRecord } from '../container.ts';
import type { LiveTask, Room } from '../room.ts';
import { bundleOf, callFiles, callOf } from './bundle.ts';
import { reasonIn } from './failure.ts';
import type { ExternalRuntime } from './runtimes.ts';

const answerMsMax = 30_000;

/** False when the program is gone already. @throws EstivaError with the runtime's reason */
export async function signalExternal(room: Room, record: ContainerRecord, runtime: ExternalRuntime, task: LiveTask, signal: number): Promise<boolean> {
  const { log } = callFiles(bundleOf(room, record.id), 'kill');
  rmSync(log, { force: true });
  const code = await ask([...callOf(room, runtime, log), 'kill', record.id, String(signal)]);
  if (code === 0) return true;
  if (!task.fds.pidfd.isOpen || !sendSignal(task.fds.pidfd, 0)) return false;
  throw fail('internal', `Cannot send signal ${signal} to container ${record.id}: runtime "${runtime.name}": ${reasonIn(log) ?? `it ended with code ${code}`}`);
}

/** When nothing of it runs any more, or shall run. Nothing there is fine. */
export async function forgetExternal(room: Room, record: ContainerRecord): Promise<void> {
  const bundle = bundleOf(room, record.id);
  if (!existsSync(bundle.dir)) return;
  const runtime = room.runtimes.find(record.hostConfig.Runtime);
  const { log } = callFiles(bundle, 'delete');
  const code = runtime === undefined ? 0 : await ask([...callOf(room, runtime, log), 'delete', '--force', record.id]);
  if (code !== 0) room.log.warn({ container: record.id, runtime: record.hostConfig.Runtime, error: reasonIn(log) }, 'the runtime could not delete what it remembers of a container');
  rmSync(bundle.dir, { recursive: true, force: true });
}

/** Its exit code; 255 when it could not be run or was killed. */
function ask([program, ...words]: readonly string[]): Promise<number> {
  return new Promise((resolve) => {
    execFile(program!, words, { timeout: answerMsMax, killSignal: 'SIGKILL' }, (error) => resolve(error === null ? 0 : typeof error.code === 'number' ? error.code : 255));
  });
}
