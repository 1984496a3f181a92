// How the bytes of an HTTP/1.1 answer's body are framed, as a push parser: socket chunks in, body bytes out. Three framings: a counted
// length, chunks (RFC 9112 §7.1), or everything until the connection closes.

/** Takes the connection's bytes, cut anywhere. */
export interface BodyFraming {
  /** Gives the body's bytes in `chunk` to `emit`. */
  feed(chunk: Buffer, emit: (bytes: Buffer) => void): void;
  /** Whether the body has ended: the connection may carry the next request. */
  readonly isDone: boolean;
  /** Whether the end of the connection is the end of the body. */
  readonly endsWithConnection: boolean;
}

export function countedBody(length: number): BodyFraming {
  let left = length;
  return {
    endsWithConnection: false,
    get isDone() { return left === 0; },
    feed(chunk, emit) {
      const bytes = chunk.length > left ? chunk.subarray(0, left) : chunk;
      left -= bytes.length;
      if (bytes.length > 0) emit(bytes);
    },
  };
}

export function bodyUntilClose(): BodyFraming {
  return { endsWithConnection: true, isDone: false, feed: (chunk, emit) => { if (chunk.length > 0) emit(chunk); } };
}

const lineBytesMax = 16 * 1024;

/** Chunked coding. Trailers are read and dropped. @throws Error when the stream is not chunked coding. */
export function chunkedBody(): BodyFraming {
  const self: { state: 'size' | 'data' | 'dataEnd' | 'trailer' | 'done' } = { state: 'size' };
  let left = 0;
  let line = '';
  const next = (text: string): void => {
    if (self.state === 'size') {
      if (!/^[0-9a-f]+ *(;.*)?$/i.test(text)) throw new Error(`The daemon's answer is broken: ${JSON.stringify(text.slice(0, 40))} is not a chunk size`);
      left = Number.parseInt(text, 16);
      self.state = left === 0 ? 'trailer' : 'data';
    } else if (self.state === 'dataEnd') self.state = 'size';
    else if (text === '') self.state = 'done';
  };
  const feedLine = (chunk: Buffer, at: number): number => {
    const end = chunk.indexOf(10, at);
    line += chunk.toString('latin1', at, end < 0 ? chunk.length : end);
    if (line.length > lineBytesMax) throw new Error("The daemon's answer is broken: a chunk header without end");
    if (end < 0) return chunk.length;
    const text = line.endsWith('\r') ? line.slice(0, -1) : line;
    line = '';
    next(text);
    return end + 1;
  };
  const feedData = (chunk: Buffer, at: number, emit: (bytes: Buffer) => void): number => {
    const end = Math.min(chunk.length, at + left);
    left -= end - at;
    if (left === 0) self.state = 'dataEnd';
    emit(chunk.subarray(at, end));
    return end;
  };
  return {
    endsWithConnection: false,
    get isDone() { return self.state === 'done'; },
    feed(chunk, emit) {
      let at = 0;
      while (at < chunk.length && self.state !== 'done') at = self.state === 'data' ? feedData(chunk, at, emit) : feedLine(chunk, at);
    },
  };
}
