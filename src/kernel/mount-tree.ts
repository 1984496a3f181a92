// Mounts that are nowhere yet: a tree taken hold of by a descriptor, to be put into a place later, perhaps by another process.
// Source: open_tree(2), mount_setattr(2), user_namespaces(7).
import { writeFileSync } from 'node:fs';
import { Arena } from './arena.ts';
import { call, callWaiting } from './call.ts';
import { CLONE, cloneArguments } from './clone.ts';
import { KernelError } from './error.ts';
import { Fd, O } from './fd.ts';
import { AT_EMPTY_PATH, AT_RECURSIVE, attributesOf, idmapAttributes, mountAttributes, MS, OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE } from './mount.ts';
import { sendSignal } from './process.ts';
import { assemble, type Step } from './program.ts';
import { hostArchitecture } from './stub.ts';

const SIGKILL = 9;
const P_PIDFD = 3;
const WEXITED = 4;

/** A copy of the mount at `place`, from there down; in the same peer group, when that is shared. @throws KernelError */
export function cloneMount(place: Fd, recursive: boolean): Fd {
  return new Fd(call('open_tree', place.number, '', OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0)));
}

/** What happens in the peer group of the tree's mounts reaches them, and nothing goes the other way. */
export function makeSlave(tree: Fd): void {
  call('mount_setattr', tree.number, '', AT_EMPTY_PATH | AT_RECURSIVE, mountAttributes(0, 0, MS.SLAVE), 32);
}

/** Devices, programs and set-user-id bits in it count again (detached-tree.ts closes them); `readOnly`: nothing in it can be written. */
export function openToUse(tree: Fd, { readOnly }: { readonly readOnly: boolean }): void {
  const bits = (flags: number): number => attributesOf({ flags, cleared: 0 })?.set ?? 0;
  call('mount_setattr', tree.number, '', AT_EMPTY_PATH, mountAttributes(readOnly ? bits(MS.RDONLY) : 0, bits(MS.NODEV | MS.NOSUID | MS.NOEXEC)), 32);
}

/** Ids in the tree are shown as the user namespace behind `ids` has them. @throws KernelError EINVAL for a file system that cannot */
export function idmapMount(tree: Fd, ids: Fd, { recursive = false }: { readonly recursive?: boolean } = {}): void {
  call('mount_setattr', tree.number, '', AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), idmapAttributes(ids.number), 32);
}

/** `size` ids from `containerID` on are those from `hostID` on. */
interface IdRange {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

export interface IdRanges {
  readonly uidMappings?: readonly IdRange[];
  readonly gidMappings?: readonly IdRange[];
}

/** The maps of the user namespace that `pid` is in; each can be written once. */
export function writeMaps(pid: number, { uidMappings = [], gidMappings = [] }: IdRanges): void {
  writeFileSync(`/proc/${pid}/uid_map`, mapText(uidMappings));
  writeFileSync(`/proc/${pid}/gid_map`, mapText(gidMappings));
}

function mapText(mappings: readonly IdRange[]): string {
  return mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join('');
}

/** A user namespace with these maps and nobody in it: a child is born into it, and killed. */
export function openUserNamespace(maps: IdRanges): Fd {
  const steps: readonly Step[] = [
    {
      call: 'clone3', onPositive: { goto: 'parent' }, onError: { goto: 'parent' },
      args: [cloneArguments({ flags: CLONE.VM + CLONE.NEWUSER + CLONE.PIDFD + CLONE.PARENT_SETTID + CLONE.CLEAR_SIGHAND, pidfd: { space: 'pidfd', sizeBytes: 8 }, pid: { space: 'pid', sizeBytes: 8 }, stack: { space: 'stack', sizeBytes: 16384 }, stackBytes: 16384 }), 88],
    },
    { call: 'ppoll', args: [0, 0, 0, 0, 8], onError: 'ignore', why: 'until it is killed' },
    { call: 'exit_group', args: [0] },
    { label: 'parent' },
    { call: 'getpid', args: [] },
  ];
  const image = assemble(steps, hostArchitecture());
  using arena = Arena.load(image);
  arena.run();
  if (arena.result(0) < 0) throw new KernelError('clone3', 'CLONE_NEWUSER', -arena.result(0));
  using pidfd = new Fd(arena.int32(image.spaces.get('pidfd')!));
  const pid = arena.int32(image.spaces.get('pid')!);
  try {
    writeMaps(pid, maps);
    return Fd.open(`/proc/${pid}/ns/user`, O.RDONLY);
  } finally {
    sendSignal(pidfd, SIGKILL);
    callWaiting('waitid', P_PIDFD, pidfd.number, 0, WEXITED, 0);
  }
}
