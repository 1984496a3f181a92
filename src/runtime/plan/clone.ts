// The frame of every launch: our side of clone3, and the new process's first breath.
import { CLONE, cloneArguments, type Argument, type Op, type Step } from '../../kernel/index.ts';
import { slots, spaces } from './setting.ts';

const SIG_SETMASK = 2;
const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;
/** The stub needs a few words; the kernel's own work is on the kernel's stack. */
const stackBytes = 16 * 1024;
const allSignals = new Uint8Array(8).fill(0xff);

/**
 * Wraps the steps of a child in what its parent does. With `shareMemory` (the rule) the child runs in our memory until its execve, so that the
 * clone costs the same at any size of ours; without, it gets a copy: slower, for a child that others in its pid namespace could trace.
 */
export function cloneFrame(child: readonly Step[], options: { readonly flags: number; readonly before?: readonly Op[]; readonly after?: readonly Op[]; readonly shareMemory: boolean }): readonly Step[] {
  const flags = options.flags + CLONE.PIDFD + CLONE.PARENT_SETTID + CLONE.CLEAR_SIGHAND + (options.shareMemory ? CLONE.VM : 0);
  return [
    { call: 'rt_sigprocmask', args: [SIG_SETMASK, allSignals, { space: 'signalMask', sizeBytes: 8 }, 8], why: 'no signal handler of ours may run in the child', onError: 'ignore' },
    ...(options.before ?? []),
    {
      call: 'clone3',
      args: [cloneArguments({ flags, pidfd: { space: spaces.pidfd, sizeBytes: 8 }, pid: { space: spaces.pid, sizeBytes: 8 }, stack: { space: 'stack', sizeBytes: stackBytes }, stackBytes }), 88],
      why: 'the new process, in its new namespaces', label: 'clone', onError: { goto: 'parent' }, onPositive: { goto: 'parent' },
    },
    { call: 'prctl', args: [PR_SET_PDEATHSIG, SIGKILL], why: 'a half-made container does not outlive its maker' },
    ...child,
    { label: 'parent' },
    ...(options.after ?? []),
    { call: 'rt_sigprocmask', args: [SIG_SETMASK, { space: 'signalMask', sizeBytes: 8 }, 0, 8], why: 'signals as before', onError: 'ignore' },
  ];
}

/** What surrounds a clone whose child is to be born in the pid namespace behind `target` (a namespace or a pidfd): ours is changed for children, and changed back. */
export function bornInPidNamespace(target: Argument): { readonly before: readonly Op[]; readonly after: readonly Op[] } {
  return {
    before: [{ call: 'setns', args: [target, CLONE.NEWPID], why: 'children from here on are born in the container\'s pid namespace', label: 'enter', onError: { goto: 'parent' } }],
    after: [{ call: 'setns', args: [{ slot: slots.ownPidNamespace }, CLONE.NEWPID], why: 'and from here on in our own again', onError: 'ignore' }],
  };
}

/** As bornInPidNamespace, for a namespace that is named by its path. */
export function bornInPidNamespaceOf(path: string): { readonly before: readonly Op[]; readonly after: readonly Op[] } {
  const { before, after } = bornInPidNamespace({ resultOf: 'namespace pid' });
  const open: Op = { call: 'openat', args: [-100, path, 0o2000000, 0], label: 'namespace pid', onError: { goto: 'parent' }, why: 'an existing pid namespace' };
  return { before: [open, ...before], after: [...after, { call: 'close', args: [{ resultOf: 'namespace pid' }], onError: 'ignore' }] };
}

/**
 * The child leaves our memory for the capsule, with its standard streams, the descriptors that these slots name, and `preserved` more from 3 on.
 * (Node has marked all that it was started with to be closed.)
 */
export function handOver(handedOn: readonly string[], preserved: number): readonly Op[] {
  const F_SETFD = 2;
  const AT_EMPTY_PATH = 0x1000;
  const keep = (descriptor: Argument, why: string): Op => ({ call: 'fcntl', args: [descriptor, F_SETFD, 0], why });
  return [
    ...handedOn.map((slot) => keep({ slot }, `${slot} goes on into the capsule`)),
    ...Array.from({ length: 3 + preserved }, (_, fd) => keep(fd, 'from whoever called us')),
    { call: 'execveat', args: [{ slot: slots.capsule }, '', { strings: ['estiva'] }, { strings: [] }, AT_EMPTY_PATH], why: 'the capsule: what follows, without our memory' },
  ];
}
