// What COPY and ADD take: from a tree (the context, a stage, an image) the files that a pattern means, as entries that can be hashed and packed.
// Every path is opened by openat2 on the held root: links lead within it, never out.
import { posix } from 'node:path';
import { fail, type Digest } from '../../base/index.ts';
import { Fd, isKernelError, O, openIn, readLinkIn, S, statFd, statIn, tryOpenIn, type FileStat } from '../../kernel/index.ts';
import { parseIgnoreFile, pathMatcher, type IgnoreFile } from '../../spec/dockerfile/index.ts';
import { byteString, byteStringOf, bytesOf, quoteName, tarLimits, type ByteString, type TarType } from '../../spec/tar/index.ts';
import { allEntriesIn, nameArgument, readAttributes, Turn } from '../../storage/index.ts';
import { isPattern, matcherOf } from './wildcard.ts';

/** Where files come from. */
export interface SourceTree {
  readonly root: Fd;
  /** What is there and yet is not, by its path from the root. */
  readonly hides: (path: string) => boolean;
  /** SHA-256 of the content of the file at a path, where that is known without reading it. */
  readonly sha256Of?: (path: string) => string | undefined;
  /** What it was asked before, as long as nothing in it changes. */
  readonly memory?: Map<string, CopyFacts>;
  /** For sentences: the context or a stage. */
  readonly isContext: boolean;
  /** What it is made of, lowest first; undefined: it is a directory. */
  readonly layers?: readonly Digest[];
}

/** What the key of a COPY is made of. */
export interface CopyFacts {
  readonly content: string;
  /** How many archives are unpacked. */
  readonly archives: number;
  readonly shape: 'file' | 'dir' | 'multi';
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
  /** Of its content, where it is known. */
  readonly sha256?: string | undefined;
}

/** One thing that is copied: a file, or all that is in a directory. */
export interface Source {
  readonly isDirectory: boolean;
  readonly entries: readonly SourceEntry[];
}

const directoryFlags = O.RDONLY | O.DIRECTORY;
const fileFlags = O.RDONLY | O.NOFOLLOW | O.NONBLOCK | O.NOCTTY | O.CLOEXEC;
const entriesMax = tarLimits.entriesMax;

export interface FindOptions {
  /** What is left out, by its path below the directory that is copied. */
  readonly exclude: IgnoreFile;
  /** Closes what is found. */
  readonly opened: DisposableStack;
  readonly signal: AbortSignal;
}

/** @throws in dockerd's words for what is not there */
export async function findSources(tree: SourceTree, written: string, { exclude, opened, signal }: FindOptions): Promise<readonly Source[]> {
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

/**
 * With --parents: what fits goes with the directories that it is in, up to the top of the tree, or to where a dot stands between slashes (`a/./b/*.txt`).
 * In the pattern `**` stands for any number of directories; links in the path are not followed. Undefined: nothing fits.
 */
export async function findWithParents(tree: SourceTree, written: string, { exclude, opened, signal }: FindOptions): Promise<Source | undefined> {
  const pivot = written.indexOf('/./');
  const base = insideTree(pivot < 0 ? '.' : written.slice(0, pivot));
  const pattern = insideTree(pivot < 0 ? written : written.slice(pivot + 3));
  const [fits, leadsThere] = [pathMatcher(pattern), leadsTo(pattern)];
  const chosen = new Map<string, SourceEntry>();
  for (const path of isPattern(base) ? matching(tree, base) : [base]) {
    const found = tree.hides(path) ? undefined : openFound(tree, path);
    if (found === undefined || (statFd(opened.use(found)).mode & S.IFMT) !== S.IFDIR) continue;
    const dir = opened.use(openIn(found, '.', directoryFlags, 'plain'));
    const above = new Map<string, SourceEntry>();
    for await (const { entry, name } of entriesOf(dir, { signal, enters: leadsThere })) {
      if (entry.type === 'directory') above.set(name, entry);
      if (!fits(name) || tree.hides(posix.join(path, name)) || exclude.ignores(name)) continue;
      for (let parent = posix.dirname(name); parent !== '.' && !chosen.has(parent); parent = posix.dirname(parent)) chosen.set(parent, above.get(parent)!);
      chosen.set(name, entry);
      if (chosen.size > entriesMax) throw tooMany();
    }
  }
  if (chosen.size === 0 && !isPattern(base) && !isPattern(pattern)) throw notFound(tree, posix.join(base, pattern));
  return chosen.size === 0 ? undefined : { isDirectory: true, entries: [...chosen].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry) };
}

