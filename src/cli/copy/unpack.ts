// Unpacks a tar from a container among the files of this machine. The archive is a stranger's: its paths lead through directories that are held
// open, one name at a time, and never through a link; it cannot reach anything outside the destination.
// Files belong to who runs the command, as with Docker. Source of the trick with /proc/self/fd: proc_pid_fd(5).
import { spawnSync } from 'node:child_process';
import {
  chmodSync, closeSync, constants, fchmodSync, futimesSync, linkSync, lstatSync, lutimesSync, mkdirSync, openSync, rmSync, symlinkSync, writeSync,
} from 'node:fs';
import { byteString, bytesOf, quoteName, readTar, type ByteString, type TarEntry } from '../../spec/tar/index.ts';
import { Exit } from '../errors.ts';
import { said } from './paths.ts';

const openDirectoriesMax = 200;
const directoryFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

export interface Renaming {
  /** What the members' first component becomes, or, where they have none (`./file`), what goes before it; undefined: they keep their names. */
  readonly name: string | undefined;
  readonly hasFirst: boolean;
}

/** @returns the sum of the files' lengths. */
export async function unpackLocal(tar: AsyncIterable<Uint8Array>, directory: string, rename: Renaming): Promise<number> {
  using target = new LocalTree(directory);
  let bytes = 0;
  for await (const entry of readTar(tar)) {
    const path = partsOf(entry.path, rename);
    if (path.length === 0) continue;
    await target.add(entry, path, partsOf(entry.linkPath, rename));
    bytes += entry.sizeBytes;
  }
  target.finish();
  return bytes;
}

function partsOf(text: ByteString, { name, hasFirst }: Renaming): ByteString[] {
  const parts = text.split('/').filter((part) => part !== '' && part !== '.') as ByteString[];
  return name === undefined ? parts : [byteString(name), ...parts.slice(hasFirst ? 1 : 0)];
}

class LocalTree implements Disposable {
  readonly #top: string;
  /** Open directories, by path. */
  readonly #open = new Map<string, number>();
  readonly #times: (readonly [parts: readonly ByteString[], entry: TarEntry])[] = [];

  constructor(directory: string) {
    this.#top = directory;
    this.#open.set('', said('open', directory, () => openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY)));
  }

  async add(entry: TarEntry, parts: readonly ByteString[], link: readonly ByteString[]): Promise<void> {
    this.#trim();
    if (parts.includes('..' as ByteString)) throw new Exit(1, `invalid entry name ${quoteName(entry.path)}`);
    const path = this.#pathOf(parts);
    this.#makeRoom(path, entry, parts);
    switch (entry.type) {
      case 'file': return this.#file(path, entry);
      case 'directory': return this.#directory(path, entry, parts);
      case 'symlink': return this.#symlink(path, entry);
      case 'hardlink': return this.#hardLink(path, entry, link);
      default: return this.#special(path, entry);
    }
  }

  /** Times of directories come last: making something in one changes its time. */
  finish(): void {
    for (const [parts, entry] of this.#times.reverse()) {
      this.#trim();
      futimesSync(this.#directoryAt(parts), ...timesOf(entry));
    }
  }

  /** Between two entries, so that no path in use leads through what is closed. */
  #trim(): void {
    if (this.#open.size <= openDirectoriesMax) return;
    for (const [key, fd] of this.#open) {
      if (key === '') continue;
      closeSync(fd);
      this.#open.delete(key);
    }
  }

  #makeRoom(path: Buffer, entry: TarEntry, parts: readonly ByteString[]): void {
    const there = lstatSync(path, { throwIfNoEntry: false });
    if (there === undefined || (there.isDirectory() && entry.type === 'directory')) return;
    const shown = `${this.#top}/${parts.map((part) => bytesOf(part).toString()).join('/')}`;
    if (there.isDirectory()) throw new Exit(1, `cannot overwrite directory ${JSON.stringify(shown)} with non-directory ${JSON.stringify(this.#top)}`);
    if (entry.type === 'directory') throw new Exit(1, `cannot overwrite non-directory ${JSON.stringify(shown)} with directory ${JSON.stringify(this.#top)}`);
    rmSync(path);
  }

