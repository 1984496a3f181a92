// Packs files of this machine into a tar, for the way into a container. Sockets have no place in a tar and are left out, as Docker does; what vanishes
// meanwhile is left out too.
import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readlinkSync, type BigIntStats } from 'node:fs';
import { bytesOfFile, deviceOf, gathered, kindOf } from '../../client/index.ts';
import { blockBytes, byteStringOf, formatHeader, tarHeader, type ByteString, type TarHeader, type TarType } from '../../spec/tar/index.ts';
import { said, type LocalSource } from './paths.ts';

export async function* packLocal(source: LocalSource, as: string): AsyncGenerator<Uint8Array, void, undefined> {
  const links = new Map<string, ByteString>();
  const name = byteStringOf(Buffer.from(as));
  const path = Buffer.from(source.base === '.' ? source.directory : `${source.directory}/${source.base}`);
  yield* gathered(entry(path, name, links));
  yield Buffer.alloc(2 * blockBytes);
}

function* entry(path: Buffer, name: ByteString, links: Map<string, ByteString>): Generator<Uint8Array, void, undefined> {
  const stat = said('lstat', path.toString(), () => lstatSync(path, { bigint: true, throwIfNoEntry: false }));
  const type = stat === undefined ? undefined : kindOf(stat);
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
  else yield header(type, stat, name, type === 'fifo' ? {} : devicesOf(stat.rdev));
}

function* directory(path: Buffer, stat: BigIntStats, name: ByteString, links: Map<string, ByteString>): Generator<Uint8Array, void, undefined> {
  yield header('directory', stat, `${name}/` as ByteString, {});
  const names = said('open', path.toString(), () => readdirSync(path, { encoding: 'buffer' })).sort((a, b) => Buffer.compare(a, b));
  for (const child of names) yield* entry(Buffer.concat([path, Buffer.from('/'), child]), `${name}/${byteStringOf(child)}` as ByteString, links);
}

/** As long as it was when it was opened: what is missing later is filled up with zeros, as tar does. */
function* file(path: Buffer, name: ByteString): Generator<Uint8Array, void, undefined> {
  const fd = said('open', path.toString(), () => openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK));
  try {
    const stat = fstatSync(fd, { bigint: true });
    const sizeBytes = Number(stat.size);
    yield header('file', stat, name, { sizeBytes });
    yield* bytesOfFile(fd, sizeBytes);
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

function devicesOf(rdev: bigint): Pick<TarHeader, 'deviceMajor' | 'deviceMinor'> {
  const { major, minor } = deviceOf(rdev);
  return { deviceMajor: major, deviceMinor: minor };
}
