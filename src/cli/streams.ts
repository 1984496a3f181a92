// The streams of a container or an exec on the user's own: output to stdout and stderr, stdin the other way, each held back when the other
// side is slow.
import type { Duplex, Readable, Writable } from 'node:stream';
import { demultiplexer, type Hijacked } from '../client/index.ts';
import { detachWatcher } from './detach-keys.ts';
import type { Session } from './session.ts';

export interface Joined {
  /** Resolves when the daemon has closed the stream and all output has been handed over. */
  readonly ended: Promise<void>;
  /** Whether it was the detach keys that ended it. */
  readonly isDetached: () => boolean;
  readonly close: () => void;
}

export interface JoinOptions {
  readonly isTty: boolean;
  /** Forward input, and its end. */
  readonly withStdin: boolean;
  readonly detachKeys: string | undefined;
}

/** Joins a hijacked connection to the session's streams. */
export function joinStreams(session: Session, { socket, early }: { readonly socket: Duplex; readonly early: Hijacked['early'] }, options: JoinOptions): Joined {
  const output = outputSink(session, options.isTty);
  const watcher = detachWatcher(options.detachKeys);
  const stopInput = options.withStdin ? forwardInput(session.stdin, socket, options.isTty ? watcher.see : undefined) : () => undefined;
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
  const take = (chunk: Buffer): void => {
    try {
      const held = output(chunk);
      if (held === undefined) return;
      socket.pause();
      held.then(() => socket.resume(), reject);
    } catch (error) {
      socket.destroy();
      reject(error instanceof Error ? error : new Error(String(error)));
    }
  };
  const finish = (): void => {
    stopInput();
    socket.destroy();
    resolve();
  };
  // A reset is how a daemon that dies, or a stream that was left with input unread, looks like: the wait tells what became of the container.
  socket.on('data', take).on('end', finish).on('close', finish).on('error', finish);
  if (early.length > 0) take(early);
  socket.resume();
  return { ended, isDetached: watcher.isDetached, close: finish };
}

/** Writes chunks to the right stream; a promise means: wait before the next. */
export function outputSink(session: Session, isTty: boolean): (chunk: Buffer) => Promise<void> | undefined {
  if (isTty) return (chunk) => (session.stdout.write(chunk) ? undefined : roomIn(session.stdout));
  let full: Writable | undefined;
  const feed = demultiplexer((name, bytes) => {
    const stream = session[name];
    if (!stream.write(bytes)) full = stream;
  });
  return (chunk) => {
    full = undefined;
    feed(chunk);
    return full === undefined ? undefined : roomIn(full);
  };
}

function roomIn(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => { stream.off('drain', done).off('close', done); resolve(); };
    stream.on('drain', done).on('close', done);
  });
}

/** Returns the function that stops it. */
function forwardInput(stdin: Readable, socket: Duplex, see: ((chunk: Buffer) => void) | undefined): () => void {
  const take = (chunk: Buffer): void => {
    see?.(chunk);
    if (socket.write(chunk)) return;
    stdin.pause();
    socket.once('drain', () => stdin.resume());
  };
  const end = (): void => { socket.end(); };
  stdin.on('data', take).on('end', end);
  stdin.resume();
  return () => {
    stdin.off('data', take).off('end', end);
    stdin.pause();
  };
}
