// Removes a directory tree that a stranger filled: through held directories only, one name at a time, so that no link is ever followed.
// What is mounted in it stays as it is: that is somebody else's.
//
// A container may have made directories nested far deeper than a process has descriptors (or a stack). Below a certain depth a directory is therefore
// moved up, next to the tree's root, and removed as a tree of its own afterwards.
//
// The dear part of a removal is giving the blocks back to the disk: in the background every name is taken away by a thread of the pool, and nobody here waits.
import { randomUUID } from 'node:crypto';
import { AT_REMOVEDIR, call, KernelError, O, openIn, tryCall, unlinkElsewhere, type Fd } from '../kernel/index.ts';
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
export async function removeTree(dir: Fd, name: ByteString, background?: { readonly turnMs: number; readonly signal: AbortSignal }): Promise<void> {
  const turn = new Turn(background?.turnMs);
  const trees = [name];
  for (let tree = trees.pop(); tree !== undefined; tree = trees.pop()) {
    const steps = removeSteps(dir, tree, trees);
    for (let step = steps.next(); step.done !== true;) {
      await turn.yield();
      if (background?.signal.aborted === true) return void steps.return();
      step = steps.next(background === undefined ? removeNow(step.value) : await removeElsewhere(step.value));
    }
  }
}

/** The same without pauses, for the few small trees inside a layer that a later entry of it replaces. */
export function removeTreeNow(dir: Fd, name: ByteString): void {
  const trees = [name];
  for (let tree = trees.pop(); tree !== undefined; tree = trees.pop()) {
    const steps = removeSteps(dir, tree, trees);
    for (let step = steps.next(); step.done !== true; step = steps.next(removeNow(step.value)));
  }
}

/** A name to be taken away; whoever does it says how that went, as unlinkat does. */
interface Removal {
  readonly dir: Fd;
  readonly name: ByteString;
  readonly kind: 'file' | 'directory';
}

function removeNow({ dir, name, kind }: Removal): number {
  return tryCall('unlinkat', dir.number, nameArgument(name), kind === 'directory' ? AT_REMOVEDIR : 0);
}

function removeElsewhere({ dir, name, kind }: Removal): Promise<number> {
  return unlinkElsewhere(dir, Buffer.from(name, 'latin1'), kind);
}

/** A directory that is being emptied: the names that were read from it and are there still. */
interface Level {
  readonly fd: Fd;
  readonly name: ByteString;
  readonly entries: Entry[];
}

function* removeSteps(top: Fd, tree: ByteString, trees: ByteString[]): Generator<Removal, void, number> {
  const held: Level[] = [];
  try {
    yield* removeOne(top, { name: tree, type: 'unknown' });
    for (let level = held.at(-1); level !== undefined; level = held.at(-1)) {
      const entry = level.entries.pop();
      if (entry !== undefined) yield* removeOne(level.fd, entry);
      else if (!refill(level)) yield* closeLevel();
    }
  } finally {
    for (const { fd } of held) fd[Symbol.dispose]();
  }

  function* removeOne(dir: Fd, { name, type }: Entry): Generator<Removal, void, number> {
    if (type !== 'directory') {
      const removed = yield { dir, name, kind: 'file' };
      if (removed === 0 || removed === ENOENT) return;
      // Linux says EISDIR for a directory, POSIX EPERM.
      if (removed !== EISDIR && removed !== EPERM) throw new KernelError('unlinkat', quoteName(name), -removed);
    }
    if (held.length < depthMax) {
      enter(dir, name);
      return;
    }
    const moved = byteString(`deep-${randomUUID()}`);
    call('renameat2', dir.number, nameArgument(name), top.number, moved, 0);
    trees.push(moved);
  }

  function enter(dir: Fd, name: ByteString): void {
    held.push({ fd: openIn(dir, nameArgument(name), O.RDONLY | O.DIRECTORY | O.NOFOLLOW, 'plainHere'), name, entries: [] });
  }

  /** Removes the directory itself. A file system may have skipped names while others were removed: then it is read again from the start. */
  function* closeLevel(): Generator<Removal, void, number> {
    const { fd, name } = held.pop()!;
    fd[Symbol.dispose]();
    const dir = held.at(-1)?.fd ?? top;
    const removed = yield { dir, name, kind: 'directory' };
    if (removed === ENOTEMPTY) enter(dir, name);
    else if (removed < 0 && removed !== ENOENT) throw new KernelError('unlinkat', quoteName(name), -removed);
  }
}

function refill(level: Level): boolean {
  level.entries.push(...entriesIn(level.fd));
  return level.entries.length > 0;
}
