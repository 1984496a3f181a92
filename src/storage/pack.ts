// Packs a tree that somebody may be changing into a tar: what a copy out of a container, an export and a commit are made of.
//
// Only through held directories, one name at a time, and no link is followed; nothing is opened but directories and regular files (and devices
// cannot be, see kernel/detached-tree.ts). What vanishes while it is looked at is left out; a file that became shorter is filled up with zeros,
// as tar does: its length was told before. Sockets have no place in a tar.
//
// It is synchronous, for it runs in a worker (pack-elsewhere.ts) that may wait for the disk; the bytes go to a sheet of memory after the other.
import { fail } from '../base/index.ts';
import { Fd, O, readLinkIn, S, statFd, statIn, tryCall, type FileStat } from '../kernel/index.ts';
import { byteStringOf, formatHeader, quoteName, tarHeader, tarLimits, type ByteString, type TarHeader, type TarType } from '../spec/tar/index.ts';
import { readAttributes } from './attributes.ts';
import { allEntriesIn, type Entry } from './listing.ts';
import { nameArgument } from './names.ts';
import type { Sheets } from './sheets.ts';

/** A *tree* is packed as it is seen; a *layer* is an upper directory of overlayfs, whose marks become whiteouts. */
export type PackForm = 'tree' | 'layer';

const ENOENT = -2;
const whiteoutPrefix = '.wh.';
const opaqueMark = '.wh..wh..opq';
const openFlags = O.RDONLY | O.NOFOLLOW | O.NONBLOCK | O.NOCTTY | O.CLOEXEC;

export class Packer {
  readonly #sheets: Sheets;
  readonly #form: PackForm;
  readonly #latestSeconds: number;
  /** Files with several names, by where they are: the first name gets the data, the others are links to it. */
  readonly #linked = new Map<string, ByteString>();

  constructor(sheets: Sheets, form: PackForm, latestSeconds = Infinity) {
    this.#sheets = sheets;
    this.#form = form;
    this.#latestSeconds = latestSeconds;
  }

  /** The directory itself and all in it, named `as` (which ends with a slash); without `as`, only what is in it. */
  directory(dir: Fd, as: ByteString | undefined): void {
    if (as === undefined) this.#contents(dir, '' as ByteString, 0);
    else this.#directory(dir, statFd(dir), as, 0);
  }

  /** What `name` in `dir` is, and all in it when it is a directory, named `as`. False when there is nothing. */
  entry(dir: Fd, name: ByteString, as: ByteString): boolean {
    return this.#entry(dir, { name, type: 'unknown' }, as, 0);
  }

  #directory(dir: Fd, stat: FileStat, path: ByteString, depth: number): void {
    const attributes = readAttributes(dir);
    this.#member('directory', stat, path, { xattrs: attributes.shown });
    if (this.#form === 'layer' && attributes.isOpaque) this.#member('file', { ...stat, mode: 0o600 }, `${path}${opaqueMark}` as ByteString, {});
    this.#contents(dir, path, depth);
  }

