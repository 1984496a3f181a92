// What `build` sends: a directory as a tar, without what its ignore file names, in the order of names; or an archive as it is. A Dockerfile from elsewhere
// goes with it under a name of its own.
import { createHash } from 'node:crypto';
import { realpathSync, statSync } from 'node:fs';
import { relative } from 'node:path';
import { parseIgnoreFile } from '../../spec/dockerfile/index.ts';
import type { BuildFile } from '../../spec/estiva/build-check.ts';
import { packContents, type LeaveOut } from '../copy/pack.ts';
import { openArchive } from '../create/files.ts';
import { readBuildFiles } from './files.ts';
import { Exit } from '../errors.ts';

export interface BuildContext {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** In the context. */
  readonly dockerfile: string;
  /** Undefined in an archive: it is not looked into here. */
  readonly shown: BuildFile | undefined;
}

/** `path`: a directory, an archive, or `-` for an archive or a Dockerfile on stdin. @throws Exit with what cannot be read */
export async function openBuildContext(path: string, file: string | undefined, stdin: AsyncIterable<Uint8Array>): Promise<BuildContext> {
  if (path !== '-' && isFile(path)) return { bytes: openArchive(path), dockerfile: file ?? 'Dockerfile', shown: undefined };
  if (path !== '-') return directoryContext(path, file, stdin);
  const { start, whole } = await peek(stdin);
  if (isArchive(start)) return { bytes: whole, dockerfile: file ?? 'Dockerfile', shown: undefined };
  const { dockerfile } = await readBuildFiles('-', file, whole);
  const more = [{ name: 'Dockerfile', text: dockerfile.text }];
  return { bytes: packContents(undefined, () => 'yes', more), dockerfile: 'Dockerfile', shown: dockerfile };
}

async function directoryContext(path: string, file: string | undefined, stdin: AsyncIterable<Uint8Array>): Promise<BuildContext> {
  const { dockerfile, ignoreFile } = await readBuildFiles(path, file, stdin);
  const root = realDirectory(path);
  const inside = file === '-' ? undefined : insideOf(root, dockerfile.name);
  const name = inside ?? `.dockerfile.${createHash('sha256').update(dockerfile.text).digest('hex').slice(0, 20)}`;
  const ignoreName = `${name}.dockerignore`;
  const more = inside === undefined ? [{ name, text: dockerfile.text }, ...ignoreFile === null ? [] : [{ name: ignoreName, text: ignoreFile.text }]] : [];
  return { bytes: packContents(root, leaveOut(ignoreFile, new Set([name, ignoreName, '.dockerignore'])), more), dockerfile: name, shown: dockerfile };
}

/** The files that the build itself needs are always sent. */
function leaveOut(ignoreFile: BuildFile | null, needed: ReadonlySet<string>): LeaveOut {
  const ignored = parseIgnoreFile(ignoreFile?.text ?? '');
  if (ignored.rules.length === 0) return () => 'no';
  const neededBelow = (path: string): boolean => [...needed].some((name) => name.startsWith(`${path}/`));
  return (path, isDirectory) => {
    if (needed.has(path) || !ignored.ignores(path)) return 'no';
    return isDirectory && (ignored.hasExceptions || neededBelow(path)) ? 'inside' : 'yes';
  };
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function realDirectory(path: string): string {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) throw new Exit(1, `ERROR: unable to prepare context: path ${JSON.stringify(path)} not found`);
  return realpathSync(path);
}

/** Where a file is in a directory; undefined: elsewhere. */
function insideOf(root: string, path: string): string | undefined {
  const found = relative(root, realpathSync(path));
  return found === '' || found === '..' || found.startsWith('../') ? undefined : found;
}

async function peek(stdin: AsyncIterable<Uint8Array>): Promise<{ readonly start: Buffer; readonly whole: AsyncIterable<Uint8Array> }> {
  const iterator = stdin[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  let length = 0;
  while (length < 512) {
    const next = await iterator.next();
    if (next.done === true) break;
    first.push(next.value);
    length += next.value.length;
  }
  const whole = (async function* whole() {
    yield* first;
    yield* { [Symbol.asyncIterator]: () => iterator };
  })();
  return { start: Buffer.concat(first), whole };
}

/** A tar, or something compressed: gzip, bzip2, xz, zstd. */
function isArchive(bytes: Buffer): boolean {
  return bytes.subarray(257, 262).toString('latin1') === 'ustar' || ['1f8b', '425a68', 'fd377a', '28b52f'].some((magic) => bytes.subarray(0, 3).toString('hex').startsWith(magic));
}
