// Mounts inside the new root. Everything here runs after the pivot: the host's file system is out of reach, so a symlink of the image can lead
// nowhere but into the container. The kernel's own file systems (proc, sysfs, devices) must in addition be where they say they are: their
// mount points are opened without following any link, and mounted through the open directory.
import { fail } from '../../base/index.ts';
import { attributesOf, MS, mountAttributes, MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_EMPTY_PATH, openHow, O, parseMountOptions, resolution, type Op, type Step } from '../../kernel/index.ts';
import type { Mount } from '../../spec/oci/runtime.ts';
import { jump, makeDirectories } from './jump.ts';
import type { CgroupJoin } from './setting.ts';

const AT_FDCWD = -100;
const howBytes = 24;

export function isBind(mount: Mount): boolean {
  return mount.type === 'bind' || mount.options?.includes('bind') === true || mount.options?.includes('rbind') === true;
}

/** The steps of one mount of the configuration. `cgroup` says what stands behind a mount of type cgroup. */
export function mountSteps(mount: Mount, cgroup: CgroupJoin | undefined): readonly Step[] {
  if (isBind(mount)) return bindSteps(mount);
  if (mount.type === 'cgroup') return cgroup === undefined ? [] : cgroupSteps(mount, cgroup);
  if (mount.type === undefined) throw fail('invalid', `Mount "${mount.destination}" has no type`);
  return fileSystemSteps(mount.destination, mount.type, mount.source ?? mount.type, mount.options ?? []);
}

/** Makes the mount point, opens it without following links, and mounts on the open directory. */
function fileSystemSteps(destination: string, type: string, source: string, options: readonly string[]): readonly Op[] {
  const { flags, propagation, data } = parseMountOptions(options);
  const label = `point ${destination}`;
  return [
    ...makeDirectories(destination, `a place for ${type}`),
    { call: 'openat2', args: [AT_FDCWD, destination, openHow(O.PATH | O.DIRECTORY | O.CLOEXEC, 0, resolution.plainAnywhere), howBytes], label, why: `${destination} itself, whatever links the image has` },
    { call: 'fchdir', args: [{ resultOf: label }] },
    { call: 'mount', args: [source, '.', type, flags, data === '' ? 0 : data], why: `${type} on ${destination}` },
    ...(propagation === 0 ? [] : [{ call: 'mount', args: [0, destination, 0, propagation, 0], why: 'how it spreads' } satisfies Op]),
    { call: 'chdir', args: ['/'] },
  ];
}

function bindSteps(mount: Mount): readonly Step[] {
  const { flags, propagation } = parseMountOptions(mount.options ?? []);
  const source = `source of ${mount.destination}`;
  const point = `point ${mount.destination}`;
  const attributes = attributesOf(flags);
  return [
    ...bindPoint(mount.destination, source),
    { call: 'openat2', args: [AT_FDCWD, mount.destination, openHow(O.PATH | O.CLOEXEC, 0, resolution.insideOwnRoot), howBytes], label: point, why: `where ${mount.destination} is in the container` },
    { call: 'move_mount', args: [{ resultOf: source }, '', { resultOf: point }, '', MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH], why: `${mount.source ?? ''} on ${mount.destination}` },
    ...(attributes === 0 ? [] : [{ call: 'mount_setattr', args: [{ resultOf: source }, '', 0x1000 | (flags & MS.REC ? 0x8000 : 0), mountAttributes(attributes), 32], why: `${mount.destination} as asked: ${(mount.options ?? []).join(',')}` } satisfies Op]),
    ...(propagation === 0 ? [] : [{ call: 'mount', args: [0, mount.destination, 0, propagation, 0], why: 'how it spreads' } satisfies Op]),
  ];
}

/** A mount point of the source's own kind: a directory for a directory, a file for everything else. Only the kernel knows which it is. */
function bindPoint(destination: string, source: string): readonly Step[] {
  const parent = destination.slice(0, destination.lastIndexOf('/'));
  const S_IFREG = 0o100000;
  return [
    { call: 'openat', args: [{ resultOf: source }, '.', O.PATH | O.DIRECTORY | O.CLOEXEC, 0], onPositive: { goto: `directory ${destination}` }, onError: 'ignore', why: 'is the source a directory?' },
    ...makeDirectories(parent, 'the way to the mount point'),
    { call: 'mknodat', args: [AT_FDCWD, destination, S_IFREG | 0o644, 0], onError: 'ignore', why: 'a file to mount on, unless the image has one' },
    { call: 'openat2', args: [AT_FDCWD, destination, openHow(O.PATH | O.CLOEXEC, 0, resolution.insideOwnRoot), howBytes], onPositive: { goto: `ready ${destination}` }, onError: 'ignore', why: 'which may be a link' },
    { call: 'unlinkat', args: [AT_FDCWD, destination, 0], onError: 'ignore', why: 'that leads nowhere: a file takes its place' },
    { call: 'mknodat', args: [AT_FDCWD, destination, S_IFREG | 0o644, 0], onError: 'ignore' },
    jump(`ready ${destination}`),
    { label: `directory ${destination}` },
    ...makeDirectories(destination, 'a directory to mount on'),
    { label: `ready ${destination}` },
  ];
}

/** Version 1: a tmpfs with one directory per hierarchy; version 2: the one tree. */
function cgroupSteps(mount: Mount, cgroup: CgroupJoin): readonly Op[] {
  const options = (mount.options ?? []).filter((option) => option !== 'bind');
  if (cgroup.version === 2) return fileSystemSteps(mount.destination, 'cgroup2', 'cgroup', options);
  const readOnly = options.includes('ro');
  const flags = options.filter((option) => option !== 'ro');
  return [
    ...fileSystemSteps(mount.destination, 'tmpfs', 'tmpfs', ['nosuid', 'nodev', 'noexec', 'mode=755', 'size=64k']),
    ...cgroup.hierarchies.flatMap(({ name, options: data }): readonly Op[] => [
      { call: 'mkdirat', args: [AT_FDCWD, `${mount.destination}/${name}`, 0o755] },
      { call: 'mount', args: ['cgroup', `${mount.destination}/${name}`, 'cgroup', parseMountOptions(flags).flags, data], why: `the container's own branch of ${name}` },
      ...(readOnly ? [{ call: 'mount_setattr', args: [AT_FDCWD, `${mount.destination}/${name}`, 0, mountAttributes(1), 32], why: 'which it may read' } satisfies Op] : []),
    ]),
    ...(readOnly ? [{ call: 'mount_setattr', args: [AT_FDCWD, mount.destination, 0, mountAttributes(1), 32], why: 'cgroups are read-only inside' } satisfies Op] : []),
  ];
}
