// Packs files of this machine into a tar, for the way into a container. Sockets have no place in a tar and are left out, as Docker does; what vanishes
// meanwhile is left out too.
import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readlinkSync, readSync, type BigIntStats } from 'node:fs';
import { blockBytes, byteStringOf, formatHeader, tarHeader, type ByteString, type TarHeader, type TarType } from '../../spec/tar/index.ts';
import { said, type LocalSource } from './paths.ts';

const chunkBytes = 1 << 20;

/** Two chunks take turns: one is on its way while the other is filled. */
export async function* packLocal(source: LocalSource, as: string): AsyncGenerator<Uint8Array, void, undefined> {
  const links = new Map<string, ByteString>();
  const name = byteStringOf(Buffer.from(as));
  const path = Buffer.from(source.base === '.' ? source.directory : `${source.directory}/${source.base}`);
  yield* gathered(entry(path, name, links));
  yield Buffer.alloc(2 * blockBytes);
}

/** Small pieces are put together. */
async function* gathered(pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
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

function* entry(path: Buffer, name: ByteString, links: Map<string, ByteString>): Generator<Uint8Array, void, undefined> {
  const stat = said('lstat', path.toString(), () => lstatSync(path, { bigint: true, throwIfNoEntry: false }));
  const type = stat === undefined ? undefined : typeOf(stat);
  if (stat === undefined || type === undefined) return;
  const key = `${stat.dev}:${stat.ino}`;
  const first = stat.nlink > 1n && type !== 'directory' ? links.get(key) : undefined;
  if (first !== undefined) {
    yield header('hardlink', stat, name, { linkPath: first });
    return;
  }
  if (stat.nlink > 1n && type !== 'directory') links.set(key, name);
  if (type === 'directory') yield* directory(path, stat, name, links);
  else if (type === 'file') yield* file(path, name);
  else if (type === 'symlink') yield header(type, stat, name, { linkPath: byteStringOf(readlinkSync(path, { encoding: 'buffer' })) });
  else yield header(type, stat, name, type === 'fifo' ? {} : deviceOf(stat.rdev));
}

function* directory(path: Buffer, stat: BigIntStats, name: ByteString, links: Map<string, ByteString>): Generator<Uint8Array, void, undefined> {
  yield header('directory', stat, `${name}/` as ByteString, {});
  const names = said('open', path.toString(), () => readdirSync(path, { encoding: 'buffer' })).sort((a, b) => Buffer.compare(a, b));
  for (const child of names) yield* entry(Buffer.concat([path, Buffer.from('/'), child]), `${name}/${byteStringOf(child)}` as ByteString, links);
}

const piece = Buffer.allocUnsafe(chunkBytes);

/** As long as it was when it was opened: what is missing later is filled up with zeros, as tar does. */
function* file(path: Buffer, name: ByteString): Generator<Uint8Array, void, undefined> {
  const fd = said('open', path.toString(), () => openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK));
  try {
    const stat = fstatSync(fd, { bigint: true });
    const sizeBytes = Number(stat.size);
    yield header('file', stat, name, { sizeBytes });
    for (let at = 0; at < sizeBytes;) {
      const wanted = Math.min(sizeBytes - at, chunkBytes);
      const got = readSync(fd, piece, 0, wanted, at);
      if (got === 0) piece.fill(0, 0, wanted);
      yield piece.subarray(0, got === 0 ? wanted : got);
      at += got === 0 ? wanted : got;
    }
    yield Buffer.alloc((blockBytes - (sizeBytes % blockBytes)) % blockBytes);
  } finally {
    closeSync(fd);
  }
}

function header(type: TarType, stat: BigIntStats, path: ByteString, more: Partial<TarHeader>): Buffer {
  const mtimeSeconds = Number(stat.mtimeNs / 1_000_000_000n);
  const owner = { mode: Number(stat.mode) & 0o7777, uid: Number(stat.uid), gid: Number(stat.gid), mtimeSeconds, mtimeNanoseconds: Number(stat.mtimeNs % 1_000_000_000n) };
  return formatHeader({ ...tarHeader({ type, path: '' }), path, ...owner, ...more });
}

function typeOf(stat: BigIntStats): TarType | undefined {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isFIFO()) return 'fifo';
  if (stat.isCharacterDevice()) return 'char';
  return stat.isBlockDevice() ? 'block' : undefined;
}

/** As the kernel puts a device's number together for programs. Source: makedev(3), gnu_dev_major. */
function deviceOf(rdev: bigint): Pick<TarHeader, 'deviceMajor' | 'deviceMinor'> {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & ~0xffn);
  return { deviceMajor: Number(major), deviceMinor: Number(minor) };
}
