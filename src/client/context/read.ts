// The bytes of a context's files. A file has the length that it had when it was looked at: what it lacks meanwhile are zeros, what it has more is not read,
// as with tar. Whoever must know whether it stood still meanwhile asks.
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { said, stampOf, type WalkedEntry } from './walk.ts';

const chunkBytes = 1 << 20;
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const piece = Buffer.allocUnsafe(chunkBytes);

/** A piece is valid until the next one is asked for. Returns whether it is still the file that was looked at. @throws `invalid` naming it */
export function* readEntry({ place, sizeBytes, stamp }: WalkedEntry): Generator<Uint8Array, boolean, undefined> {
  if (!Buffer.isBuffer(place)) {
    yield place.content;
    return true;
  }
  const fd = said('open', place, () => openSync(place, flags));
  try {
    for (let at = 0; at < sizeBytes;) {
      const wanted = Math.min(sizeBytes - at, chunkBytes);
      const got = said('read', place, () => readSync(fd, piece, 0, wanted, at));
      if (got === 0) piece.fill(0, 0, wanted);
      yield piece.subarray(0, got === 0 ? wanted : got);
      at += got === 0 ? wanted : got;
    }
    return stampOf(fstatSync(fd, { bigint: true })) === stamp;
  } finally {
    closeSync(fd);
  }
}

/** Small pieces are put together; two chunks take turns: one is on its way while the other is filled. */
export async function* gathered(pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks = [Buffer.allocUnsafe(chunkBytes), Buffer.allocUnsafe(chunkBytes)] as const;
  let [turn, length] = [0, 0];
  for (const piece of pieces) {
    for (let sent = 0; sent < piece.length;) {
      const chunk = chunks[turn % 2 === 0 ? 0 : 1];
      const part = piece.subarray(sent, sent + chunkBytes - length);
      chunk.set(part, length);
      [sent, length] = [sent + part.length, length + part.length];
      if (length < chunkBytes) continue;
      yield chunk;
      [turn, length] = [turn + 1, 0];
    }
  }
  if (length > 0) yield chunks[turn % 2 === 0 ? 0 : 1].subarray(0, length);
}
