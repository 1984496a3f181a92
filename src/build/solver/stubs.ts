// Mount points that a step's mounts made are none of its work: where nothing was, nothing is left of them, as BuildKit leaves it.
import { AT_REMOVEDIR, call, Fd, O, S, statFd, statIn, tryOpenIn, type FileStat } from '../../kernel/index.ts';
import type { ByteString } from '../../spec/tar/index.ts';
import { allEntriesIn, nameArgument, readAttributes } from '../../storage/index.ts';
import { findPlace, isDirectory, type Place } from './place.ts';

/** `root`: the files before the step. Gives what is to be called with the changes that the step made. */
export function stubRemoval(root: Fd, destinations: readonly string[]): (changes: Fd) => void {
  const places = destinations.map((path) => findPlace(root, path)).filter(({ stat, parts }) => stat === undefined && parts.length > 0).sort((a, b) => b.parts.length - a.parts.length);
  return (changes) => {
    for (const place of places) if (removeStub(changes, place)) removeUntouched(root, changes, place.parts.slice(0, place.existing));
  };
}

/** The mount point, and the directories that were made on the way to it. False: somebody has put something into them. */
function removeStub(changes: Fd, { parts, existing }: Place): boolean {
  for (let depth = parts.length; depth > existing; depth--) {
    const path = parts.slice(0, depth);
    using parent = directoryAt(changes, path.slice(0, -1));
    const found = parent === undefined ? undefined : statIn(parent, nameArgument(path.at(-1)!));
    if (found === undefined) continue;
    if (isDirectory(found) ? !isEmpty(changes, path) : depth < parts.length || (found.mode & S.IFMT) !== S.IFREG || found.sizeBytes > 0) return false;
    call('unlinkat', parent!.number, nameArgument(path.at(-1)!), isDirectory(found) ? AT_REMOVEDIR : 0);
  }
  return true;
}

/** overlayfs has copied the directories above the mount point, because something was made in them: they are as below. */
function removeUntouched(root: Fd, changes: Fd, parts: readonly ByteString[]): void {
  for (let depth = parts.length; depth > 0; depth--) {
    const path = parts.slice(0, depth);
    using upper = directoryAt(changes, path);
    using lower = directoryAt(root, path);
    if (upper === undefined || lower === undefined || !isSame(upper, lower) || allEntriesIn(upper).length > 0) return;
    using parent = directoryAt(changes, path.slice(0, -1))!;
    call('unlinkat', parent.number, nameArgument(path.at(-1)!), AT_REMOVEDIR);
  }
}

function isSame(upper: Fd, lower: Fd): boolean {
  const [changed, before] = [readAttributes(upper), readAttributes(lower)];
  const what = ({ mode, uid, gid }: FileStat): string => `${mode} ${uid} ${gid}`;
  const attributes = (map: typeof changed.shown): string => [...map].map(([name, value]) => `${name}=${value.toString('hex')}`).sort((a, b) => (a < b ? -1 : 1)).join(' ');
  return !changed.isOpaque && what(statFd(upper)) === what(statFd(lower)) && attributes(changed.shown) === attributes(before.shown);
}

function isEmpty(changes: Fd, path: readonly ByteString[]): boolean {
  using dir = directoryAt(changes, path);
  return dir !== undefined && allEntriesIn(dir).length === 0;
}

function directoryAt(top: Fd, path: readonly ByteString[]): Fd | undefined {
  const number = tryOpenIn(top, nameArgument((path.join('/') || '.') as ByteString), O.RDONLY | O.DIRECTORY | O.NOFOLLOW, 'plain');
  return number < 0 ? undefined : new Fd(number);
}