/** Whether something that fits may be in the directory: what stands before the first wildcard is where it is. */
function leadsTo(pattern: string): (directory: string) => boolean {
  const parts = pattern === '.' ? [] : pattern.split('/');
  const firstPattern = parts.findIndex(isPattern);
  const fixed = firstPattern < 0 ? parts : parts.slice(0, firstPattern);
  return (directory) => directory.split('/').slice(0, fixed.length).every((part, i) => part === fixed[i]);
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
    for await (const { entry, name } of entriesOf(dir, { signal })) {
      if (tree.hides(posix.join(path, name)) || exclude.ignores(name)) continue;
      const sha256 = entry.type === 'file' ? tree.sha256Of?.(path === '.' ? entry.path : `${byteString(path)}/${entry.path}`) : undefined;
      add(entries, sha256 === undefined ? entry : { ...entry, sha256 });
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
  return { isDirectory: false, entries: [{ path: byteString(name), type, stat, linkPath: byteString(''), xattrs: readable === undefined ? new Map() : readAttributes(readable).shown, open, sha256: type === 'file' ? tree.sha256Of?.(byteString(path)) : undefined }] };
}

function openFound({ root }: SourceTree, path: string): Fd | undefined {
  try {
    return openIn(root, nameArgument(byteString(path)), O.PATH, 'inside');
  } catch (error) {
    if (isKernelError(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw isKernelError(error, 'ELOOP', 'ENAMETOOLONG') ? fail('invalid', `Cannot copy ${JSON.stringify(path)}: ${error.code === 'ELOOP' ? 'too many symbolic links' : 'the name is too long'}`, { cause: error }) : error;
  }
}

interface WalkOptions {
  readonly signal: AbortSignal;
  /** Whether to look into a directory; absent: into all. */
  readonly enters?: ((name: string) => boolean) | undefined;
}

/** All that is in a directory, by name, each directory before what is in it. */
async function* entriesOf(dir: Fd, options: WalkOptions): AsyncGenerator<{ readonly entry: SourceEntry; readonly name: string }, void, undefined> {
  yield* walk(dir, byteString(''), { ...options, root: dir, turn: new Turn() });
}

async function* walk(dir: Fd, prefix: ByteString, around: WalkOptions & { readonly root: Fd; readonly turn: Turn }, depth = 0): AsyncGenerator<{ readonly entry: SourceEntry; readonly name: string }, void, undefined> {
  if (depth > tarLimits.depthMax) throw fail('invalid', `Cannot copy ${quoteName(prefix)}: it is more than ${tarLimits.depthMax} directories deep`);
  const { root, signal, turn, enters = () => true } = around;
  for (const { name: last } of allEntriesIn(dir).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    await turn.yield();
    signal.throwIfAborted();
    const path = `${prefix}${last}` as ByteString;
    const name = bytesOf(path).toString('utf8');
    const stat = statIn(dir, nameArgument(last));
    const type = stat === undefined ? undefined : typeOf(stat);
    if (stat === undefined || type === undefined) continue;
    const open = (): Fd => openIn(root, nameArgument(path), fileFlags, 'plain');
    if (type !== 'directory') {
      const linkPath = type === 'symlink' ? byteStringOf(readLinkIn(dir, nameArgument(last))) : byteString('');
      yield { name, entry: { path, type, stat, linkPath, xattrs: readAttributes({ dir, name: last }).shown, open } };
      continue;
    }
    using below = openIn(dir, nameArgument(last), directoryFlags | O.NOFOLLOW, 'plain');
    yield { name, entry: { path, type, stat, linkPath: byteString(''), xattrs: readAttributes(below).shown, open } };
    if (enters(name)) yield* walk(below, `${path}/` as ByteString, around, depth + 1);
  }
}

function add(entries: SourceEntry[], entry: SourceEntry): void {
  if (entries.push(entry) > entriesMax) throw tooMany();
}

function tooMany(): Error {
  return fail('too_large', `More than ${entriesMax} files are copied at once`);
}

const types: Readonly<Record<number, TarType>> = { [S.IFREG]: 'file', [S.IFDIR]: 'directory', [S.IFLNK]: 'symlink', [S.IFCHR]: 'char', [S.IFBLK]: 'block', [S.IFIFO]: 'fifo' };

function typeOf(stat: FileStat): TarType | undefined {
  return types[stat.mode & S.IFMT];
}

function notFound({ isContext }: SourceTree, path: string): Error {
  const where = isContext ? 'file not found in build context or excluded by .dockerignore: ' : '';
  return fail('invalid', `COPY failed: ${where}stat ${path}: file does not exist`, isContext ? { hint: 'Paths are relative to the context, not to the Dockerfile' } : {});
}
