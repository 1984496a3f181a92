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
const EPERM = -1;

/** Removes `name` (a file or a whole directory) from `dir`. Nothing there: nothing to do. @throws KernelError */
export async function removeTree(dir: Fd, name: ByteString): Promise<void> {
  const turn = new Turn();
  const trees = [name];
  for (let tree = trees.pop(); tree !== undefined; tree = trees.pop()) {
    for (const _ of removeSteps(dir, tree, trees)) await turn.yield();
  }
}

/** The same without pauses, for the few small trees inside a layer that a later entry of it replaces. */
export function removeTreeNow(dir: Fd, name: ByteString): void {
  const trees = [name];
  for (let tree = trees.pop(); tree !== undefined; tree = trees.pop()) {
    for (const _ of removeSteps(dir, tree, trees));
  }
}

function* removeSteps(top: Fd, tree: ByteString, trees: ByteString[]): Generator<void, void, undefined> {
  const result = tryCall('unlinkat', top.number, nameArgument(tree), 0);
  if (result === 0 || result === ENOENT) return;
  // Linux says EISDIR for a directory, POSIX EPERM.
  if (result !== EISDIR && result !== EPERM) throw new KernelError('unlinkat', quoteName(tree), -result);
  const held: { readonly fd: Fd; readonly names: ByteString[]; readonly name: ByteString }[] = [];
  try {
    held.push(openLevel(top, tree));
    for (let level = held.at(-1); level !== undefined; level = held.at(-1)) {
      yield;
      const name = level.names.pop();
      if (name !== undefined) removeOne(level.fd, name);
      else if (!refill(level)) closeLevel();
    }
  } finally {
    for (const { fd } of held) fd[Symbol.dispose]();
  }

  function removeOne(fd: Fd, name: ByteString): void {
    const removed = tryCall('unlinkat', fd.number, nameArgument(name), 0);
    if (removed === 0 || removed === ENOENT) return;
    if (removed !== EISDIR && removed !== EPERM) throw new KernelError('unlinkat', quoteName(name), -removed);
    if (held.length < depthMax) {
      held.push(openLevel(fd, name));
      return;
    }
    const moved = byteString(`deep-${randomUUID()}`);
    call('renameat2', fd.number, nameArgument(name), top.number, moved, 0);
    trees.push(moved);
  }

  function closeLevel(): void {
    const { fd, name } = held.pop()!;
    fd[Symbol.dispose]();
    call('unlinkat', (held.at(-1)?.fd ?? top).number, nameArgument(name), AT_REMOVEDIR);
  }
}

function openLevel(dir: Fd, name: ByteString): { readonly fd: Fd; readonly names: ByteString[]; readonly name: ByteString } {
  return { fd: openIn(dir, nameArgument(name), O.RDONLY | O.DIRECTORY | O.NOFOLLOW, 'plain'), names: [], name };
}

/** Reads more names into `level`. Names that are removed meanwhile do not disturb: it starts from the beginning until nothing is left. */
function refill(level: { readonly fd: Fd; readonly names: ByteString[] }): boolean {
  call('lseek', level.fd.number, 0, 0);
  level.names.push(...namesIn(level.fd));
  return level.names.length > 0;
}

/** Some of the names in the directory `fd`, from where it stands: at least one, if any is left. Source: getdents64(2), struct linux_dirent64. */
export function namesIn(fd: Fd): readonly ByteString[] {
  const names: ByteString[] = [];
  const bytes = Buffer.alloc(8192);
  while (names.length === 0) {
    const length = call('getdents64', fd.number, bytes, bytes.length);
    if (length === 0) break;
    for (let at = 0; at < length; at += bytes.readUInt16LE(at + 16)) {
      const name = byteStringOf(bytes.subarray(at + 19, bytes.indexOf(0, at + 19)));
      if (name !== '.' && name !== '..') names.push(name);
    }
  }
  return names;
}
