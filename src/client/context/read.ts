// The bytes of a context's files. A file has the length that it had when it was looked at: what it lacks meanwhile are zeros, what it has more is not read.
// Whoever must know whether it stood still meanwhile asks.
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { bytesOfFile } from '../local-file.ts';
import { said, stampOf, type WalkedEntry } from './walk.ts';

const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** A piece is valid until the next one is asked for. Returns whether it is still the file that was looked at. @throws `invalid` naming it */
export function* readEntry({ place, sizeBytes, stamp }: WalkedEntry): Generator<Uint8Array, boolean, undefined> {
  if (!Buffer.isBuffer(place)) {
    yield place.content;
    return true;
  }
  const fd = said('open', place, () => openSync(place, flags));
  try {
    const pieces = bytesOfFile(fd, sizeBytes);
    for (let next = said('read', place, () => pieces.next()); next.done !== true; next = said('read', place, () => pieces.next())) yield next.value;
    return stampOf(fstatSync(fd, { bigint: true })) === stamp;
  } finally {
    closeSync(fd);
  }
}
