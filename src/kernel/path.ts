// Paths inside a tree that somebody else may change: only through openat2(2) on a held directory.
//
// Within a tree that a container or an image controls, any component can be (or become, while we look) a symlink to anywhere. openat2 resolves
// in the kernel, in one go, against the directory that we hold: `inside` treats that directory as "/", absolute links and ".." included;
// `beneath` refuses whatever would leave it; `plain` refuses every symlink. Magic links (/proc/self/fd/N) are refused always.
// Source: openat2(2).
import { call, tryCall } from './call.ts';
import { KernelError } from './error.ts';
import { AT_SYMLINK_NOFOLLOW, Fd, fdNumber, O } from './fd.ts';
import { AT_EMPTY_PATH } from './mount.ts';

const RESOLVE_NO_XDEV = 0x01;
const RESOLVE_NO_MAGICLINKS = 0x02;
const RESOLVE_NO_SYMLINKS = 0x04;
const RESOLVE_BENEATH = 0x08;
const RESOLVE_IN_ROOT = 0x10;

export const resolution = {
  /** The directory is "/" for the path, and links are followed inside it. */
  inside: RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
  /** Links are followed as long as they stay beneath the directory. */
  beneath: RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
  /** No link anywhere in the path. */
  plain: RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS,
  /** The same, and nothing that is mounted there. */
  plainHere: RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
  /** For a process whose root is the tree itself: absolute paths, no link anywhere. */
  plainAnywhere: RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS,
  /** For a process whose root is the tree itself: absolute paths, ordinary links followed. */
  insideOwnRoot: RESOLVE_NO_MAGICLINKS,
} as const;

export type Resolution = keyof typeof resolution;

/** `struct open_how`, 24 bytes: flags, mode, resolve. Source: linux/openat2.h. */
export function openHow(flags: number, mode: number, resolve: number): Uint8Array {
  const how = new Uint8Array(24);
  const view = new DataView(how.buffer);
  view.setBigUint64(0, BigInt(flags), true);
  view.setBigUint64(8, BigInt(mode), true);
  view.setBigUint64(16, BigInt(resolve), true);
  return how;
}

const EAGAIN = -11;

/**
 * Opens `path` under `dir` (close-on-exec). `path` may be bytes that end in NUL.
 * The kernel answers EAGAIN when a rename raced with a ".." of the path; such a try is repeated a bounded number of times.
 * @throws KernelError: ELOOP or EXDEV when the resolution refuses the path.
 */
export function openIn(dir: number | Fd, path: string | Uint8Array, flags: number, how: Resolution, mode = 0): Fd {
  const result = tryOpenIn(dir, path, flags, how, mode);
  if (result < 0) throw new KernelError('openat2', typeof path === 'string' ? JSON.stringify(path) : JSON.stringify(Buffer.from(path).toString()), -result);
  return new Fd(result);
}

/** As openIn, but gives the raw fd number or -errno: for walks where a missing file is an answer. */
export function tryOpenIn(dir: number | Fd, path: string | Uint8Array, flags: number, how: Resolution, mode = 0): number {
  const struct = openHow(flags | O.CLOEXEC, mode, resolution[how]);
  for (let tries = 0; ; tries++) {
    const result = tryCall('openat2', fdNumber(dir), path, struct, struct.length);
    if (result !== EAGAIN || tries === 100) return result;
  }
}

/**
 * Reads a regular file of at most `bytesMax` under `dir`; undefined when there is none. What is there is looked at before it is opened: opening can
 * wait (a FIFO), and opening a device can do things (a watchdog ends the machine). The kernel's files in /proc are none to read here either. What is
 * appended while it is read is not read.
 * @throws KernelError
 */
export function readFileIn(dir: number | Fd, path: string, bytesMax: number, how: Resolution): Uint8Array | undefined {
  const number = tryOpenIn(dir, path, O.PATH, how);
  if (number === -2 || number === -20) return undefined;
  if (number < 0) throw new KernelError('openat2', JSON.stringify(path), -number);
  using found = new Fd(number);
  const { mode, sizeBytes } = statFd(found);
  const own = `/proc/self/fd/${found.number}`;
  if ((mode & 0o170000) !== 0o100000 || isKernelFile(own)) throw new KernelError('read', `${JSON.stringify(path)} (not a regular file)`, 22);
  if (sizeBytes > bytesMax) throw new KernelError('read', `${JSON.stringify(path)} (${sizeBytes} bytes, at most ${bytesMax})`, 27);
  using file = Fd.open(own, O.RDONLY | O.NONBLOCK | O.NOCTTY);
  const bytes = new Uint8Array(sizeBytes);
  let length = 0;
  while (length < sizeBytes) {
    const got = call('pread64', file.number, bytes.subarray(length), sizeBytes - length, length);
    if (got === 0) break;
    length += got;
  }
  return bytes.subarray(0, length);
}