  async #file(path: Buffer, entry: TarEntry): Promise<void> {
    const fd = said('open', entry.path, () => openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600));
    try {
      const segments = entry.segments ?? [{ offset: 0, sizeBytes: entry.sizeBytes }];
      let [index, inSegment] = [0, 0];
      for await (const piece of entry.data()) {
        for (let at = 0; at < piece.length;) {
          const segment = segments[index]!;
          const length = Math.min(piece.length - at, segment.sizeBytes - inSegment);
          at += said('write', entry.path, () => writeSync(fd, piece, at, length, segment.offset + inSegment));
          inSegment += length;
          if (inSegment >= segment.sizeBytes) [index, inSegment] = [index + 1, 0];
        }
      }
      fchmodSync(fd, entry.mode);
      futimesSync(fd, ...timesOf(entry));
    } finally {
      closeSync(fd);
    }
  }

  #directory(path: Buffer, entry: TarEntry, parts: readonly ByteString[]): void {
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) mkdirSync(path, 0o700);
    fchmodSync(this.#directoryAt(parts), entry.mode);
    this.#times.push([parts, entry]);
  }

  #symlink(path: Buffer, entry: TarEntry): void {
    symlinkSync(bytesOf(entry.linkPath), path);
    lutimesSync(path, ...timesOf(entry));
  }

  #hardLink(path: Buffer, entry: TarEntry, link: readonly ByteString[]): void {
    if (link.includes('..' as ByteString)) throw new Exit(1, `invalid hardlink target ${quoteName(entry.linkPath)}`);
    said('link', entry.path, () => linkSync(this.#pathOf(link), path));
  }

  /** Node cannot make them; mknod(1) can, and is everywhere. */
  #special(path: Buffer, entry: TarEntry): void {
    const kind = { fifo: ['p'], char: ['c', String(entry.deviceMajor), String(entry.deviceMinor)], block: ['b', String(entry.deviceMajor), String(entry.deviceMinor)] };
    const { status, stderr } = spawnSync('mknod', ['--', path.toString(), ...kind[entry.type as keyof typeof kind]], { encoding: 'utf8' });
    if (status !== 0) throw new Exit(1, `mknod ${quoteName(entry.path)}: ${(stderr ?? 'the program mknod is missing').trim()}`);
    chmodSync(path, entry.mode);
    lutimesSync(path, ...timesOf(entry));
  }

  /** Through the held parent: only the last name is looked up. */
  #pathOf(parts: readonly ByteString[]): Buffer {
    return pathIn(this.#directoryAt(parts.slice(0, -1)), parts.at(-1)!);
  }

  /** Made when it is missing: an archive need not name the directories that it uses. */
  #directoryAt(parts: readonly ByteString[]): number {
    const key = parts.join('/');
    const known = this.#open.get(key);
    if (known !== undefined) return known;
    const path = pathIn(this.#directoryAt(parts.slice(0, -1)), parts.at(-1)!);
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) mkdirSync(path, 0o755);
    const fd = said('open', `${this.#top}/${key}`, () => openSync(path, directoryFlags));
    this.#open.set(key, fd);
    return fd;
  }

  [Symbol.dispose](): void {
    for (const fd of this.#open.values()) closeSync(fd);
  }
}

/** The process's number and not "self": mknod(1) is another process. */
function pathIn(directory: number, name: ByteString): Buffer {
  return Buffer.concat([Buffer.from(`/proc/${process.pid}/fd/${directory}/`), bytesOf(name)]);
}

function timesOf({ mtimeSeconds, mtimeNanoseconds }: TarEntry): readonly [number, number] {
  const time = mtimeSeconds + mtimeNanoseconds / 1e9;
  return [time, time];
}
