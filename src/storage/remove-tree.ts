// Removes a directory tree that a stranger filled: through held directories only, one name at a time, so that no link is ever followed.
// What is mounted in it stays as it is: that is somebody else's.
//
// A container may have made directories nested far deeper than a process has descriptors (or a stack). Below a certain depth a directory is therefore
// moved up, next to the tree's root, and removed as a tree of its own afterwards.
//
// The dear part of a removal is giving the blocks back to the disk (a third of a millisecond a file where the file system discards at once). The kernel does that
// when the last descriptor goes: in the background each file is held while its name is taken away, and let go of in a thread of the pool. Nobody here waits for
// the disk then.
import { randomUUID } from 'node:crypto';
import { AT_REMOVEDIR, call, KernelError, O, openIn, tryCall, unlinkHeld, type Fd } from '../kernel/index.ts';
import { byteString, quoteName, type ByteString } from '../spec/tar/index.ts';
import { entriesIn, type Entry } from './listing.ts';
import { nameArgument } from './names.ts';
import { Turn } from './turn.ts';

const depthMax = 32;
/** How many removed files may be held at a time. */
const heldFilesMax = 32;
const EISDIR = -21;
const ENOENT = -2;
const ENOTEMPTY = -39;
const EPERM = -1;

/** Removes `name` (a file or a whole directory) from `dir`. Nothing there: nothing to do. An abort ends it between two pieces, without an error. @throws KernelError */
export async function removeTree(dir: Fd, name: ByteString, background?: { readonly turnMs: number; readonly signal: AbortSignal }): Promise<void> {
  const turn = new Turn(background?.turnMs);
  const trees = [name];
  const freeing: Promise<void>[] = [];
  const letGo = background === undefined ? undefined : (file: Fd): void => void freeing.push(file.closeElsewhere());
  for (let tree = trees.pop(); tree !== undefined; tree = trees.pop()) {
    for (const _ of removeSteps(dir, tree, trees, letGo)) {
      await turn.yield();
      if (freeing.length >= heldFilesMax) await Promise.all(freeing.splice(0));
      if (background?.signal.aborted === true) return;
    }
  }
  await Promise.all(freeing);
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

/** `letGo` is given what has lost its name, to be closed; without it nothing is held. */
function* removeSteps(top: Fd, tree: ByteString, trees: ByteString[], letGo?: (file: Fd) => void): Generator<void, void, undefined> {
  const held: Level[] = [];
  try {
    removeOne(top, { name: tree, type: 'unknown' });
    for (let level = held.at(-1); level !== undefined; level = held.at(-1)) {
      yield;
      const entry = level.entries.pop();
      if (entry !== undefined) removeOne(level.fd, entry);
      else if (!refill(level)) closeLevel();
    }
  } finally {
    for (const { fd } of held) fd[Symbol.dispose]();
  }

  function removeOne(fd: Fd, { name, type }: Entry): void {
    if (type !== 'directory') {
      const removed = removeFile(fd, nameArgument(name), letGo);
      if (removed === 0 || removed === ENOENT) return;
      // Linux says EISDIR for a directory, POSIX EPERM.
      if (removed !== EISDIR && removed !== EPERM) throw new KernelError('unlinkat', quoteName(name), -removed);
    }
    if (held.length < depthMax) {
      held.push({ fd: openIn(fd, nameArgument(name), O.RDONLY | O.DIRECTORY | O.NOFOLLOW, 'plainHere'), name, entries: [] });
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
    if (letGo === undefined) fd[Symbol.dispose]();
    else letGo(fd);
  }
}

/** @returns unlinkat's result */
function removeFile(dir: Fd, name: string | Uint8Array, letGo: ((file: Fd) => void) | undefined): number {
  if (letGo === undefined) return tryCall('unlinkat', dir.number, name, 0);
  const { result, file } = unlinkHeld(dir, name);
  if (file !== undefined) letGo(file);
  return result;
}

function refill(level: Level): boolean {
  level.entries.push(...entriesIn(level.fd));
  return level.entries.length > 0;
}
