// The root file system: the overlay of the layers, made in the container's own mount namespace, so that the host never sees it mounted and
// nothing is left over when the last process is gone.
import { AT_EMPTY_PATH, AT_RECURSIVE, CLONE, MNT_DETACH, MS, O, OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE, openHow, overlayOptions, resolution, rightsMessage, type Op, type Step } from '../../kernel/index.ts';
import type { Mount } from '../../spec/oci/runtime.ts';
import { slots, type LentMount, type Root } from './setting.ts';

const AT_FDCWD = -100;

/** What is done while both are seen, host and new root: sources of mounts are taken hold of. */
export function rootSteps(root: Root, whileHostIsSeen: readonly Op[], spread = privateRoot): readonly Step[] {
  return [...spread.before, ...rootMount(root), ...whileHostIsSeen, ...pivotSteps(root), ...spread.after];
}

/** How mounts spread between host and container, on the way and afterwards. */
interface Spread {
  readonly before: readonly Op[];
  readonly after: readonly Op[];
}

const privateRoot: Spread = {
  before: [
    { call: 'mount', args: [0, '/', 0, MS.SLAVE | MS.REC, 0], why: 'mounts made here do not spread to the host' },
    { call: 'mount', args: [0, '/', 0, MS.PRIVATE | MS.REC, 0], why: 'nor do the host\'s spread into the container from now on' },
  ],
  after: [],
};

/**
 * The specification's rootfsPropagation. Without one the host's mounts reach the binds that do not say otherwise. A shared root stays in its
 * group, but pivot_root wants the mount that it lies in to be private.
 */
export function spreadOf(propagation: string | undefined, root: Root): Spread {
  const name = propagation === undefined || propagation === '' ? undefined : propagation.replace(/^r/, '');
  if (name === 'private') return { before: privateRoot.before, after: afterwards(MS.PRIVATE) };
  if (name !== 'shared') return { before: [privateRoot.before[0]!], after: name === undefined ? [] : afterwards(name === 'slave' ? MS.SLAVE : MS.UNBINDABLE) };
  if (root.kind !== 'directory' || root.mountPoint === undefined) throw new Error('A shared root needs to know the mount that it lies in');
  return {
    before: [{ call: 'mount', args: [0, root.mountPoint, 0, MS.PRIVATE, 0], why: 'the mount that the root lies in, for pivot_root' }],
    after: afterwards(MS.SHARED),
  };
}

const afterwards = (flag: number): readonly Op[] => [{ call: 'mount', args: [0, '/', 0, flag | MS.REC, 0], why: 'how the container\'s mounts spread' }];

export function rootMount(root: Root): readonly Op[] {
  if (root.kind === 'directory') return [{ call: 'mount', args: [root.path, root.path, 0, MS.BIND | MS.REC, 0], why: 'pivot_root wants a mount point' }];
  return [
    { call: 'chdir', args: [root.layersDir], why: 'lower directories are named from here' },
    { call: 'mount', args: ['overlay', root.mergedDir, 'overlay', 0, overlayOptions(root)], why: 'the image\'s layers below, the container\'s own changes on top' },
    ...(root.sends === undefined ? [] : sentMounts(root.sends === 'root' ? root.mergedDir : '/proc/self/ns/mnt', root.sends === 'root' ? O.PATH | O.DIRECTORY : O.RDONLY)),
  ];
}

function sentMounts(path: string, flags: number): readonly Op[] {
  return [
    { call: 'openat', args: [AT_FDCWD, path, flags | O.CLOEXEC, 0], label: 'mounts', why: 'the mounts, by a descriptor' },
    { call: 'dup3', args: [{ resultOf: 'mounts' }, { slot: slots.rootPlace }, O.CLOEXEC], why: 'under the number that the message names' },
    { call: 'sendmsg', args: [{ slot: slots.rootSocket }, rightsMessage({ slot: slots.rootMessage }), 0], why: 'which the supervisor holds: so the end of the container waits neither for the disk nor for its mounts to go' },
  ];
}

/** Takes hold of a bind's source while the host can still be seen; it is put into place after the pivot. */
export function bindSource(mount: Mount, name: string): Op {
  const recursive = mount.options?.includes('rbind') === true ? AT_RECURSIVE : 0;
  return { call: 'open_tree', args: [AT_FDCWD, mount.source ?? '', OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive], label: `source of ${name}`, why: 'a host file or directory for the container' };
}

/**
 * Takes hold of another container's mount: a mount can be copied only by who is in its namespace. Whoever is there sees that container's files, which
 * may be laid out by strangers: no link is followed.
 */
export function lentSource({ destination, namespace }: LentMount): readonly Op[] {
  const [own, lender, there] = [`own ${destination}`, `lender of ${destination}`, `lent ${destination}`];
  return [
    { call: 'openat', args: [AT_FDCWD, '/proc/self/ns/mnt', O.CLOEXEC, 0], label: own, why: 'the way back' },
    { call: 'openat', args: [AT_FDCWD, namespace, O.CLOEXEC, 0], label: lender, why: 'the mounts of the container that lends' },
    { call: 'setns', args: [{ resultOf: lender }, CLONE.NEWNS], why: 'among which it is for a moment' },
    { call: 'openat2', args: [AT_FDCWD, destination, openHow(O.PATH | O.DIRECTORY | O.CLOEXEC, 0, resolution.plainAnywhere), 24], label: there, why: `${destination} there, whatever links it has` },
    { call: 'open_tree', args: [{ resultOf: there }, '', OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH], label: `source of ${destination}`, why: 'a copy of that mount' },
    { call: 'setns', args: [{ resultOf: own }, CLONE.NEWNS], why: 'and back' },
  ];
}

export function pivotSteps(root: Root): readonly Op[] {
  const newRoot = root.kind === 'overlay' ? root.mergedDir : root.path;
  if (root.kind === 'directory' && root.withoutPivot === true) {
    return [
      { call: 'chdir', args: [newRoot], why: 'the new root' },
      { call: 'mount', args: ['.', '/', 0, MS.MOVE, 0], why: 'over the host\'s' },
      { call: 'chroot', args: ['.'], why: 'and that is all that can be seen' },
      { call: 'chdir', args: ['/'] },
    ];
  }
  return [
    { call: 'chdir', args: [newRoot], why: 'the new root' },
    { call: 'pivot_root', args: ['.', '.'], why: 'the new root becomes "/", the host\'s is stacked on it' },
    { call: 'umount2', args: ['.', MNT_DETACH], why: 'the host\'s file system is gone from here on' },
    { call: 'chdir', args: ['/'], why: 'and so is every path to it' },
  ];
}
