// A program's streams as a program reads them: all of its output, and its exit.
import { fail, isFail } from '../base/index.ts';
import type { Attachment } from '../engine/index.ts';

/** What a program said and how it ended. */
export interface Output {
  /** 0 to 255; 137 for a program that was killed. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that has just been started. */
export interface Begun {
  readonly attachment: Attachment;
  readonly exitCode: () => Promise<number>;
  /** Ends it. */
  readonly kill: () => Promise<void>;
}

export interface CollectOptions {
  /** What it reads from stdin; then its stdin is closed. */
  readonly input?: string | Uint8Array | AsyncIterable<Uint8Array> | undefined;
  /** At most so much output is kept in memory; a program that says more is killed. 64 MiB unless given. */
  readonly outputBytesMax?: number | undefined;
  /** Kills the program. */
  readonly signal?: AbortSignal | undefined;
}

const outputBytesDefault = 64 << 20;

/** Reads a program to its end. @throws `too_large` when it says too much, the signal's reason when that aborts. */
export async function collect({ attachment, exitCode, kill }: Begun, { input, outputBytesMax = outputBytesDefault, signal }: CollectOptions): Promise<Output> {
  const parts = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
  let bytesLeft = outputBytesMax;
  const stop = (): void => { kill().catch(() => undefined); }; // it may have ended by itself in this moment
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted === true) stop(); // while it was being started
  const feeding = input === undefined ? Promise.resolve() : feed(attachment, input);
  try {
    for await (const { stream, bytes } of attachment.output) {
      bytesLeft -= bytes.length;
      if (bytesLeft < 0) {
        await kill();
        throw fail('too_large', `The program said more than ${outputBytesMax} bytes`, { hint: 'Raise outputBytesMax, or read the container\'s logs' });
      }
      parts[stream].push(bytes);
    }
    await feeding;
    signal?.throwIfAborted();
    return { exitCode: await exitCode(), stdout: Buffer.concat(parts.stdout).toString(), stderr: Buffer.concat(parts.stderr).toString() };
  } finally {
    signal?.removeEventListener('abort', stop);
    await attachment[Symbol.asyncDispose]();
  }
}

/** A program may end, or close its stdin, before it has read all: that is its affair. */
async function feed(attachment: Attachment, input: string | Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
  const chunks = typeof input === 'string' ? [Buffer.from(input)] : input instanceof Uint8Array ? [input] : input;
  try {
    for await (const chunk of chunks) await attachment.write(chunk);
    await attachment.closeInput();
  } catch (error) {
    if (!isFail(error, 'conflict')) throw error;
  }
}
