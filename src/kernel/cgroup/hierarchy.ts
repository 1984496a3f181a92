// A cgroup hierarchy as it is mounted: all controllers in one (version 2), or one to a few in each of several (version 1).
//
// The root directory of each is held open, and every directory and file of ours is reached from it, so that a later mount over the same place
// cannot lead us elsewhere. Nothing inside can be a symbolic link: the kernel makes the files, and cgroup file systems have no symlink(2).
// Source: cgroups(7), the kernel's admin-guide/cgroup-v1 and cgroup-v2.
import { readdirSync } from 'node:fs';
import { fail } from '../../base/index.ts';
import { tryCall } from '../call.ts';
import { errnoName } from '../error.ts';
import { AT_REMOVEDIR, Fd, O } from '../fd.ts';
import type { CgroupMount } from './mounted.ts';
import { refusedDirectory } from './refusal.ts';

/** Where the engines of this host put their containers, unless they are told another parent. */
export const enginesParent = 'estiva';

const ENOENT = -2;
const EEXIST = -17;
const ENODEV = -19;
const readBytes = 8192;
/** The longest list that is read: some hundred thousand pids. */
const textBytesMax = 4 * 1024 * 1024;
const componentBytesMax = 255;
const pathCharactersMax = 1024;

export interface Hierarchy extends CgroupMount {
  readonly root: Fd;
}

export function openHierarchy(mounted: CgroupMount): Hierarchy {
  return { ...mounted, root: Fd.open(mounted.mountPoint, O.PATH | O.DIRECTORY) };
}

/** `/estiva/x` → `estiva/x`, for calls that start at a hierarchy's root. @throws EstivaError invalid */
export function parseCgroupPath(path: string): string {
  const components = path.split('/').slice(1);
  const sound = path.startsWith('/') && path.length <= pathCharactersMax && components.every(isSoundComponent);
  if (!sound) throw fail('invalid', `Invalid cgroup path ${JSON.stringify(path.slice(0, 200))}`, { hint: 'A cgroup path is absolute, like "/estiva/name", without "." or ".." or line breaks' });
  return path.slice(1);
}

function isSoundComponent(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[\0\n]/.test(name) && Buffer.byteLength(name) <= componentBytesMax;
}

/** Makes the directory, and its parents when they are missing (`made` hears of each parent). @throws EstivaError */
export function makeCgroup(hierarchy: Hierarchy, relative: string, made?: (parent: string) => void): void {
  // Whoever leaves last removes the parent: between our making it and using it, that may happen again.
  for (let tries = 0; tries < 10; tries++) {
    const result = tryCall('mkdirat', hierarchy.root.number, relative, 0o755);
    if (result === 0) return;
    if (result === EEXIST) removeLeftover(hierarchy, relative);
    else if (result === ENOENT && relative.includes('/')) makeParents(hierarchy, relative, made);
    else throw refusedDirectory(`/${relative}`, hierarchy.mountPoint, result);
  }
  throw refusedDirectory(`/${relative}`, hierarchy.mountPoint, EEXIST);
}

function makeParents(hierarchy: Hierarchy, relative: string, made: ((parent: string) => void) | undefined): void {
  for (const parent of parentsOf(relative)) {
    const result = tryCall('mkdirat', hierarchy.root.number, parent, 0o755);
    if (result !== 0 && result !== EEXIST && result !== ENOENT) throw refusedDirectory(`/${parent}`, hierarchy.mountPoint, result);
    if (result === 0) made?.(parent);
  }
}

/** `a/b/c` → `a`, `a/b`. */
export function parentsOf(relative: string): readonly string[] {
  const components = relative.split('/');
  return components.slice(1).map((_, index) => components.slice(0, index + 1).join('/'));
}

/** A directory of this name that nobody uses was left by a crash: its limits are not ours, so it goes. */
function removeLeftover(hierarchy: Hierarchy, relative: string): void {
  if (tryRemoveCgroup(hierarchy, relative)) return;
  throw fail('conflict', `Cannot create cgroup "/${relative}": it exists and is in use`, { hint: 'Wait until its processes have ended, or kill them' });
}

