// The content digest of what is copied: names, kinds, modes, links and bytes; not times, and not where it lies on this machine.
import { createHash, type Hash } from 'node:crypto';
import { call, type Fd } from '../../kernel/index.ts';
import { Turn } from '../../storage/index.ts';
import type { Source, SourceEntry } from './sources.ts';

const pieceBytes = 256 << 10;

/** @throws the reason of the signal */
export async function digestOfSources(sources: readonly Source[], options: { readonly withOwners: boolean; readonly signal: AbortSignal }): Promise<string> {
  const hash = createHash('sha256');
  const turn = new Turn();
  const buffer = new Uint8Array(pieceBytes);
  for (const { isDirectory, entries } of sources) {
    hash.update(`\0${isDirectory}`);
    for (const entry of entries) {
      options.signal.throwIfAborted();
      hash.update(describe(entry, options.withOwners));
      if (entry.type === 'file') await hashFile(entry, hash, buffer, turn);
      await turn.yield();
    }
  }
  return hash.digest('hex');
}

function describe({ path, type, stat, linkPath, xattrs }: SourceEntry, withOwners: boolean): string {
  const device = type === 'char' || type === 'block' ? [stat.deviceMajor, stat.deviceMinor] : [];
  return JSON.stringify([path, type, stat.mode & 0o7777, withOwners ? [stat.uid, stat.gid] : [], type === 'file' ? stat.sizeBytes : 0, linkPath, device, [...xattrs].map(([name, value]) => [name, value.toString('hex')])]);
}

/** A file counts by the hash of its content, so that it is the same whether it is read or its hash is known. */
async function hashFile({ open, stat, sha256 }: SourceEntry, whole: Hash, buffer: Uint8Array<ArrayBuffer>, turn: Turn): Promise<void> {
  if (sha256 !== undefined) return void whole.update(sha256);
  const hash = createHash('sha256');
  using file = open();
  for (const piece of piecesOf(file, stat.sizeBytes, buffer)) {
    hash.update(piece);
    await turn.yield();
  }
  whole.update(hash.digest('hex'));
  return undefined;
}

/** Exactly so many bytes: what a file lacks meanwhile are zeros, as with tar. A piece is valid until the next one. */
export function* piecesOf(file: Fd, sizeBytes: number, buffer = new Uint8Array(Math.min(pieceBytes, Math.max(1, sizeBytes)))): Generator<Uint8Array, void, undefined> {
  for (let at = 0; at < sizeBytes;) {
    const piece = buffer.subarray(0, Math.min(buffer.length, sizeBytes - at));
    const got = call('pread64', file.number, piece, piece.length, at);
    if (got === 0) piece.fill(0);
    const read = got === 0 ? piece : piece.subarray(0, got);
    yield read;
    at += read.length;
  }
}
