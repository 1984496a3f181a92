// Mounts inside the new root. Everything here runs after the pivot: the host's file system is out of reach, so a symlink of the image can lead
// nowhere but into the container. The kernel's own file systems (proc, sysfs, devices) must in addition be where they say they are: their
// mount points are opened without following any link, and mounted through the open directory.
import { fail } from '../../base/index.ts';
import { attributesOf, mountAttributes, MS, MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_EMPTY_PATH, openHow, O, OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE, parseMountOptions, resolution, type Argument, type MountAttributes, type Op, type Step } from '../../kernel/index.ts';
import type { Mount } from '../../spec/oci/runtime.ts';
import { jump, makeDirectories } from './jump.ts';
import type { CgroupJoin } from './setting.ts';

const AT_FDCWD = -100;
const AT_EMPTY_PATH = 0x1000;
const AT_RECURSIVE = 0x8000;
const howBytes = 24;

export function isBind(mount: Mount): boolean {
  return mount.type === 'bind' || mount.options?.includes('bind') === true || mount.options?.includes('rbind') === true;
}

/** What stands behind a mount of type cgroup: version 1 mounts afresh in a cgroup namespace, and binds the container's own directories without one. */
export interface CgroupMounts {
  readonly join: CgroupJoin;
  readonly ownNamespace: boolean;
}

export interface MountContext {
  readonly cgroup: CgroupMounts | undefined;
  /** SELinux's. */
  readonly mountLabel?: string | undefined;
  /** Whoever launches holds the source of this bind. */
  readonly isHeld?: boolean;
}

/** The steps of one mount of the configuration. `name` tells it from others on the same destination. */
export function mountSteps(mount: Mount, name: string, { cgroup, mountLabel, isHeld = false }: MountContext): readonly Step[] {
  if (isBind(mount)) return bindSteps(mount, name, isHeld ? heldSource(name) : bindSourceOf(mount, name));
  if (mount.type === 'cgroup') return cgroup === undefined ? [] : cgroupSteps(mount, name, cgroup);
  if (mount.type === undefined) throw fail('invalid', `Mount "${mount.destination}" has no type`);
  return fileSystemSteps({ destination: mount.destination, name, type: mount.type, source: mount.source ?? mount.type, options: labelled(mount, mountLabel) });
}

/** The names by which mounts are told apart: the destination, counted where there are several. */
export function mountNames(mounts: readonly Mount[]): readonly string[] {
  return mounts.map(({ destination }, index) => {
    const earlier = mounts.slice(0, index).filter((other) => other.destination === destination).length;
    return earlier === 0 ? destination : `${destination} (${earlier + 1})`;
  });
}

const labelledTypes = new Set(['tmpfs', 'devpts', 'ramfs', 'overlay']);

function labelled({ type, options = [] }: Mount, label: string | undefined): readonly string[] {
  return label === undefined || label === '' || !labelledTypes.has(type ?? '') ? options : [...options, `context="${label}"`];
}

