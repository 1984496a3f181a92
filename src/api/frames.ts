// Streams of a container on their way to a client. Without a terminal, each piece of output goes in a frame of Docker's multiplexed stream:
// one byte 1 (stdout) or 2 (stderr), three zeros, the length as 32 bits big endian, the bytes. With one, the bytes go as they are.
import type { Writable } from 'node:stream';
import type { OutputChunk, StreamName } from '../engine/index.ts';

export const rawStream = 'application/vnd.docker.raw-stream';
const multiplexedStream = 'application/vnd.docker.multiplexed-stream';

/** The content type that tells a client how to read. Clients before API 1.42 know only one name. */
export function streamType(tty: boolean, apiMinor: number): string {
  return !tty && apiMinor >= 42 ? multiplexedStream : rawStream;
}

/**
 * Sends output to its end, or until the client is gone, no faster than the client reads. Pieces that are there at once go out in one
 * system call: the writer is corked for the rest of the event loop's turn.
 */
export async function sendOutput(writer: Writable, output: AsyncIterable<OutputChunk>, framed: boolean): Promise<void> {
  for await (const { stream, bytes } of output) {
    if (writer.destroyed) return;
    corkForThisTurn(writer);
    if (framed) writer.write(frameHeader(stream, bytes.length));
    if (!writer.write(bytes)) await drained(writer);
  }
}

export function frameHeader(stream: StreamName, length: number): Buffer {
  const header = Buffer.alloc(8);
  header[0] = stream === 'stdout' ? 1 : 2;
  header.writeUInt32BE(length, 4);
  return header;
}

function corkForThisTurn(writer: Writable): void {
  if (writer.writableCorked > 0) return;
  writer.cork();
  setImmediate(() => writer.uncork());
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
