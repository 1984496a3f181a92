// Copies a tree that somebody may be changing into a new directory that is ours alone: copy-up, clones, snapshots.
//
// Everything goes along: modes, owners, times to the nanosecond, extended attributes (also overlayfs's own: a volume may hold another engine's data),
// names of one file as names of one file, links, devices, pipes, holes. Sockets do not: without their process they are nothing. Only through held
// directories, one name at a time, no link followed; nothing is opened but directories and regular files. What vanishes meanwhile is left out.
//
// It is synchronous: it runs in a worker (copy-elsewhere.ts), or at once for what is small.
import { fail } from '../base/index.ts';
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, call, Fd, KernelError, O, openIn, readLinkIn, S, statFd, statIn, tryCall, type FileStat } from '../kernel/index.ts';
import { bytesOf, byteStringOf, quoteName, tarLimits, type ByteString } from '../spec/tar/index.ts';
import { copyAttributes } from './attributes.ts';
import { FileContents } from './copy-file.ts';
import { allEntriesIn, type Entry } from './listing.ts';
import { nameArgument } from './names.ts';
import { deviceNumber } from './tree.ts';

const ENOENT = -2;
const ELOOP = -40;
const openFlags = O.RDONLY | O.NOFOLLOW | O.NONBLOCK | O.NOCTTY | O.CLOEXEC;
const createFlags = O.WRONLY | O.CREAT | O.EXCL | O.NOFOLLOW | O.CLOEXEC;
const pathBytesMax = 4095;

export interface CopyProgress {
  readonly entries: number;
  readonly bytes: number;
}

export class TreeCopy {
  readonly #contents: FileContents;
  readonly #tell: (progress: CopyProgress) => void;
  /** Files with several names, by where they are: the path of the first one in the copy. */
  readonly #linked = new Map<string, ByteString>();
  readonly #times = Buffer.alloc(32);
  #root: Fd | undefined;
  #entries = 0;
  #bytes = 0;

