// Files of this machine on their way to a daemon: what they are, and their bytes.
import { readSync, type BigIntStats } from 'node:fs';

const chunkBytes = 1 << 20;

export type LocalKind = 'file' | 'directory' | 'symlink' | 'fifo' | 'char' | 'block';

/** Undefined for a socket, which has no place in a tar. */
export function kindOf(stat: BigIntStats): LocalKind | undefined {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isFIFO()) return 'fifo';
  if (stat.isCharacterDevice()) return 'char';
  return stat.isBlockDevice() ? 'block' : undefined;
}

/** As the kernel puts a device's number together for programs. Source: makedev(3), gnu_dev_major. */
export function deviceOf(rdev: bigint): { readonly major: number; readonly minor: number } {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & ~0xffn);
  return { major: Number(major), minor: Number(minor) };
}

/** The first `sizeBytes` of a file, zeros for what it lacks, as with tar. A piece is valid until the next one is asked for. @throws what reading throws */
export function* bytesOfFile(fd: number, sizeBytes: number): Generator<Uint8Array, void, undefined> {
  // Its own: another file may be on its way at the same time.
  const piece = Buffer.allocUnsafe(Math.min(sizeBytes, chunkBytes));
  for (let at = 0; at < sizeBytes;) {
    const wanted = Math.min(sizeBytes - at, chunkBytes);
    const got = readSync(fd, piece, 0, wanted, at);
    if (got === 0) piece.fill(0, 0, wanted);
    yield piece.subarray(0, got === 0 ? wanted : got);
    at += got === 0 ? wanted : got;
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
