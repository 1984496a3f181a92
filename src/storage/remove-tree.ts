// Removes a directory tree that a stranger filled: through held directories only, one name at a time, so that no link is ever followed.
//
// A container may have made directories nested far deeper than a process has descriptors (or a stack). Below a certain depth a directory is therefore
// moved up, next to the tree's root, and removed as a tree of its own afterwards.
import { randomUUID } from 'node:crypto';
import { AT_REMOVEDIR, call, KernelError, O, openIn, tryCall, type Fd } from '../kernel/index.ts';
import { byteString, byteStringOf, quoteName, type ByteString } from '../spec/tar/index.ts';
import { nameArgument } from './names.ts';
import { Turn } from './turn.ts';

const depthMax = 32;
const EISDIR = -21;
const ENOENT = -2;
const ENOTEMPTY = -39;
const EPERM = -1;

/** Removes `name` (a file or a whole directory) from `dir`. Nothing there: nothing to do. An abort ends it between two pieces, without an error. @throws KernelError */
export async function removeTree(dir: Fd, name: ByteString, { turnMs, signal }: { readonly turnMs?: number; readonly signal?: AbortSignal } = {}): Promise<void> {
  const turn = new Turn(turnMs);
  const trees = [name];
  for (let tree = trees.pop(); tree !== undefined; tree = trees.pop()) {
    for (const _ of removeSteps(dir, tree, trees)) {
      await turn.yield();
      if (signal?.aborted === true) return;
    }
  }
}

/** The same without pauses, for the few small trees inside a layer that a later entry of it replaces. */
export function removeTreeNow(dir: Fd, name: ByteString): void {
  const trees = [name];
  for (let tree = trees.pop(); tree !== undefined; tree = trees.pop()) {
    for (const _ of removeSteps(dir, tree, trees));
  }
}

/** A directory that is being emptied: the names that were read from it and are there still. */
interface Level {
  readonly fd: Fd;
  readonly name: ByteString;
  readonly entries: Entry[];
}

function* removeSteps(top: Fd, tree: ByteString, trees: ByteString[]): Generator<void, void, undefined> {
  const held: Level[] = [];
  try {
    removeOne(top, { name: tree, isDirectory: false });
    for (let level = held.at(-1); level !== undefined; level = held.at(-1)) {
      yield;
      const entry = level.entries.pop();
      if (entry !== undefined) removeOne(level.fd, entry);
      else if (!refill(level)) closeLevel();
    }
  } finally {
    for (const { fd } of held) fd[Symbol.dispose]();
  }

  function removeOne(fd: Fd, { name, isDirectory }: Entry): void {
    if (!isDirectory) {
      const removed = tryCall('unlinkat', fd.number, nameArgument(name), 0);
      if (removed === 0 || removed === ENOENT) return;
      // Linux says EISDIR for a directory, POSIX EPERM.
      if (removed !== EISDIR && removed !== EPERM) throw new KernelError('unlinkat', quoteName(name), -removed);
    }
    if (held.length < depthMax) {
      held.push({ fd: openIn(fd, nameArgument(name), O.RDONLY | O.DIRECTORY | O.NOFOLLOW, 'plain'), name, entries: [] });
      return;
    }
    const moved = byteString(`deep-${randomUUID()}`);
    call('renameat2', fd.number, nameArgument(name), top.number, moved, 0);
    trees.push(moved);
  }

  /** Removes the directory itself. A file system may have skipped names while others were removed: then it is read again from the start. */
  function closeLevel(): void {
    const { fd, name } = held.at(-1)!;
    const removed = tryCall('unlinkat', (held.at(-2)?.fd ?? top).number, nameArgument(name), AT_REMOVEDIR);
    if (removed === ENOTEMPTY) {
      call('lseek', fd.number, 0, 0);
      return;
    }
    if (removed < 0 && removed !== ENOENT) throw new KernelError('unlinkat', quoteName(name), -removed);
    held.pop();
    fd[Symbol.dispose]();
  }
}

function refill(level: Level): boolean {
  level.entries.push(...entriesIn(level.fd));
  return level.entries.length > 0;
}

/** All names in the directory, from its start. */
export function namesIn(fd: Fd): readonly ByteString[] {
  const names: ByteString[] = [];
  for (let some = entriesIn(fd); some.length > 0; some = entriesIn(fd)) names.push(...some.map(({ name }) => name));
  return names;
}

interface Entry {
  readonly name: ByteString;
  /** False when the file system does not say. */
  readonly isDirectory: boolean;
}

/** Some of the entries of the directory `fd`, from where it stands: at least one, if any is left. Source: getdents64(2), struct linux_dirent64. */
export function entriesIn(fd: Fd): readonly Entry[] {
  const DT_DIR = 4;
  const entries: Entry[] = [];
  while (entries.length === 0) {
    const length = call('getdents64', fd.number, listing, listing.length);
    if (length === 0) break;
    for (let at = 0; at < length; at += listing.readUInt16LE(at + 16)) {
      const name = byteStringOf(listing.subarray(at + 19, listing.indexOf(0, at + 19)));
      if (name !== '.' && name !== '..') entries.push({ name, isDirectory: listing[at + 18] === DT_DIR });
    }
  }
  return entries;
}

/** One for all: it is read out before anybody else runs. */
const listing = Buffer.alloc(32 * 1024);
