// What COPY and ADD take: from a tree (the context, a stage, an image) the files that a pattern means, as entries that can be hashed and packed.
// Every path is opened by openat2 on the held root: links lead within it, never out.
import { posix } from 'node:path';
import { fail, type Digest } from '../../base/index.ts';
import { Fd, isKernelError, O, openIn, readLinkIn, S, statFd, statIn, tryOpenIn, type FileStat } from '../../kernel/index.ts';
import { parseIgnoreFile, type IgnoreFile } from '../../spec/dockerfile/index.ts';
import { byteString, byteStringOf, bytesOf, quoteName, tarLimits, type ByteString, type TarType } from '../../spec/tar/index.ts';
import { allEntriesIn, nameArgument, readAttributes, Turn } from '../../storage/index.ts';
import { isPattern, matcherOf } from './wildcard.ts';

/** Where files come from. */
export interface SourceTree {
  readonly root: Fd;
  /** What is there and yet is not, by its path from the root. */
  readonly hides: (path: string) => boolean;
  /** For sentences: the context or a stage. */
  readonly isContext: boolean;
  /** What it is made of, lowest first; undefined: it is a directory. */
  readonly layers?: readonly Digest[];
}

export interface SourceEntry {
  /** Below the directory that is copied; for a file its name. */
  readonly path: ByteString;
  readonly type: TarType;
  readonly stat: FileStat;
  readonly linkPath: ByteString;
  readonly xattrs: ReadonlyMap<ByteString, Buffer>;
  /** Of a file: opens it. */
  readonly open: () => Fd;
}

/** One thing that is copied: a file, or all that is in a directory. */
export interface Source {
  readonly isDirectory: boolean;
  readonly entries: readonly SourceEntry[];
}

const directoryFlags = O.RDONLY | O.DIRECTORY;
const fileFlags = O.RDONLY | O.NOFOLLOW | O.NONBLOCK | O.NOCTTY | O.CLOEXEC;
const entriesMax = tarLimits.entriesMax;

/** Opens what it finds; `opened` closes it. @throws in dockerd's words for what is not there */
export async function findSources(tree: SourceTree, written: string, { exclude, opened, signal }: { readonly exclude: IgnoreFile; readonly opened: DisposableStack; readonly signal: AbortSignal }): Promise<readonly Source[]> {
  const path = insideTree(written);
  const paths = isPattern(path) ? matching(tree, path) : [path];
  const sources: Source[] = [];
  for (const one of paths) {
    const source = await openSource(tree, one, exclude, opened, signal);
    if (source !== undefined) sources.push(source);
    else if (!isPattern(path)) throw notFound(tree, path);
  }
  return sources;
}

const nothing = parseIgnoreFile('');

/** What is at a path, which is no pattern; undefined: nothing. Opens it; `opened` closes it. */
export async function sourceAt(tree: SourceTree, path: string, { opened, signal }: { readonly opened: DisposableStack; readonly signal: AbortSignal }): Promise<Source | undefined> {
  return await openSource(tree, path, nothing, opened, signal);
}

/** What is there and yet is not: the topmost paths below which all is hidden. */
export function hiddenPaths({ root, hides }: SourceTree): readonly string[] {
  const hidden: string[] = [];
  const showsSome = (path: string): boolean => {
    const number = tryOpenIn(root, nameArgument(byteString(path === '' ? '.' : path)), directoryFlags | O.NOFOLLOW, 'plain');
    if (number < 0) return !hides(path);
    using dir = new Fd(number);
    const names = allEntriesIn(dir).map(({ name }) => posix.join(path, bytesOf(name).toString('utf8')));
    const before = hidden.length;
    const shown = names.filter((name) => {
      const isShown = showsSome(name);
      if (!isShown) hidden.push(name);
      return isShown;
    });
    if (path === '' || shown.length > 0 || !hides(path)) return true;
    hidden.length = before;
    return false;
  };
  showsSome('');
  return hidden;
}

/** @throws for a path that leads out of the tree */
function insideTree(written: string): string {
  const clean = posix.normalize(written.replace(/^\/+/, '') || '.').replace(/(?<=.)\/$/, '');
  if (clean === '..' || clean.startsWith('../')) throw fail('invalid', `COPY failed: forbidden path outside the build context: ${written} ()`, { hint: 'Choose a context that has the file in it' });
  return clean;
}

/** By name, so that the order is always the same. */
function matching(tree: SourceTree, pattern: string): readonly string[] {
  let found = [''];
  for (const part of pattern.split('/')) {
    if (!isPattern(part)) {
      found = found.map((dir) => posix.join(dir, part));
      continue;
    }
    const fits = matcherOf(part);
    found = found.flatMap((dir) => namesOf(tree, dir).filter(fits).map((name) => posix.join(dir, name)));
  }
  return found.filter((path) => !tree.hides(path));
}

