// Plans of a short-lived child that joins a running container's mounts, puts one more in its place, or takes one away, and ends. It stays outside of the
// container's pid namespace: nobody in there sees it.
import { posix } from 'node:path';
import { CLONE, MNT_DETACH, O, openHow, resolution, UMOUNT_NOFOLLOW, type Step } from '../../kernel/index.ts';
import type { Mount } from '../../spec/oci/runtime.ts';
import { cloneFrame } from './clone.ts';
import { isBind, mountSteps } from './mounts.ts';
import { slots } from './setting.ts';

const AT_FDCWD = -100;
const howBytes = 24;

/** A bind's source is held by whoever launches: slot `heldSlot(destination)`. */
export function planAttach(mount: Mount): readonly Step[] {
  return inside(mountSteps(mount, mount.destination, { cgroup: undefined, isHeld: isBind(mount) }));
}

/** What is mounted on top at `destination`. A link on the way is not followed: it could lead to what hides the host from the container. */
export function planDetach(destination: string): readonly Step[] {
  return inside([
    { call: 'openat2', args: [AT_FDCWD, posix.dirname(destination), openHow(O.PATH | O.DIRECTORY | O.CLOEXEC, 0, resolution.plainAnywhere), howBytes], label: 'where it is', why: `where ${destination} is, without any link` },
    { call: 'fchdir', args: [{ resultOf: 'where it is' }] },
    { call: 'umount2', args: [posix.basename(destination), MNT_DETACH | UMOUNT_NOFOLLOW], why: `${destination} is no longer there` },
  ]);
}

function inside(steps: readonly Step[]): readonly Step[] {
  return cloneFrame([
    { call: 'setns', args: [{ slot: slots.init }, CLONE.NEWNS], why: 'among the container\'s mounts, with its root' },
    { call: 'umask', args: [0], why: 'modes exactly as written below', onError: 'ignore' },
    ...steps,
    { call: 'exit_group', args: [0], why: 'its work is done' },
  ], { flags: 0, shareMemory: true });
}
