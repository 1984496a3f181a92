// Without a terminal, the daemon sends a container's stdout and stderr on one connection in frames: one byte for the stream (1 stdout,
// 2 stderr), three zero bytes, four bytes of length (big endian), then that many bytes. The connection may be cut into chunks anywhere.

export type StreamName = 'stdout' | 'stderr';

/** Takes the payloads in their order, as views of the fed chunk: write or copy them before the next chunk. */
export type FrameSink = (stream: StreamName, bytes: Buffer) => void;

const headerBytes = 8;

/** Returns the function to feed. @throws (from feed) Error on a stream number that is not Docker's. */
export function demultiplexer(sink: FrameSink): (chunk: Buffer) => void {
  const header = Buffer.alloc(headerBytes);
  let headerFilled = 0;
  let stream: StreamName = 'stdout';
  let left = 0;
  return (chunk) => {
    let at = 0;
    while (at < chunk.length) {
      if (left > 0) {
        const end = Math.min(chunk.length, at + left);
        left -= end - at;
        sink(stream, chunk.subarray(at, end));
        at = end;
        continue;
      }
      const taken = Math.min(headerBytes - headerFilled, chunk.length - at);
      chunk.copy(header, headerFilled, at, at + taken);
      headerFilled += taken;
      at += taken;
      if (headerFilled < headerBytes) return;
      headerFilled = 0;
      left = header.readUInt32BE(4);
      stream = streamNamed(header[0]!);
    }
  };
}

function streamNamed(number: number): StreamName {
  // 0 is what dockerd uses for stdin; it is shown as output, as Docker's own client does.
  if (number === 0 || number === 1) return 'stdout';
  if (number === 2) return 'stderr';
  throw new Error(`Unrecognized input header: ${number}`);
}
