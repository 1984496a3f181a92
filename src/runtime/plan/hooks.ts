// Hooks that run inside the container: the process on its way makes a child for each, which reads the container's state from its standard input,
// and goes on when that child has ended well. Everybody's signals are blocked on the way, so SIGCHLD can be waited for, with a limit of time.
//
// The stub cannot look at a number in memory, but the kernel can: futex(2), asked to move waiters "if the word is 0", fails with EAGAIN if not.
import { type Argument, type Op, type Step } from '../../kernel/index.ts';
import type { Hook, HookPhase } from '../../spec/oci/runtime.ts';
import { jump } from './jump.ts';
import { slots } from './setting.ts';

const SIGCHLD = 17;
const SIGKILL = 9;
const SIG_BLOCK = 0;
const SIG_SETMASK = 2;
const FUTEX_CMP_REQUEUE_PRIVATE = 4 | 128;

const onlySigchld = new Uint8Array(8);
new DataView(onlySigchld.buffer).setUint32(0, 1 << (SIGCHLD - 1), true);

export function hookSteps(phase: HookPhase, hooks: readonly Hook[]): readonly Step[] {
  if (hooks.length === 0) return [];
  return [
    { call: 'rt_sigprocmask', args: [SIG_BLOCK, onlySigchld, { space: 'hookMask', sizeBytes: 8 }, 8], why: 'the end of a hook is waited for, not missed' },
    ...hooks.flatMap((hook, index) => oneHook(`${phase} hook ${index}`, hook)),
    { call: 'rt_sigprocmask', args: [SIG_SETMASK, { space: 'hookMask', sizeBytes: 8 }, 0, 8], why: 'signals as before' },
  ];
}

function oneHook(label: string, hook: Hook): readonly Step[] {
  const name = `${label} ("${hook.path}")`;
  return [
    { call: 'lseek', args: [{ slot: slots.hookState }, 0, 0], why: `${name} reads the state from its beginning` },
    { call: 'clone', args: [SIGCHLD, 0, 0, 0, 0], label, onPositive: { goto: `${label} runs` }, why: name },
    { call: 'dup3', args: [{ slot: slots.hookState }, 0, 0], why: 'the container\'s state as its input' },
    { call: 'rt_sigprocmask', args: [SIG_SETMASK, new Uint8Array(8), 0, 8], why: 'no signal blocked' },
    { call: 'execve', args: [hook.path, { strings: hook.args ?? [hook.path] }, { strings: hook.env ?? [] }], why: name },
    { call: 'rt_sigtimedwait', args: [onlySigchld, 0, timeout(hook), 8], label: `${label} runs`, onError: { goto: `${label} is late` }, why: hook.timeout === undefined ? 'until it ends' : `until it ends, ${hook.timeout} s at most` },
    { call: 'wait4', args: [{ resultOf: label }, { space: 'hookStatus', sizeBytes: 64 }, 0, 0], why: 'how it ended' },
    { ...isZero(), why: `${name} must end with 0` },
    jump(`${label} done`),
    { call: 'kill', args: [{ resultOf: label }, SIGKILL], label: `${label} is late`, onError: 'ignore', why: `${name} had its time` },
    { call: 'rt_sigtimedwait', args: [onlySigchld, 0, new Uint8Array(16), 0], why: `${name} must end within ${hook.timeout ?? 0} s` },
    { label: `${label} done` },
  ];
}

/** `struct timespec`; without a limit the address 0. */
function timeout({ timeout: seconds }: Hook): Argument {
  if (seconds === undefined) return 0;
  const time = new Uint8Array(16);
  new DataView(time.buffer).setBigInt64(0, BigInt(seconds), true);
  return time;
}

function isZero(): Op {
  const status: Argument = { space: 'hookStatus', sizeBytes: 64 };
  return { call: 'futex', args: [status, FUTEX_CMP_REQUEUE_PRIVATE, 0, 0, { ...status, offset: 8 }, 0] };
}