/** A file of /proc: reading one can consume something (/proc/kmsg). Source: statfs(2), linux/magic.h. */
function isKernelFile(path: string): boolean {
  const PROC_SUPER_MAGIC = 0x9fa0n;
  const struct = new Uint8Array(120);
  call('statfs', path, struct);
  return new DataView(struct.buffer).getBigUint64(0, true) === PROC_SUPER_MAGIC;
}

export interface FileStat {
  /** Type and permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  /** Bytes on the disk: less than the size for a file with holes. */
  readonly storedBytes: number;
  readonly inode: bigint;
  /** Of a device node: which device it is. */
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  readonly links: number;
  /** Seconds since 1970, rounded down, and the nanoseconds after them. */
  readonly atimeSeconds: number;
  readonly atimeNanoseconds: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  /** The file system that it lies in. */
  readonly fileSystem: number;
  readonly mountId: bigint;
}

/** The bits of FileStat.mode that say what it is. Source: inode(7). */
export const S = { IFMT: 0o170000, IFSOCK: 0o140000, IFLNK: 0o120000, IFREG: 0o100000, IFBLK: 0o060000, IFDIR: 0o040000, IFCHR: 0o020000, IFIFO: 0o010000 } as const;

/** Flags of renameat2(2). Source: linux/fs.h. */
export const RENAME = { NOREPLACE: 1, EXCHANGE: 2 } as const;

/** Sets both times of an open file. Source: utimensat(2), struct timespec. */
export function setTimes(fd: number | Fd, { seconds, nanoseconds }: { readonly seconds: number; readonly nanoseconds: number }): void {
  const times = Buffer.alloc(32);
  for (const at of [0, 16]) {
    times.writeBigInt64LE(BigInt(seconds), at);
    times.writeBigInt64LE(BigInt(nanoseconds), at + 8);
  }
  call('utimensat', fdNumber(fd), 0, times, 0);
}

const STATX_BASIC_STATS = 0x7ff;
const STATX_MNT_ID = 0x1000;
const ENOENT = -2;
/** One for all: it is read out before anybody else runs. Source: linux/stat.h, struct statx. */
const statStruct = new Uint8Array(256);
const stat = new DataView(statStruct.buffer);

/** statx(2) of an open file. */
export function statFd(fd: number | Fd): FileStat {
  call('statx', fdNumber(fd), '', AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID, statStruct);
  return readStat();
}

/** What `name` in the held directory is (a link is one); undefined when there is nothing. `name` must be one name, no path: it may be bytes that end in NUL. */
export function statIn(dir: number | Fd, name: string | Uint8Array): FileStat | undefined {
  const result = tryCall('statx', fdNumber(dir), name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_MNT_ID, statStruct);
  if (result === ENOENT) return undefined;
  if (result < 0) throw new KernelError('statx', typeof name === 'string' ? JSON.stringify(name) : JSON.stringify(Buffer.from(name).toString()), -result);
  return readStat();
}

function readStat(): FileStat {
  return {
    links: stat.getUint32(16, true), uid: stat.getUint32(20, true), gid: stat.getUint32(24, true), mode: stat.getUint16(28, true),
    inode: stat.getBigUint64(32, true), sizeBytes: word64(40), storedBytes: word64(48) * 512,
    atimeSeconds: Number(stat.getBigInt64(64, true)), atimeNanoseconds: stat.getUint32(72, true),
    mtimeSeconds: Number(stat.getBigInt64(112, true)), mtimeNanoseconds: stat.getUint32(120, true),
    deviceMajor: stat.getUint32(128, true), deviceMinor: stat.getUint32(132, true),
    fileSystem: stat.getUint32(136, true) * 2 ** 20 + stat.getUint32(140, true), mountId: stat.getBigUint64(144, true),
  };
}

function word64(at: number): number {
  return stat.getUint32(at + 4, true) * 2 ** 32 + stat.getUint32(at, true);
}

/** The text of the symbolic link `name` in the held directory, as bytes. */
export function readLinkIn(dir: number | Fd, name: string | Uint8Array): Uint8Array {
  const text = new Uint8Array(4096);
  return text.subarray(0, call('readlinkat', fdNumber(dir), name, text, text.length));
}