interface FileSystem {
  readonly destination: string;
  readonly name: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

/** Makes the mount point, opens it, and mounts on the open directory. */
function fileSystemSteps({ destination, name, type, source, options }: FileSystem): readonly Op[] {
  const parsed = parseMountOptions(options);
  const { flags, propagation, data, recursive } = parsed;
  const label = `point ${name}`;
  return [
    ...makeDirectories(destination, `a place for ${type}`),
    { call: 'openat2', args: [AT_FDCWD, destination, openHow(O.PATH | O.DIRECTORY | O.CLOEXEC, 0, pointResolution(destination)), howBytes], label, why: `${destination} itself, whatever links the image has` },
    { call: 'fchdir', args: [{ resultOf: label }] },
    { call: 'mount', args: [source, '.', type, flags, data === '' ? 0 : data], why: `${type} on ${destination}` },
    ...(parsed.copyUp ? copyUpSteps(destination) : []),
    ...(recursive === undefined ? [] : [recursiveStep(AT_FDCWD, destination, recursive, options)]),
    ...(propagation === 0 ? [] : [{ call: 'mount', args: [0, destination, 0, propagation, 0], why: 'how it spreads' } satisfies Op]),
    { call: 'chdir', args: ['/'] },
  ];
}

/** What programs take for the kernel's word must be where it says it is; elsewhere a link of the image may lead, within the container. */
function pointResolution(destination: string): number {
  return /^\/(proc|sys|dev)(\/|$)/.test(destination) ? resolution.plainAnywhere : resolution.insideOwnRoot;
}

/**
 * A tmpfs that begins with what it covers: the covered directory (where we stand) below, the tmpfs on top, so that nothing is copied before it is
 * changed.
 */
function copyUpSteps(destination: string): readonly Op[] {
  const top = destination.replaceAll(/[\\:,]/g, '\\$&');
  return [
    ...['upper', 'work'].map((name): Op => ({ call: 'mkdirat', args: [AT_FDCWD, `${destination}/${name}`, 0o755], why: 'room in the tmpfs' })),
    { call: 'mount', args: ['overlay', destination, 'overlay', 0, `lowerdir=.,upperdir=${top}/upper,workdir=${top}/work`], why: 'what was there, to be written to' },
  ];
}

function recursiveStep(dir: Argument, path: string, { set, clear }: MountAttributes, options: readonly string[]): Op {
  return { call: 'mount_setattr', args: [dir, path, (path === '' ? AT_EMPTY_PATH : 0) | AT_RECURSIVE, mountAttributes(set, clear), 32], why: `and all below it as asked: ${options.join(',')}` };
}

/** Where a bind's source is held: by an op before the pivot, or by the launcher, which fills a slot. */
export function bindSourceOf(mount: Mount, name: string): Argument {
  return heldByLauncher(mount) ? heldSource(name) : { resultOf: `source of ${name}` };
}

/** The slot of a source that whoever launches fills. */
export function heldSlot(name: string): string {
  return `source of ${name}`;
}

function heldSource(name: string): { readonly slot: string } {
  return { slot: heldSlot(name) };
}

/** Ids of the host's own are shown as others only by the launcher, who has power over the file system below. */
export function heldByLauncher(mount: Mount): boolean {
  return isBind(mount) && (mount.uidMappings !== undefined || parseMountOptions(mount.options ?? []).idmap !== undefined);
}

/** Labels of the ops that put binds in their places begin with it. */
export const bindLabel = 'bind ';

/** A bind from `source`, a mount that is nowhere yet, onto its place in the process's own root. */
export function bindSteps(mount: Mount, name: string, source: Argument): readonly Step[] {
  const options = mount.options ?? [];
  const { propagation, recursive, ...parsed } = parseMountOptions(options);
  const point = `point ${name}`;
  const attributes = attributesOf(parsed);
  return [
    ...bindPoint(mount.destination, name, source),
    { call: 'openat2', args: [AT_FDCWD, mount.destination, openHow(O.PATH | O.CLOEXEC, 0, resolution.insideOwnRoot), howBytes], label: point, why: `where ${mount.destination} is in the container` },
    { call: 'move_mount', args: [source, '', { resultOf: point }, '', MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH], label: `${bindLabel}${name}`, why: `${mount.source ?? ''} on ${mount.destination}` },
    ...(attributes === undefined ? [] : [{ call: 'mount_setattr', args: [source, '', AT_EMPTY_PATH, mountAttributes(attributes.set, attributes.clear), 32], why: `${mount.destination} as asked: ${options.join(',')}` } satisfies Op]),
    ...(recursive === undefined ? [] : [recursiveStep(source, '', recursive, options)]),
    ...(propagation === 0 ? [] : [spreadStep(source, propagation)]),
  ];
}

/** By the descriptor: what the destination's path leads to may be somebody else's to change, where a part of it lies in a volume. */
function spreadStep(source: Argument, propagation: number): Op {
  return { call: 'mount_setattr', args: [source, '', AT_EMPTY_PATH | (propagation & MS.REC ? AT_RECURSIVE : 0), mountAttributes(0, 0, propagation & ~MS.REC), 32], why: 'how it spreads' };
}

/** A mount point of the source's own kind: a directory for a directory, a file for everything else. Only the kernel knows which it is. */
function bindPoint(destination: string, name: string, source: Argument): readonly Step[] {
  const parent = destination.slice(0, destination.lastIndexOf('/'));
  const S_IFREG = 0o100000;
  return [
    { call: 'openat', args: [source, '.', O.PATH | O.DIRECTORY | O.CLOEXEC, 0], onPositive: { goto: `directory ${name}` }, onError: 'ignore', why: 'is the source a directory?' },
    ...makeDirectories(parent, 'the way to the mount point'),
    { call: 'mknodat', args: [AT_FDCWD, destination, S_IFREG | 0o644, 0], onError: 'ignore', why: 'a file to mount on, unless the image has one' },
    { call: 'openat2', args: [AT_FDCWD, destination, openHow(O.PATH | O.CLOEXEC, 0, resolution.insideOwnRoot), howBytes], onPositive: { goto: `ready ${name}` }, onError: 'ignore', why: 'which may be a link' },
    { call: 'unlinkat', args: [AT_FDCWD, destination, 0], onError: 'ignore', why: 'that leads nowhere: a file takes its place' },
    { call: 'mknodat', args: [AT_FDCWD, destination, S_IFREG | 0o644, 0], onError: 'ignore' },
    jump(`ready ${name}`),
    { label: `directory ${name}` },
    ...makeDirectories(destination, 'a directory to mount on'),
    { label: `ready ${name}` },
  ];
}

/** Version 1: a tmpfs with one directory per hierarchy; version 2: the one tree. */
function cgroupSteps(mount: Mount, name: string, { join, ownNamespace }: CgroupMounts): readonly Op[] {
  const { destination } = mount;
  const options = (mount.options ?? []).filter((option) => option !== 'bind');
  if (join.version === 2) return fileSystemSteps({ destination, name, type: 'cgroup2', source: 'cgroup', options });
  const readOnly = options.includes('ro');
  const { flags } = parseMountOptions(options.filter((option) => option !== 'ro'));
  const readOnlyStep = (path: string, why: string): readonly Op[] => (readOnly ? [{ call: 'mount_setattr', args: [AT_FDCWD, path, 0, mountAttributes(1), 32], why }] : []);
  return [
    ...fileSystemSteps({ destination, name, type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'noexec', 'mode=755', 'size=64k'] }),
    ...join.hierarchies.flatMap(({ name: hierarchy, options: data }): readonly Op[] => [
      { call: 'mkdirat', args: [AT_FDCWD, `${destination}/${hierarchy}`, 0o755] },
      ownNamespace
        ? { call: 'mount', args: ['cgroup', `${destination}/${hierarchy}`, 'cgroup', flags, data], why: `the container's own branch of ${hierarchy}` }
        : { call: 'move_mount', args: [{ resultOf: `cgroup ${hierarchy}` }, '', AT_FDCWD, `${destination}/${hierarchy}`, MOVE_MOUNT_F_EMPTY_PATH], why: `the container's own branch of ${hierarchy}` },
      ...readOnlyStep(`${destination}/${hierarchy}`, 'which it may read'),
    ]),
    ...readOnlyStep(destination, 'cgroups are read-only inside'),
  ];
}

/** The directories of version 1 that a container without a cgroup namespace is shown: taken hold of while the host can be seen. */
export function cgroupSourceSteps(mounts: readonly Mount[], cgroup: CgroupMounts | undefined): readonly Op[] {
  if (cgroup?.join.version !== 1 || cgroup.ownNamespace || !mounts.some(({ type }) => type === 'cgroup')) return [];
  return cgroup.join.hierarchies.map(({ name }, index): Op => {
    const directory = cgroup.join.version === 1 ? cgroup.join.taskFiles[index]!.replace(/\/[^/]+$/, '') : '';
    return { call: 'open_tree', args: [AT_FDCWD, directory, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC], label: `cgroup ${name}`, why: `its own directory of ${name}` };
  });
}
