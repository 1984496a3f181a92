// Relay: between a client's taken-over socket and a program's streams, until the program's output has ended, the client has gone or the
// detach keys were typed. A client that closes only its sending side has ended its input and still reads.
import type { Duplex } from 'node:stream';
import { isFail } from '../base/index.ts';
import type { Attachment } from '../engine/index.ts';
import { watchDetachKeys } from './detach-keys.ts';
import { sendOutput } from './frames.ts';

/** After the last byte the client may still be sending: its bytes are read and dropped for so long, for a socket closed on unread bytes is a reset to the client. */
const lingerMs = 2000;
/** How often a client that can no longer be heard (its input ended) is asked whether it is still there. */
const probeMs = 15_000;

export interface RelayOptions {
  readonly attachment: Attachment;
  /** Whether stdout and stderr are told apart by frames. */
  readonly framed: boolean;
  /** Whether the client's bytes go to the program; if not, they are dropped. */
  readonly stdin: boolean;
  /** What the end of the client's bytes means: the program's end of file, or (a terminal has none; other clients may come) that the client leaves. */
  readonly atEndOfInput: 'close' | 'leave';
  /** Undefined: no keys detach (without a terminal). */
  readonly detachKeys: Uint8Array | undefined;
  /** Cuts the client off. */
  readonly signal: AbortSignal;
}

export async function relay(socket: Duplex, { attachment, framed, signal, ...input }: RelayOptions): Promise<void> {
  let leaving: Promise<void> | undefined;
  const leave = () => leaving ??= Promise.resolve(attachment[Symbol.asyncDispose]());
  const cutOff = () => socket.destroy();
  signal.addEventListener('abort', cutOff, { once: true });
  socket.on('error', () => undefined); // 'close' follows, and says all there is to say
  const closed = socket.closed ? Promise.resolve() : new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const output = async () => {
    try {
      await sendOutput(socket, attachment.output, framed);
    } finally {
      await leave();
      await hangUp(socket, closed);
      signal.removeEventListener('abort', cutOff);
    }
  };
  await Promise.all([output(), receiveInput(socket, { attachment, leave, ...input }), closed.then(leave)]);
}

interface Input extends Omit<RelayOptions, 'signal' | 'framed'> {
  readonly leave: () => Promise<void>;
}

/** Reads the client to its end. What nobody wants (any more) is dropped, so that the end is seen. */
async function receiveInput(socket: Duplex, { attachment, stdin, atEndOfInput, detachKeys, leave }: Input): Promise<void> {
  const watch = detachKeys === undefined ? undefined : watchDetachKeys(detachKeys);
  let wanted = stdin;
  try {
    for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      if (!wanted) continue;
      const { passed, detached } = watch?.(chunk) ?? { passed: chunk, detached: false };
      if (passed.length > 0) wanted = await isTaken(attachment.write(passed));
      if (detached) {
        wanted = false;
        await leave();
      }
    }
    if (wanted) await (atEndOfInput === 'close' ? isTaken(attachment.closeInput()) : leave());
    probeUntilClosed(socket);
  } catch (error) {
    if (socket.destroyed) return; // the client is gone: no error of ours
    socket.destroy();
    throw error;
  }
}

/** False when the program's stdin is closed: it has ended, or closed it, or never had one. */
async function isTaken(writing: Promise<void>): Promise<boolean> {
  try {
    await writing;
    return true;
  } catch (error) {
    if (isFail(error, 'conflict')) return false;
    throw error;
  }
}

/**
 * A client that ended its input and then died looks like one that waits for output: the end of its input is all that is ever read. But writing
 * nothing to it fails with EPIPE (Linux checks the other side before it looks at the length), which closes the socket.
 */
function probeUntilClosed(socket: Duplex): void {
  const timer = setInterval(() => socket.write(new Uint8Array()), probeMs);
  timer.unref();
  socket.once('close', () => clearInterval(timer));
}

/** Ends the sending side, and waits a little for the client to close its own. */
async function hangUp(socket: Duplex, closed: Promise<void>): Promise<void> {
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.end();
  await closed;
  clearTimeout(timer);
}
