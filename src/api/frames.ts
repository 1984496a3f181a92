// Streams of a container on their way to a client. Without a terminal, each piece of output goes in a frame of Docker's multiplexed stream:
// one byte 1 (stdout) or 2 (stderr), three zeros, the length as 32 bits big endian, the bytes. With one, the bytes go as they are.
import type { Writable } from 'node:stream';
import type { OutputChunk, StreamName } from '../engine/index.ts';

export const rawStream = 'application/vnd.docker.raw-stream';
export const multiplexedStream = 'application/vnd.docker.multiplexed-stream';

/** The content type that tells a client how to read. Clients before API 1.42 know only one name. */
export function streamType(tty: boolean, apiMinor: number): string {
  return !tty && apiMinor >= 42 ? multiplexedStream : rawStream;
}

/** Smaller pieces that come in one turn of the event loop are put together up to this size. */
const batchBytesMax = 64 * 1024;

/**
 * Sends output to its end, or until the client is gone, no faster than the client reads. Small pieces that are there at once go out together.
 * (Not by cork: a corked ServerResponse that says "wait for drain" may never drain, when its socket takes everything at once.)
 */
export async function sendOutput(writer: Writable, output: AsyncIterable<OutputChunk>, framed: boolean): Promise<void> {
  const batch = new Batch(writer);
  for await (const { stream, bytes } of output) {
    if (writer.destroyed) return;
    if (framed) batch.add(frameHeader(stream, bytes.length));
    batch.add(bytes);
    if (batch.isFull) batch.flush();
    // Also when it was flushed between two pieces: a client that reads nothing must not pile up what a program prints little by little.
    if (writer.writableNeedDrain) await drained(writer);
  }
  batch.flush();
}

class Batch {
  readonly #writer: Writable;
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  constructor(writer: Writable) {
    this.#writer = writer;
  }

  get isFull(): boolean {
    return this.#bytes >= batchBytesMax;
  }

  add(piece: Uint8Array): void {
    if (this.#pieces.length === 0) setImmediate(() => this.flush());
    this.#pieces.push(piece);
    this.#bytes += piece.length;
  }

  /** A large piece is not copied. */
  flush(): void {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#bytes = 0;
    if (pieces.length === 0 || this.#writer.destroyed) return;
    const last = pieces.at(-1)!;
    const isCopied = last.length < batchBytesMax / 2;
    if (isCopied || pieces.length > 1) this.#writer.write(Buffer.concat(isCopied ? pieces : pieces.slice(0, -1)));
    if (!isCopied) this.#writer.write(last);
  }
}

export function frameHeader(stream: StreamName, length: number): Buffer {
  const header = Buffer.alloc(8);
  header[0] = stream === 'stdout' ? 1 : 2;
  header.writeUInt32BE(length, 4);
  return header;
}

/** Resolves when the writer takes more, or takes no more ever. */
function drained(writer: Writable): Promise<void> {
  if (writer.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      writer.off('drain', done);
      writer.off('close', done);
      resolve();
    };
    writer.on('drain', done);
    writer.on('close', done);
  });
}
