// Removes a directory tree that a stranger filled: through held directories only, one name at a time, so that no link is ever followed.
// What is mounted in it stays as it is: that is somebody else's.
//
// A container may have made directories nested far deeper than a process has descriptors (or a stack). Below a certain depth a directory is therefore
// moved up, next to the tree's root, and removed as a tree of its own afterwards.
import { randomUUID } from 'node:crypto';
import { AT_REMOVEDIR, call, KernelError, O, openIn, tryCall, type Fd } from '../kernel/index.ts';
import { byteString, quoteName, type ByteString } from '../spec/tar/index.ts';
import { entriesIn, type Entry } from './listing.ts';
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
      const removed = tryCall('unlinkat', fd.number, nameArgument(name), 0);
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
    fd[Symbol.dispose]();
  }
}

function refill(level: Level): boolean {
  level.entries.push(...entriesIn(level.fd));
  return level.entries.length > 0;
}
