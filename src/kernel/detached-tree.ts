// A root file system that nobody sees: mounts gathered under one descriptor, in no mount namespace. Paths are opened against the descriptor; when
// it is closed (or its process dies) all of it is unmounted.
//
// Mounting an overlay, and taking hold of a mount in a container's namespace, needs a namespace to do it in, and a JavaScript thread must not change
// its own. So a child of a few system calls does it: it shares our memory and our descriptors, works in a mount namespace of its own, leaves the
// descriptor in our table and ends. We stand still meanwhile (CLONE_VFORK), for less than a millisecond.
// Source: open_tree(2), move_mount(2), mount_setattr(2), clone(2).
import { Arena } from './arena.ts';
import { call } from './call.ts';
import { CLONE, cloneArguments } from './clone.ts';
import { KernelError } from './error.ts';
import { AT_FDCWD, Fd, O } from './fd.ts';
import { AT_EMPTY_PATH, AT_RECURSIVE, attributesOf, mountAttributes, MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_EMPTY_PATH, MS, OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE } from './mount.ts';
import { openHow, resolution } from './path.ts';
import { assemble, type Argument, type Op, type Step } from './program.ts';
import { hostArchitecture } from './stub.ts';

const P_PIDFD = 3;
const WEXITED = 4;
const SIG_SETMASK = 2;
const stackBytes = 16 * 1024;
const allSignals = new Uint8Array(8).fill(0xff);

export type TreeRoot =
  /** An overlay made for this tree. `options` as mount(2) takes them; relative directories are looked up from `workingDir`. */
  | { readonly kind: 'overlay'; readonly options: string; readonly workingDir: string }
  /** A file system in memory that is never swapped out, with one empty file of this name. */
  | { readonly kind: 'memory'; readonly file: string }
  /** The root mount of the namespace in which the process behind `pidfd` is; nothing that is mounted upon it. */
  | { readonly kind: 'process'; readonly pidfd: number };

/** What lies upon a path of the tree: something of the host, or a mount that is held (and is this tree's from then on). */
export interface TreePart {
  readonly source: string | Fd;
  /** Relative to the tree's root. */
  readonly target: string;
  /** With what is mounted below the source. */
  readonly isRecursive?: boolean;
  readonly readOnly?: boolean;
  /** What is made where the tree has nothing at `target` and can be written. Absent: nothing. */
  readonly makes?: 'directory' | 'file';
}

export interface TreeOptions {
  /** An empty directory to mount upon; nobody else ever sees it mounted. */
  readonly mountPoint: string;
  /** In order. One whose path is missing in the tree is left out. */
  readonly parts?: readonly TreePart[];
  /** Only what is at this path of the tree, which links lead to as long as they stay in it. '' is all of it. */
  readonly subpath?: string;
}

/** Devices cannot be opened through it, whoever put them there. @throws KernelError of the call that failed; ESRCH for a process that is gone. */
export function detachedTree(root: TreeRoot, { mountPoint, parts = [], subpath = '' }: TreeOptions): Fd {
  const image = assemble(frame([...rootSteps(root, mountPoint), ...parts.flatMap((part) => partSteps(mountPoint, part)), ...viewSteps(mountPoint, subpath)]), hostArchitecture());
  using arena = Arena.load(image);
  for (const [name, at] of image.slots) arena.setWord64(at, name === 'init' && root.kind === 'process' ? root.pidfd : -1);
  arena.run();
  const results = image.ops.map((op, i) => ({ op, result: arena.result(i) }));
  const failed = results.find(({ op, result }) => op.onError === undefined && result < 0) ?? results.find(({ op, result }) => op.label === 'clone' && result < 0);
  if (failed === undefined || failed.op.label !== 'clone') endOf(arena.int32(image.spaces.get('pidfd')!));
  if (failed !== undefined) {
    closeLeft(results);
    throw new KernelError(failed.op.call, failed.op.args.filter((argument): argument is string => typeof argument === 'string' && argument !== '').join(' '), -failed.result);
  }
  return new Fd(results.find(({ op }) => op.label === 'view')!.result);
}

