// Archives of ADD: a tar in the context, plain or compressed, is unpacked where it is added. What is no archive is copied as it is.
import { fail, isFail } from '../../base/index.ts';
import { tryCall, type Fd } from '../../kernel/index.ts';
import { compressionOf, decompress, magicBytes } from '../../spec/compression.ts';
import { blockBytes, byteString, quoteName, readTar, tarLimits, type ByteString, type TarHeader, type TarMember } from '../../spec/tar/index.ts';
import { piecesOf } from './digest.ts';
import type { SourceEntry } from './sources.ts';
import { refuseWhiteout } from './whiteout.ts';

export interface ArchiveSource {
  readonly entry: SourceEntry;
}

/** Whether ADD unpacks it: its first bytes are a tar's, or those of something compressed in which there is a tar. */
export async function isArchive({ type, stat, open }: SourceEntry): Promise<boolean> {
  if (type !== 'file' || stat.sizeBytes < magicBytes) return false;
  using file = open();
  const start = Buffer.alloc(blockBytes);
  const got = tryCall('pread64', file.number, start, start.length, 0);
  try {
    if (compressionOf(start.subarray(0, magicBytes)) === 'none') return got === blockBytes && isTarStart(start);
  } catch (error) {
    if (isFail(error, 'unsupported')) throw fail('unsupported', `ADD cannot unpack this archive: ${error.message}`, { hint: 'Use COPY to take the file as it is, or compress it with gzip or zstd', cause: error });
    throw error;
  }
  try {
    for await (const _ of readTar(decompress(bytesOfFile(file, stat.sizeBytes)), tarLimits)) return true;
  } catch (error) {
    // Compressed, and no tar in it: a file like any other.
    if (!isFail(error, 'invalid')) throw error;
  }
  return false;
}

/** The magic of ustar, or a sum that is right for older ones. Source: POSIX, pax, "ustar Interchange Format". */
export function isTarStart(block: Buffer): boolean {
  if (block.toString('latin1', 257, 262) === 'ustar') return true;
  const written = Number.parseInt(block.toString('latin1', 148, 156).replace(/[\0 ]+/g, ''), 8);
  const sum = block.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 0x20 : byte), 0);
  return block[0] !== 0 && written === sum;
}

// eslint-disable-next-line typescript/require-await -- what reads it takes streams
async function* bytesOfFile(file: Fd, sizeBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  yield* piecesOf(file, sizeBytes);
}

/** Its members below `prefix`, in their order. @throws `invalid` for what is broken or leads out of it */
export async function* archiveMembers({ entry: { open, stat } }: ArchiveSource, prefix: string, signal: AbortSignal): AsyncGenerator<TarMember, void, undefined> {
  using file = open();
  for await (const entry of readTar(decompress(bytesOfFile(file, stat.sizeBytes)), tarLimits)) {
    signal.throwIfAborted();
    const path = below(prefix, entry.path);
    if (path === undefined) continue;
    refuseWhiteout(path);
    if (entry.segments !== undefined) throw fail('unsupported', `ADD cannot unpack ${quoteName(entry.path)}: it is a sparse file`, { hint: 'Make the archive without --sparse' });
    const { segments: _, data, ...header } = entry;
    const placed: TarHeader = { ...header, path, linkPath: entry.type === 'hardlink' ? below(prefix, entry.linkPath) ?? byteString('') : entry.linkPath };
    yield entry.type === 'file' ? { header: placed, data: data() } : { header: placed };
  }
}

/** Undefined for the directory itself, which stays as it is. */
function below(prefix: string, path: ByteString): ByteString | undefined {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw fail('invalid', `ADD cannot unpack ${quoteName(path)}: the path goes upwards ("..")`);
  return parts.length === 0 ? undefined : `${prefix}${parts.join('/')}` as ByteString;
}
