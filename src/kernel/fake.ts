// A kernel for tests: records the calls that are made, and can fail the nth call of a name.
//   using kernel = recordKernel(); kernel.failNth('mkdirat', 2, 'ENOSPC'); … kernel.calls
import { constants } from 'node:os';
import { setInterceptor, type CallArgument } from './call.ts';
import type { SyscallName } from './syscalls.ts';

export interface RecordedKernel extends Disposable {
  readonly calls: readonly { readonly name: SyscallName; readonly args: readonly CallArgument[] }[];
  /** The nth (from 1) call of `name` from now on fails with `code`. */
  failNth(name: SyscallName, nth: number, code: keyof typeof constants.errno): void;
  /** Answers every call of `name` with `answer` instead of making it. */
  answer(name: SyscallName, answer: (args: readonly CallArgument[]) => number): void;
}

/** Watches every system call of this thread until it is disposed; calls go through to the kernel unless told otherwise. */
export function recordKernel(): RecordedKernel {
  const calls: { name: SyscallName; args: readonly CallArgument[] }[] = [];
  const failures = new Map<SyscallName, { left: number; errno: number }>();
  const answers = new Map<SyscallName, (args: readonly CallArgument[]) => number>();
  setInterceptor((name, args) => {
    calls.push({ name, args });
    const failure = failures.get(name);
    if (failure !== undefined && --failure.left === 0) return -failure.errno;
    return answers.get(name)?.(args);
  });
  return {
    calls,
    failNth: (name, nth, code) => void failures.set(name, { left: nth, errno: constants.errno[code] }),
    answer: (name, answer) => void answers.set(name, answer),
    [Symbol.dispose]: () => setInterceptor(undefined),
  };
}
