// A context as a tar, for builders that know nothing else (POST /build of every daemon): all of it root's, as Docker's client sends it.
import { blockBytes, formatHeader, tarHeader } from '../../spec/tar/index.ts';
import { gathered } from '../local-file.ts';
import { readEntry } from './read.ts';
import type { WalkedEntry } from './walk.ts';

export function packContext(entries: Iterable<WalkedEntry>): AsyncGenerator<Uint8Array, void, undefined> {
  return gathered(pieces(entries));
}

function* pieces(entries: Iterable<WalkedEntry>): Generator<Uint8Array, void, undefined> {
  for (const entry of entries) {
    const { path, kind, mode, sizeBytes, mtimeSeconds, mtimeNanoseconds, link, device } = entry;
    const name = kind === 'directory' ? `${path}/` : path;
    yield formatHeader({ ...tarHeader({ type: kind, path: '' }), path: name as typeof path, mode, sizeBytes, mtimeSeconds, mtimeNanoseconds, linkPath: link, deviceMajor: device.major, deviceMinor: device.minor });
    if (kind !== 'file') continue;
    yield* readEntry(entry);
    yield Buffer.alloc((blockBytes - (sizeBytes % blockBytes)) % blockBytes);
  }
  yield Buffer.alloc(2 * blockBytes);
}
