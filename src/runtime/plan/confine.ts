// What of the kernel's own files a container may not see or not change: masked and read-only paths.
//
// Whether a path exists on this kernel, and whether it is a file or a directory, is not known when the program is written. So each mask tries:
// /dev/null over a file; if that does not fit, an empty tmpfs over a directory; if that does not fit either, the path must be absent: a mask
// that could not be put on a path that exists ends the launch. A mount that does not fit costs the kernel a grace period (a quarter of a
// millisecond), so it is first looked whether the path opens as a directory.
import { AT_RECURSIVE, AT_SYMLINK_NOFOLLOW, mountAttributes, MS, O, type Op, type Step } from '../../kernel/index.ts';
import { jump } from './jump.ts';

const AT_FDCWD = -100;
const MOUNT_ATTR_RDONLY = 1;

export function maskSteps(path: string): readonly Step[] {
  const done = `masked ${path}`;
  const directory = `directory? ${path}`;
  const absent = `absent? ${path}`;
  const cover = ['tmpfs', path, 'tmpfs', MS.RDONLY | MS.NOSUID | MS.NODEV | MS.NOEXEC, 'size=0k,nr_inodes=2,mode=555'] as const;
  return [
    { call: 'openat', args: [AT_FDCWD, path, O.PATH | O.DIRECTORY | O.NOFOLLOW | O.CLOEXEC, 0], onPositive: { goto: directory }, onError: 'ignore', why: `is "${path}" a directory?` },
    { call: 'mount', args: ['/dev/null', path, 0, MS.BIND, 0], onError: { goto: directory }, why: `mask "${path}"` },
    jump(done),
    { call: 'mount', args: [...cover], onError: { goto: absent }, label: directory, why: `"${path}" is a directory: an empty one over it` },
    jump(done),
    { ...exists(path), onError: { goto: done }, label: absent, why: `"${path}" is not there: nothing to mask` },
    { call: 'mount', args: [...cover], why: `"${path}" is there and must be masked` },
    { label: done },
  ];
}

export function readOnlySteps(path: string): readonly Step[] {
  const done = `read-only ${path}`;
  return [
    { ...exists(path), onError: { goto: done }, why: `is there "${path}" on this kernel?` },
    { call: 'mount', args: [path, path, 0, MS.BIND | MS.REC, 0], why: `"${path}" as a mount of its own` },
    { call: 'mount_setattr', args: [AT_FDCWD, path, AT_RECURSIVE, mountAttributes(MOUNT_ATTR_RDONLY), 32], why: 'which is read-only' },
    { label: done },
  ];
}

/** Fails when there is no such path, and for no want of descriptors: a look that needs one could fail for a path that is there. */
function exists(path: string): Op {
  return { call: 'statx', args: [AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, 0, { space: 'stat', sizeBytes: 256 }] };
}