/** A directory of the host as a mount of its own, through which no device can be opened. */
export function detachedDirectory(path: string): Fd {
  const tree = new Fd(call('open_tree', AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  try {
    call('mount_setattr', tree.number, '', AT_EMPTY_PATH, mountAttributes(closedToDevices), 32);
    return tree;
  } catch (error) {
    tree[Symbol.dispose]();
    throw error;
  }
}

const S_IFREG = 0o100000;
const readOnlyBits = attributesOf({ flags: MS.RDONLY, cleared: 0 })?.set ?? 0;
const closedToDevices = attributesOf({ flags: MS.NODEV | MS.NOSUID | MS.NOEXEC, cleared: 0 })?.set ?? 0;

function frame(child: readonly Step[]): readonly Step[] {
  // Sums and not |: bits above 31 are among them.
  const flags = CLONE.VM + CLONE.VFORK + CLONE.FILES + CLONE.NEWNS + CLONE.PIDFD + CLONE.PARENT_SETTID;
  return [
    { call: 'rt_sigprocmask', args: [SIG_SETMASK, allSignals, { space: 'signalMask', sizeBytes: 8 }, 8], why: 'no signal handler of ours may run in the child', onError: 'ignore' },
    {
      call: 'clone3', label: 'clone', onError: { goto: 'parent' }, onPositive: { goto: 'parent' }, why: 'a process with a mount namespace of its own',
      args: [cloneArguments({ flags, pidfd: { space: 'pidfd', sizeBytes: 8 }, pid: { space: 'pid', sizeBytes: 8 }, stack: { space: 'stack', sizeBytes: stackBytes }, stackBytes }), 88],
    },
    ...child,
    { call: 'exit_group', args: [0], why: 'its work is done' },
    { label: 'parent' },
    { call: 'rt_sigprocmask', args: [SIG_SETMASK, { space: 'signalMask', sizeBytes: 8 }, 0, 8], why: 'signals as before', onError: 'ignore' },
  ];
}

function rootSteps(root: TreeRoot, mountPoint: string): readonly Op[] {
  const alone: Op = { call: 'mount', args: [0, '/', 0, MS.PRIVATE | MS.REC, 0], why: 'what is mounted here stays here' };
  if (root.kind === 'overlay') {
    return [
      alone,
      { call: 'chdir', args: [root.workingDir], why: 'lower directories are named from here' },
      { call: 'mount', args: ['overlay', mountPoint, 'overlay', 0, root.options], why: 'the layers as one tree' },
    ];
  }
  if (root.kind === 'memory') {
    return [
      alone,
      { call: 'mount', args: ['ramfs', mountPoint, 'ramfs', 0, 'mode=700'], why: 'memory, without a place on any disk' },
      { call: 'mknodat', args: [AT_FDCWD, `${mountPoint}/${root.file}`, S_IFREG | 0o600, 0] },
    ];
  }
  return [
    alone,
    { call: 'openat', args: [AT_FDCWD, '/proc/self/ns/mnt', O.CLOEXEC, 0], label: 'own', why: 'the way back' },
    { call: 'setns', args: [{ slot: 'init' }, CLONE.NEWNS], why: 'into the container\'s mounts' },
    { call: 'open_tree', args: [AT_FDCWD, '/', OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC], label: 'root', why: 'its root, without what is mounted in it' },
    { call: 'setns', args: [{ resultOf: 'own' }, CLONE.NEWNS], why: 'and back' },
    { call: 'move_mount', args: [{ resultOf: 'root' }, '', AT_FDCWD, mountPoint, MOVE_MOUNT_F_EMPTY_PATH], why: 'into this namespace' },
    close('root'), close('own'),
  ];
}

function partSteps(mountPoint: string, part: TreePart): readonly Op[] {
  const { source, target } = part;
  const at = (what: string): string => `${what} ${target}`;
  const held: Argument = typeof source === 'string' ? { resultOf: at('source') } : source.number;
  return [
    { call: 'openat', args: [AT_FDCWD, mountPoint, O.PATH | O.CLOEXEC, 0], label: at('top'), why: 'the tree as it is by now' },
    ...(part.makes === undefined ? [] : placeSteps(at('top'), target, part.makes)),
    ...(typeof source === 'string' ? [{ call: 'open_tree', args: [AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (part.isRecursive === true ? AT_RECURSIVE : 0)], label: at('source'), onError: 'ignore' } satisfies Op] : []),
    ...(part.readOnly === true ? [{ call: 'mount_setattr', args: [held, '', AT_EMPTY_PATH | AT_RECURSIVE, mountAttributes(readOnlyBits), 32], onError: 'ignore' } satisfies Op] : []),
    openInside(at('top'), target, at('target')),
    { call: 'move_mount', args: [held, '', { resultOf: at('target') }, '', MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH], onError: 'ignore' },
    ...['top', ...(typeof source === 'string' ? ['source'] : []), 'target'].map((what): Op => ({ ...close(at(what)), onError: 'ignore' })),
  ];
}

/** Each part of the way is opened within the tree before the next is made in it: a link of the tree leads nowhere else. */
function placeSteps(top: string, target: string, kind: 'directory' | 'file'): readonly Op[] {
  const names = target.split('/');
  return names.flatMap((name, i): readonly Op[] => {
    const parent = `parent ${i} of ${target}`;
    const make: Op = i < names.length - 1 || kind === 'directory'
      ? { call: 'mkdirat', args: [{ resultOf: parent }, name, 0o755], onError: 'ignore' }
      : { call: 'mknodat', args: [{ resultOf: parent }, name, S_IFREG | 0o644, 0], onError: 'ignore' };
    return [openInside(top, ['.', ...names.slice(0, i)].join('/'), parent), make, { ...close(parent), onError: 'ignore' }];
  });
}

function openInside(top: string, path: string, label: string): Op {
  const how = openHow(O.PATH | O.CLOEXEC, 0, resolution.inside);
  return { call: 'openat2', args: [{ resultOf: top }, path, how, how.length], label, onError: 'ignore', why: 'wherever a link of the tree leads, within the tree' };
}

function viewSteps(mountPoint: string, subpath: string): readonly Op[] {
  const how = openHow(O.PATH | O.CLOEXEC, 0, resolution.beneath);
  return [
    { call: 'openat', args: [AT_FDCWD, mountPoint, O.PATH | O.CLOEXEC, 0], label: 'whole' },
    ...(subpath === '' ? [] : [{ call: 'openat2', args: [{ resultOf: 'whole' }, subpath, how, how.length], label: 'part' } satisfies Op]),
    { call: 'open_tree', args: [{ resultOf: subpath === '' ? 'whole' : 'part' }, '', OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE], label: 'view', why: 'all of it, apart from any namespace' },
    ...['whole', ...(subpath === '' ? [] : ['part'])].map(close),
    { call: 'mount_setattr', args: [{ resultOf: 'view' }, '', AT_EMPTY_PATH | AT_RECURSIVE, mountAttributes(closedToDevices), 32], why: 'no device is opened by accident' },
  ];
}

function close(label: string): Op {
  return { call: 'close', args: [{ resultOf: label } satisfies Argument] };
}

/** It has ended: reaps it. */
function endOf(pidfdNumber: number): void {
  using pidfd = new Fd(pidfdNumber);
  call('waitid', P_PIDFD, pidfd.number, 0, WEXITED, 0);
}

/** Descriptors that a child that failed left in our table. */
function closeLeft(results: readonly { readonly op: Op; readonly result: number }[]): void {
  const closed = new Set(results.flatMap(({ op, result }) => {
    const [argument] = op.args;
    return op.call === 'close' && result === 0 && typeof argument === 'object' && 'resultOf' in argument ? [argument.resultOf] : [];
  }));
  for (const { op, result } of results) if (op.label !== undefined && op.label !== 'clone' && result > 0 && !closed.has(op.label)) new Fd(result)[Symbol.dispose]();
}