/** Removes the directory; true when it is not there any more. False when processes or child groups are in it. */
export function tryRemoveCgroup(hierarchy: Hierarchy, relative: string): boolean {
  const result = tryCall('unlinkat', hierarchy.root.number, relative, AT_REMOVEDIR);
  return result === 0 || result === ENOENT;
}

/** As tryRemoveCgroup, but child groups (a privileged container can make some) go first. */
export function tryRemoveTree(hierarchy: Hierarchy, relative: string): boolean {
  for (const group of withDescendants(hierarchy, relative).toReversed()) if (!tryRemoveCgroup(hierarchy, group)) return false;
  return true;
}

export function cgroupExists(hierarchy: Hierarchy, relative: string): boolean {
  return tryCall('newfstatat', hierarchy.root.number, relative, new Uint8Array(256), 0) === 0;
}

/** The group and all below it, parents first. */
export function withDescendants(hierarchy: Hierarchy, relative: string): readonly string[] {
  return [relative, ...childrenOf(hierarchy, relative).flatMap((name) => withDescendants(hierarchy, `${relative}/${name}`))];
}

export function childrenOf(hierarchy: Hierarchy, relative: string): readonly string[] {
  try {
    return readdirSync(`${hierarchy.mountPoint}/${relative}`, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENODEV')) return [];
    throw error;
  }
}

/** Writes each value with a write of its own, as cgroup files want it; the first refusal as -errno, with the value that caused it. */
export function tryWrite(hierarchy: Hierarchy, file: string, values: readonly string[]): { readonly result: number; readonly value: string } {
  const fd = tryCall('openat', hierarchy.root.number, file, O.WRONLY | O.CLOEXEC, 0);
  if (fd < 0) return { result: fd, value: values[0] ?? '' };
  using opened = new Fd(fd);
  for (const value of values) {
    const bytes = Buffer.from(value);
    const result = tryCall('write', opened.number, bytes, bytes.length);
    if (result < 0) return { result, value };
  }
  return { result: 0, value: '' };
}

/** The whole text of a file; undefined when the file or its cgroup is gone. @throws Error for what cannot be foreseen */
export function readText(hierarchy: Hierarchy, file: string): string | undefined {
  const fd = tryCall('openat', hierarchy.root.number, file, O.RDONLY | O.CLOEXEC, 0);
  if (fd === ENOENT) return undefined;
  if (fd < 0) throw new Error(`Cannot read ${hierarchy.mountPoint}/${file}: ${errnoName(-fd)}`);
  using opened = new Fd(fd);
  const buffer = new Uint8Array(readBytes);
  let text = '';
  while (text.length < textBytesMax) {
    const length = tryCall('read', opened.number, buffer, readBytes);
    if (length === 0) break;
    if (length === ENODEV) return undefined;
    if (length < 0) throw new Error(`Cannot read ${hierarchy.mountPoint}/${file}: ${errnoName(-length)}`);
    text += Buffer.from(buffer.buffer, 0, length).toString('latin1');
  }
  return text;
}

/** Every process of the group and of the groups below it, as pids of our own namespace. */
export function pidsIn(hierarchy: Hierarchy, relative: string): readonly number[] {
  const lists = withDescendants(hierarchy, relative).map((group) => readText(hierarchy, `${group}/cgroup.procs`) ?? '');
  // A process of a namespace that we cannot see is listed as 0: no pid to signal.
  return lists.flatMap((list) => list.split('\n').map(Number)).filter((pid) => pid > 0);
}

/** The number after `key` in a file of lines `key number`; 0 when it is not there. */
export function readCount(hierarchy: Hierarchy, file: string, key: string): number {
  const line = readText(hierarchy, file)?.split('\n').find((line) => line.startsWith(`${key} `));
  return line === undefined ? 0 : Number(line.slice(key.length + 1));
}