  #contents(dir: Fd, prefix: ByteString, depth: number): void {
    if (depth > tarLimits.depthMax) throw fail('unsupported', `Cannot pack ${quoteName(prefix)}: it is more than ${tarLimits.depthMax} directories deep`);
    for (const entry of allEntriesIn(dir).sort(byName)) this.#entry(dir, entry, `${prefix}${entry.name}` as ByteString, depth);
  }

  #entry(dir: Fd, entry: Entry, path: ByteString, depth: number): boolean {
    if (path.length >= tarLimits.pathBytesMax) throw fail('unsupported', `Cannot pack ${quoteName(path)}: a path of ${path.length} bytes is longer than ${tarLimits.pathBytesMax}`);
    if (this.#form === 'layer' && entry.name.startsWith(whiteoutPrefix)) {
      throw fail('unsupported', `Cannot put ${quoteName(path)} into a layer: names that begin with ${whiteoutPrefix} stand for removed files there`, { hint: 'Rename or remove it in the container' });
    }
    const name = nameArgument(entry.name);
    const number = this.#mayOpen(dir, entry, name) ? tryCall('openat', dir.number, name, openFlags, 0) : 0;
    if (number === ENOENT) return false;
    if (number > 0) {
      using opened = new Fd(number);
      const stat = statFd(opened);
      if (typeOf(stat) === 'directory') this.#directory(opened, stat, `${path}/` as ByteString, depth + 1);
      else if (typeOf(stat) === 'file') this.#file(opened, stat, path);
      else this.#special(dir, name, path, entry.name);
      return true;
    }
    return this.#special(dir, name, path, entry.name);
  }

  #mayOpen(dir: Fd, entry: Entry, name: string | Buffer): boolean {
    if (entry.type !== 'unknown') return entry.type !== 'other';
    const stat = statIn(dir, name);
    return stat !== undefined && (typeOf(stat) === 'file' || typeOf(stat) === 'directory');
  }

  #file(file: Fd, stat: FileStat, path: ByteString): void {
    if (this.#isLinked(stat, path)) return;
    this.#member('file', stat, path, { xattrs: readAttributes(file).shown, sizeBytes: stat.sizeBytes });
    this.#sheets.file(file, stat.sizeBytes);
  }

  /** What is not opened: links, devices, FIFOs. What is a file or a directory by now was none when it was listed, and is left out. */
  #special(dir: Fd, name: string | Buffer, path: ByteString, plainName: ByteString): boolean {
    const stat = statIn(dir, name);
    if (stat === undefined) return false;
    const type = typeOf(stat);
    if (this.#form === 'layer' && type === 'char' && stat.deviceMajor === 0 && stat.deviceMinor === 0) {
      this.#member('file', { ...stat, mode: 0o600 }, `${path.slice(0, path.length - plainName.length)}${whiteoutPrefix}${plainName}` as ByteString, {});
      return true;
    }
    if (type === undefined || type === 'file' || type === 'directory' || this.#isLinked(stat, path)) return true;
    const xattrs = readAttributes({ dir, name: plainName }).shown;
    const target = type === 'symlink' ? { linkPath: byteStringOf(readLinkIn(dir, name)) } : {};
    const device = type === 'char' || type === 'block' ? { deviceMajor: stat.deviceMajor, deviceMinor: stat.deviceMinor } : {};
    this.#member(type, stat, path, { xattrs, ...target, ...device });
    return true;
  }

  /** Whether it was packed before under another name; then this one is packed as a link to that. */
  #isLinked(stat: FileStat, path: ByteString): boolean {
    if (stat.links < 2) return false;
    const key = `${stat.fileSystem}:${stat.inode}`;
    const first = this.#linked.get(key);
    if (first === undefined) this.#linked.set(key, path);
    else this.#member('hardlink', stat, path, { linkPath: first });
    return first !== undefined;
  }

  #member(type: TarType, stat: FileStat, path: ByteString, more: Partial<TarHeader>): void {
    const { uid, gid } = stat;
    const isLate = stat.mtimeSeconds >= this.#latestSeconds;
    const [mtimeSeconds, mtimeNanoseconds] = isLate ? [this.#latestSeconds, 0] : [stat.mtimeSeconds, stat.mtimeNanoseconds];
    this.#sheets.write(formatHeader({ ...tarHeader({ type, path: '' }), path, mode: stat.mode & 0o7777, uid, gid, mtimeSeconds, mtimeNanoseconds, ...more }));
  }
}

const types: Readonly<Record<number, TarType>> = {
  [S.IFREG]: 'file', [S.IFDIR]: 'directory', [S.IFLNK]: 'symlink', [S.IFCHR]: 'char', [S.IFBLK]: 'block', [S.IFIFO]: 'fifo',
};

function typeOf(stat: FileStat): TarType | undefined {
  return types[stat.mode & S.IFMT];
}

function byName(a: Entry, b: Entry): number {
  return a.name < b.name ? -1 : 1;
}