function namesOf({ root }: SourceTree, path: string): readonly string[] {
  const number = tryOpenIn(root, nameArgument(byteString(path === '' ? '.' : path)), directoryFlags, 'inside');
  if (number < 0) return [];
  using dir = new Fd(number);
  return allEntriesIn(dir).map(({ name }) => bytesOf(name).toString('utf8')).sort();
}

async function openSource(tree: SourceTree, path: string, exclude: IgnoreFile, opened: DisposableStack, signal: AbortSignal): Promise<Source | undefined> {
  if (tree.hides(path)) return undefined;
  const found = openFound(tree, path);
  if (found === undefined) return undefined;
  opened.use(found);
  const stat = statFd(found);
  if ((stat.mode & S.IFMT) === S.IFDIR) {
    const dir = opened.use(openIn(found, '.', directoryFlags, 'plain'));
    const entries: SourceEntry[] = [];
    for await (const entry of walk(dir, dir, byteString(''), new Turn(), signal)) {
      const name = bytesOf(entry.path).toString('utf8');
      if (tree.hides(posix.join(path, name)) || exclude.ignores(name)) continue;
      if (entries.push(entry) > entriesMax) throw fail('too_large', `More than ${entriesMax} files are copied at once`);
    }
    return { isDirectory: true, entries };
  }
  const name = posix.basename(path);
  if (exclude.ignores(name)) return { isDirectory: false, entries: [] };
  const type = typeOf(stat);
  if (type === undefined) throw fail('invalid', `Cannot copy ${JSON.stringify(path)}: a socket has no place in an image`);
  const own = `/proc/self/fd/${found.number}`;
  const open = (): Fd => Fd.open(own, O.RDONLY | O.NONBLOCK | O.NOCTTY);
  using readable = type === 'file' ? open() : undefined;
  return { isDirectory: false, entries: [{ path: byteString(name), type, stat, linkPath: byteString(''), xattrs: readable === undefined ? new Map() : readAttributes(readable).shown, open }] };
}

function openFound({ root }: SourceTree, path: string): Fd | undefined {
  try {
    return openIn(root, nameArgument(byteString(path)), O.PATH, 'inside');
  } catch (error) {
    if (isKernelError(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw isKernelError(error, 'ELOOP', 'ENAMETOOLONG') ? fail('invalid', `Cannot copy ${JSON.stringify(path)}: ${error.code === 'ELOOP' ? 'too many symbolic links' : 'the name is too long'}`, { cause: error }) : error;
  }
}

async function* walk(root: Fd, dir: Fd, prefix: ByteString, turn: Turn, signal: AbortSignal, depth = 0): AsyncGenerator<SourceEntry, void, undefined> {
  if (depth > tarLimits.depthMax) throw fail('invalid', `Cannot copy ${quoteName(prefix)}: it is more than ${tarLimits.depthMax} directories deep`);
  for (const { name } of allEntriesIn(dir).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    await turn.yield();
    signal.throwIfAborted();
    const path = `${prefix}${name}` as ByteString;
    const stat = statIn(dir, nameArgument(name));
    const type = stat === undefined ? undefined : typeOf(stat);
    if (stat === undefined || type === undefined) continue;
    const open = (): Fd => openIn(root, nameArgument(path), fileFlags, 'plain');
    if (type !== 'directory') {
      const linkPath = type === 'symlink' ? byteStringOf(readLinkIn(dir, nameArgument(name))) : byteString('');
      yield { path, type, stat, linkPath, xattrs: readAttributes({ dir, name }).shown, open };
      continue;
    }
    using below = openIn(dir, nameArgument(name), directoryFlags | O.NOFOLLOW, 'plain');
    yield { path, type, stat, linkPath: byteString(''), xattrs: readAttributes(below).shown, open };
    yield* walk(root, below, `${path}/` as ByteString, turn, signal, depth + 1);
  }
}

const types: Readonly<Record<number, TarType>> = { [S.IFREG]: 'file', [S.IFDIR]: 'directory', [S.IFLNK]: 'symlink', [S.IFCHR]: 'char', [S.IFBLK]: 'block', [S.IFIFO]: 'fifo' };

function typeOf(stat: FileStat): TarType | undefined {
  return types[stat.mode & S.IFMT];
}

function notFound({ isContext }: SourceTree, path: string): Error {
  const where = isContext ? 'file not found in build context or excluded by .dockerignore: ' : '';
  return fail('invalid', `COPY failed: ${where}stat ${path}: file does not exist`, isContext ? { hint: 'Paths are relative to the context, not to the Dockerfile' } : {});
}
