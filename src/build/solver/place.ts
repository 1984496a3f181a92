// Where a destination is in the files that are there: links in it followed within them, and the directories on the way as a layer has to have them (the
// topmost layer that has a directory says whose it is).
import { posix } from 'node:path';
import { fail } from '../../base/index.ts';
import { type Fd, O, openIn, readLinkIn, S, statFd, statIn, type FileStat } from '../../kernel/index.ts';
import { byteString, byteStringOf, tarHeader, type ByteString, type TarHeader } from '../../spec/tar/index.ts';
import { nameArgument, readAttributes } from '../../storage/index.ts';

export interface Place {
  /** Components from the root, no link among them. */
  readonly parts: readonly ByteString[];
  /** How many of them are there already, as directories. */
  readonly existing: number;
  /** What is at the whole path. */
  readonly stat: FileStat | undefined;
}

const linksMax = 40;

/** `path` is absolute. @throws `invalid` when something on the way is no directory */
export function findPlace(root: Fd, path: string): Place {
  const waiting = split(byteString(posix.resolve('/', path)));
  const parts: ByteString[] = [];
  let stat: FileStat | undefined = statFd(root);
  let existing = 0;
  for (let links = 0; waiting.length > 0;) {
    const part = waiting.shift()!;
    if (part === '..') {
      parts.pop();
      stat = parts.length === 0 ? statFd(root) : statAt(root, parts);
      existing = Math.min(existing, parts.length);
      continue;
    }
    if (stat !== undefined && !isDirectory(stat)) throw fail('invalid', `cannot copy to non-directory: /${Buffer.from(parts.join('/'), 'latin1').toString()}`);
    const here: FileStat | undefined = stat === undefined ? undefined : statAt(root, [...parts, part]);
    if (here !== undefined && (here.mode & S.IFMT) === S.IFLNK) {
      if (++links > linksMax) throw fail('invalid', `Cannot copy to ${path}: too many symbolic links`);
      const target = linkAt(root, parts, part);
      if (target.startsWith('/')) [parts.length, existing, stat] = [0, 0, statFd(root)];
      waiting.unshift(...split(target));
      continue;
    }
    parts.push(part);
    stat = here;
    if (here !== undefined && isDirectory(here)) existing = parts.length;
  }
  return { parts, existing, stat };
}

function split(path: ByteString): ByteString[] {
  return path.split('/').filter((part) => part !== '' && part !== '.') as ByteString[];
}

export function isDirectory(stat: FileStat): boolean {
  return (stat.mode & S.IFMT) === S.IFDIR;
}

function parentOf(root: Fd, parts: readonly ByteString[]): Fd {
  return openIn(root, nameArgument((parts.join('/') || '.') as ByteString), O.RDONLY | O.DIRECTORY, 'plain');
}

function statAt(root: Fd, parts: readonly ByteString[]): FileStat | undefined {
  using parent = parentOf(root, parts.slice(0, -1));
  return statIn(parent, nameArgument(parts.at(-1)!));
}

function linkAt(root: Fd, parts: readonly ByteString[], name: ByteString): ByteString {
  using parent = parentOf(root, parts);
  return byteStringOf(readLinkIn(parent, nameArgument(name)));
}

export interface NewDirectories {
  readonly owner: { readonly uid: number; readonly gid: number };
  readonly seconds: number;
}

/** The directories down to `parts`: those that are there as they are, the others root's, the last of these the owner's. */
export function directoriesTo(root: Fd, { parts, existing }: Pick<Place, 'parts' | 'existing'>, { owner, seconds }: NewDirectories): readonly TarHeader[] {
  return parts.map((_, i) => {
    const path = `${parts.slice(0, i + 1).join('/')}/` as ByteString;
    if (i >= existing) return { ...tarHeader({ type: 'directory', path: '', mtimeSeconds: seconds, ...i === parts.length - 1 ? owner : {} }), path };
    using dir = parentOf(root, parts.slice(0, i + 1));
    const { mode, uid, gid, mtimeSeconds, mtimeNanoseconds } = statFd(dir);
    return { ...tarHeader({ type: 'directory', path: '' }), path, mode: mode & 0o7777, uid, gid, mtimeSeconds, mtimeNanoseconds, xattrs: readAttributes(dir).shown };
  });
}
