// What a path means in a container's root. The kernel resolves it (kernel/path.ts); here are Docker's rules for how it is written: relative to "/",
// a slash or "/." at its end asks for a directory, and follows a link that stands there; else a link at the end is what is meant.
import { posix } from 'node:path';
import { fail, type EstivaError } from '../base/index.ts';
import { errnoSentence, Fd, isKernelError, KernelError, O, openIn, readLinkIn, S, statFd, statIn, tryOpenIn, type FileStat } from '../kernel/index.ts';
import type { PathStat } from './file-verbs.ts';

const linksMax = 40;

export interface FoundPath {
  readonly stat: PathStat;
  readonly isDirectory: boolean;
  /** Absolute, without "." and "..", with the ending that was asked for. */
  readonly path: string;
}

/** `a/../b/.` → `/b/.` */
export function absolutePath(path: string): string {
  const clean = posix.join('/', path).replace(/(?<=.)\/$/, '');
  const ending = /(?:^|\/)\.$/.test(path) ? '/.' : path.endsWith('/') ? '/' : '';
  return clean === '/' ? (ending === '/.' ? '/.' : '/') : `${clean}${ending}`;
}

/** @throws `not_found` and `invalid` with Docker's texts; `path` and `container` as they were asked for. */
export function findPath(root: Fd, path: string, container: string): FoundPath {
  const absolute = absolutePath(path);
  try {
    const stat = lookAt(root, absolute);
    const isLink = (stat.mode & S.IFMT) === S.IFLNK;
    const { mode, sizeBytes, mtimeSeconds, mtimeNanoseconds } = stat;
    const name = absolute === '/' ? '/' : posix.basename(absolute);
    return {
      stat: { name, mode, sizeBytes, mtimeSeconds, mtimeNanoseconds, linkTarget: isLink ? finalTarget(root, absolute) : '' },
      isDirectory: (mode & S.IFMT) === S.IFDIR, path: absolute,
    };
  } catch (error) {
    throw pathError(error, path, container);
  }
}

/** Opens what `path` leads to, links followed. @throws as findPath */
export function openPath(root: Fd, path: string, flags: number, container: string): Fd {
  try {
    return openIn(root, beneath(path), flags, 'inside');
  } catch (error) {
    throw pathError(error, path, container);
  }
}

export function pathError(error: unknown, path: string, container: string): unknown {
  if (isKernelError(error, 'ENOENT')) return notFound(path, container, error);
  if (isKernelError(error, 'ENOTDIR', 'ELOOP', 'EXDEV', 'ENAMETOOLONG', 'EACCES')) return fail('invalid', `lstat ${absolutePath(path)}: ${errnoSentence(error.code)}`, { cause: error });
  return error;
}

function notFound(path: string, container: string, cause: unknown): EstivaError {
  return fail('not_found', `Could not find the file ${path} in container ${container}`, { cause });
}

function lookAt(root: Fd, absolute: string): FileStat {
  if (absolute.endsWith('/') || absolute.endsWith('/.')) {
    using found = openIn(root, beneath(absolute), O.PATH | O.DIRECTORY, 'inside');
    return statFd(found);
  }
  using parent = openIn(root, beneath(posix.dirname(absolute)), O.PATH | O.DIRECTORY, 'inside');
  const stat = statIn(parent, posix.basename(absolute));
  if (stat === undefined) throw new KernelError('statx', JSON.stringify(absolute), 2);
  return stat;
}

/** As openat2 takes it, seen from the root's descriptor. */
function beneath(absolute: string): string {
  return `.${absolutePath(absolute)}`;
}

/** Where a link leads, or as far as there is something: what is not there stays as it is written. */
function finalTarget(root: Fd, absolute: string): string {
  const rest = absolute.split('/').filter((part) => part !== '');
  const at: string[] = [];
  for (let links = 0; rest.length > 0;) {
    const part = rest.shift()!;
    if (part === '..') at.pop();
    else if (part !== '.' && part !== '') {
      const text = linkAt(root, at, part);
      if (text === undefined) at.push(part);
      else {
        if (++links > linksMax) throw new KernelError('openat2', JSON.stringify(absolute), 40);
        if (text.startsWith('/')) at.length = 0;
        rest.unshift(...text.split('/'));
      }
    }
  }
  return `/${at.join('/')}`;
}

/** The text of the link `name` in the directory `at`; undefined for anything else. */
function linkAt(root: Fd, at: readonly string[], name: string): string | undefined {
  const number = tryOpenIn(root, `./${at.join('/')}`, O.PATH | O.DIRECTORY, 'inside');
  if (number < 0) return undefined;
  using dir = new Fd(number);
  const stat = statIn(dir, name);
  return stat !== undefined && (stat.mode & S.IFMT) === S.IFLNK ? Buffer.from(readLinkIn(dir, name)).toString() : undefined;
}
