// One probe: an exec in the container, its output kept up to a limit, ended when it takes too long.
import { messageOf } from '../../base/index.ts';
import { sendSignal } from '../../kernel/index.ts';
import type { ExecConfig } from '../../spec/docker/container.ts';
import type { Attachment, ContainerRecord } from '../container.ts';
import { createExec, findExec, startExec } from '../exec.ts';
import type { LiveExec, Room } from '../room.ts';
import { wait } from '../timer.ts';
import type { HealthCheck, Probed } from './check.ts';

const SIGKILL = 9;
const outputBytesMax = 4096;
const killTimeoutMs = 10_000;

/** Never throws: what goes wrong is a result too. Ends early when `signal` says that nobody wants to know any more. */
export async function probe(room: Room, record: ContainerRecord, check: HealthCheck, signal: AbortSignal): Promise<Probed> {
  const startedAt = new Date();
  try {
    const { exitCode, output } = await run(room, record, check, signal);
    return { startedAt, endedAt: new Date(), exitCode, output };
  } catch (error) {
    return { startedAt, endedAt: new Date(), exitCode: -1, output: messageOf(error) };
  }
}

async function run(room: Room, record: ContainerRecord, check: HealthCheck, signal: AbortSignal): Promise<Pick<Probed, 'exitCode' | 'output'>> {
  const exec = findExec(room, createExec(room, record, execConfigOf(check)));
  await using attachment = await begin(room, exec);
  const kept = new Kept();
  if (!await inTime(kept.read(attachment), check.timeoutMs, signal)) {
    await end(exec, signal);
    return { exitCode: -1, output: `Health check exceeded timeout (${inSeconds(check.timeoutMs)})${kept.text === '' ? '' : `: ${kept.text}`}` };
  }
  const { state } = exec.record;
  return { exitCode: state.status === 'exited' ? state.exitCode : -1, output: kept.text };
}

function execConfigOf({ command }: HealthCheck): ExecConfig {
  return { AttachStdin: false, AttachStdout: true, AttachStderr: true, Tty: false, Env: [], Cmd: command, Privileged: false, User: '', WorkingDir: '' };
}

/** Probes are not remembered once they are over: execs of users are. */
async function begin(room: Room, exec: LiveExec): Promise<Attachment> {
  const forget = (): void => void room.execs.delete(exec.record.id);
  try {
    const attachment = await startExec(room, exec, { detach: false });
    void exec.task?.exited.promise.then(forget);
    return attachment!;
  } catch (error) {
    forget();
    throw error;
  }
}

/** False when the time was over first, or nobody waits any more. */
async function inTime(ended: Promise<void>, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
  using timer = wait(timeoutMs, signal);
  return await Promise.race([ended.then(() => true), timer.over.then(() => false)]);
}

/** Waits for its end, so that probes do not pile up; but not in a paused container, where it ends when that goes on. */
async function end({ task }: LiveExec, signal: AbortSignal): Promise<void> {
  if (task === undefined) return;
  sendSignal(task.fds.pidfd, SIGKILL);
  await inTime(task.exited.promise, killTimeoutMs, signal);
}

/** The first bytes of a probe's output. */
class Kept {
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  #isCut = false;

  async read(attachment: Attachment): Promise<void> {
    for await (const { bytes } of attachment.output) {
      const part = bytes.subarray(0, outputBytesMax - this.#bytes);
      if (part.length < bytes.length) this.#isCut = true;
      if (part.length > 0) this.#chunks.push(part);
      this.#bytes += part.length;
    }
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString() + (this.#isCut ? '...' : '');
  }
}

function inSeconds(ms: number): string {
  return ms < 1000 ? `${ms}ms` : `${ms / 1000}s`;
}
