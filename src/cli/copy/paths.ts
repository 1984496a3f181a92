// How `cp` reads its two operands and decides what is copied under which name. The rules are Docker's, and those of cp -R:
//   an existing directory as destination gets the source inside; anything else takes the place, and the name, of the source;
//   a slash at the end asks for a directory; "DIR/." means what is in it.
import { lstatSync, realpathSync, statSync, type Stats } from 'node:fs';
import { basename, dirname, isAbsolute, join, normalize, resolve } from 'node:path';
import { getSystemErrorMessage } from 'node:util';
import { Exit } from '../errors.ts';

export interface Operand {
  /** Undefined: a path of this machine. */
  readonly container: string | undefined;
  readonly path: string;
}

/** `NAME:PATH` is in a container, unless it looks like a path: `/a:b`, `./a:b`. */
export function parseOperand(text: string): Operand {
  const colon = text.indexOf(':');
  if (isAbsolute(text) || colon < 0 || text.startsWith('.')) return { container: undefined, path: text };
  return { container: text.slice(0, colon), path: text.slice(colon + 1) };
}

export function asksForDirectory(path: string): boolean {
  return path.endsWith('/') || basename(path) === '.' || path === '';
}

/** The path cleaned, with the slash or "/." that it ended with. */
export function cleaned(path: string): string {
  const clean = normalize(path).replace(/(?<=.)\/+$/, '');
  if (clean !== '/' && /(?:^|\/)\.$/.test(path) && basename(clean) !== '.') return `${clean}/.`;
  return path.endsWith('/') && clean !== '/' ? `${clean}/` : clean;
}

/** An absolute path of this machine, with its ending. */
export function localPath(path: string): string {
  const ending = /(?:^|\/)\.$/.test(path) ? '/.' : path.endsWith('/') ? '/' : '';
  const absolute = resolve(path);
  return absolute === '/' ? `/${ending === '/.' ? '.' : ''}` : `${absolute}${ending}`;
}

/** `/a/b` → [`/a`, `b`]; `/a/b/.` → [`/a/b`, `.`]. */
export function splitPath(path: string): readonly [dir: string, base: string] {
  const clean = normalize(path).replace(/(?<=.)\/+$/, '');
  if (/(?:^|\/)\.$/.test(path)) return [clean, '.'];
  return [dirname(clean), basename(clean) === '' ? '/' : basename(clean)];
}

/** What is copied. */
export interface Source {
  readonly isDirectory: boolean;
  /** The name that the archive's members begin with. */
  readonly name: string;
}

export interface Target {
  readonly path: string;
  readonly kind: 'missing' | 'directory' | 'other';
}

export interface Placement {
  /** The directory to unpack into. */
  readonly directory: string;
  /** What the archive's first component becomes; undefined: it stays. */
  readonly name: string | undefined;
}

/** @throws Exit with Docker's words for what cannot be. */
export function place(source: Source, target: Target): Placement {
  if (target.kind === 'directory') return { directory: target.path, name: undefined };
  const [directory, name] = splitPath(target.path);
  if (target.kind === 'other' && source.isDirectory) throw new Exit(1, 'cannot copy directory');
  if (target.kind === 'missing' && !source.isDirectory && asksForDirectory(target.path)) throw new Exit(1, 'no such directory');
  return { directory, name };
}

export interface LocalSource extends Source {
  /** The directory in which it lies, and its name there (`.`: the directory's contents). */
  readonly directory: string;
  readonly base: string;
}

/** @throws Exit when there is nothing. */
export function findSource(path: string, followsLinks: boolean): LocalSource {
  const asked = localPath(path);
  const [dir, base] = splitPath(asked);
  const isFollowed = followsLinks || asksForDirectory(asked);
  const real = said('lstat', asked, () => (isFollowed ? realpathSync(asked) : join(realpathSync(dir), base === '/' ? '' : base)));
  const stat = said('lstat', asked, () => lstatSync(real));
  if (asksForDirectory(asked) && !stat.isDirectory()) throw new Exit(1, 'not a directory');
  const wantsContents = base === '.';
  return {
    isDirectory: stat.isDirectory(), directory: wantsContents ? real : dirname(real), base: wantsContents ? '.' : basename(real) || '.',
    // A link that was followed gives the name, not the content.
    name: wantsContents || real === '/' ? '.' : basename(normalize(asked)),
  };
}

/** @throws Exit when its directory is missing. */
export function findTarget(path: string): Target {
  const asked = localPath(path);
  const parent = dirname(normalize(asked).replace(/(?<=.)\/$/, ''));
  if (statOf(parent) === undefined) throw new Exit(1, `invalid output path: directory ${JSON.stringify(parent)} does not exist`);
  const stat = statOf(asked.replace(/(?<=.)\/\.?$/, ''));
  if (stat !== undefined && !stat.isDirectory() && !stat.isFile()) throw new Exit(1, `invalid output path: ${JSON.stringify(asked)} must be a directory or a regular file`);
  return { path: asked, kind: stat === undefined ? 'missing' : stat.isDirectory() ? 'directory' : 'other' };
}

function statOf(path: string): Stats | undefined {
  return said('lstat', path, () => statSync(path, { throwIfNoEntry: false }));
}

/** What a call on a file of this machine failed with, in Docker's form. */
export function said<T>(call: string, path: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    const { errno } = error as NodeJS.ErrnoException;
    if (errno === undefined) throw error;
    throw new Exit(1, `${call} ${path}: ${getSystemErrorMessage(errno)}`);
  }
}