  /** `tell` hears of each entry and of each piece, and may throw to end it. */
  constructor(tell: (progress: CopyProgress) => void) {
    this.#tell = tell;
    this.#contents = new FileContents((bytes) => {
      this.#bytes += bytes;
      this.#told();
    });
  }

  /** What is in `from`, and what `from` itself is, into the new directory `to`. Both are the caller's. @throws KernelError; `unsupported` for a tree that is too deep */
  run(from: Fd, to: Fd): CopyProgress {
    this.#root = to;
    this.#directory(from, to, '', 0);
    return { entries: this.#entries, bytes: this.#bytes };
  }

  #told(): void {
    this.#tell({ entries: this.#entries, bytes: this.#bytes });
  }

  /** Its own time comes last: whatever is made in it changes it. */
  #directory(from: Fd, to: Fd, prefix: string, depth: number): void {
    if (depth > tarLimits.depthMax) throw fail('unsupported', `Cannot copy ${quoteName(prefix as ByteString)}: it is more than ${tarLimits.depthMax} directories deep`);
    const stat = statFd(from);
    for (const entry of allEntriesIn(from)) this.#entry(from, to, entry, prefix, depth);
    call('fchown', to.number, stat.uid, stat.gid);
    call('fchmod', to.number, stat.mode & 0o7777);
    copyAttributes(from, to);
    call('utimensat', to.number, 0, this.#timesOf(stat), 0);
  }

  #entry(from: Fd, to: Fd, entry: Entry, prefix: string, depth: number): void {
    this.#entries++;
    this.#told();
    const name = nameArgument(entry.name);
    const path = `${prefix}${entry.name}` as ByteString;
    if (!mayOpen(from, entry, name)) return this.#special(from, to, entry.name, path);
    const number = tryCall('openat', from.number, name, openFlags, 0);
    if (number === ENOENT) return undefined;
    if (number === ELOOP) return this.#special(from, to, entry.name, path);
    if (number < 0) throw new KernelError('openat', quoteName(path), -number);
    using opened = new Fd(number);
    const stat = statFd(opened);
    const kind = stat.mode & S.IFMT;
    if (kind === S.IFREG) return this.#file(opened, stat, to, name, path);
    if (kind !== S.IFDIR) return this.#special(from, to, entry.name, path);
    call('mkdirat', to.number, name, 0o700);
    using made = openIn(to, name, O.RDONLY | O.DIRECTORY | O.NOFOLLOW, 'plain');
    return this.#directory(opened, made, `${path}/`, depth + 1);
  }

  #file(from: Fd, stat: FileStat, dir: Fd, name: string | Buffer, path: ByteString): void {
    if (this.#isLinked(stat, dir, name, path)) return;
    using made = new Fd(call('openat', dir.number, name, createFlags, 0o600));
    this.#contents.copy(from, made, stat);
    if (stat.uid !== 0 || stat.gid !== 0) call('fchown', made.number, stat.uid, stat.gid);
    call('fchmod', made.number, stat.mode & 0o7777);
    copyAttributes(from, made);
    call('utimensat', made.number, 0, this.#timesOf(stat), 0);
  }

  /** What is not opened. What is a file or a directory by now was none when it was listed, and is left out. */
  #special(from: Fd, dir: Fd, plainName: ByteString, path: ByteString): void {
    const name = nameArgument(plainName);
    const stat = statIn(from, name);
    if (stat === undefined) return;
    const kind = stat.mode & S.IFMT;
    if (kind === S.IFSOCK || kind === S.IFREG || kind === S.IFDIR || this.#isLinked(stat, dir, name, path)) return;
    if (kind === S.IFLNK) call('symlinkat', nameArgument(byteStringOf(readLinkIn(from, name))), dir.number, name);
    else call('mknodat', dir.number, name, kind | 0o600, deviceNumber({ major: stat.deviceMajor, minor: stat.deviceMinor }));
    call('fchownat', dir.number, name, stat.uid, stat.gid, AT_SYMLINK_NOFOLLOW);
    if (kind !== S.IFLNK) call('fchmodat', AT_FDCWD, nameArgument(`/proc/self/fd/${dir.number}/${plainName}` as ByteString), stat.mode & 0o7777);
    copyAttributes({ dir: from, name: plainName }, { dir, name: plainName });
    call('utimensat', dir.number, name, this.#timesOf(stat), AT_SYMLINK_NOFOLLOW);
  }

  /** Whether it was copied before under another name; then this is one more name of that copy. */
  #isLinked({ links, fileSystem, inode }: FileStat, dir: Fd, name: string | Buffer, path: ByteString): boolean {
    if (links < 2) return false;
    const key = `${fileSystem}:${inode}`;
    const first = this.#linked.get(key);
    if (first !== undefined) call('linkat', this.#root!.number, nameArgument(first), dir.number, name, 0);
    else if (bytesOf(path).length <= pathBytesMax) this.#linked.set(key, path);
    return first !== undefined;
  }

  #timesOf({ atimeSeconds, atimeNanoseconds, mtimeSeconds, mtimeNanoseconds }: FileStat): Buffer {
    this.#times.writeBigInt64LE(BigInt(atimeSeconds), 0);
    this.#times.writeBigInt64LE(BigInt(atimeNanoseconds), 8);
    this.#times.writeBigInt64LE(BigInt(mtimeSeconds), 16);
    this.#times.writeBigInt64LE(BigInt(mtimeNanoseconds), 24);
    return this.#times;
  }
}

function mayOpen(dir: Fd, entry: Entry, name: string | Buffer): boolean {
  if (entry.type !== 'unknown') return entry.type !== 'other';
  const kind = (statIn(dir, name)?.mode ?? 0) & S.IFMT;
  return kind === S.IFREG || kind === S.IFDIR;
}
