// A container's first process, as it is known by pid: whether it still is that process, and in which state.
import { readFileSync } from 'node:fs';
import { isKernelError, openPidfd, type Fd } from '../kernel/index.ts';

/** State letter and beginning; undefined when there is no such process. Source: proc_pid_stat(5). */
export function lookAt(pid: number): { readonly letter: string; readonly began: string } | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // The program's name stands in parentheses and may hold anything.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { letter: fields[0]!, began: fields[19]! };
}

/** Alive, and the same process; a zombie is not alive. */
export function isAlive({ pid, pidBegan }: { readonly pid: number; readonly pidBegan: string }): boolean {
  const found = lookAt(pid);
  return found !== undefined && found.began === pidBegan && found.letter !== 'Z' && found.letter !== 'X';
}

/** A handle on it; undefined when it is gone. What is opened first and looked at then cannot be another. */
export function hold(process: { readonly pid: number; readonly pidBegan: string }): Fd | undefined {
  try {
    const pidfd = openPidfd(process.pid);
    if (isAlive(process)) return pidfd;
    pidfd[Symbol.dispose]();
    return undefined;
  } catch (error) {
    if (isKernelError(error, 'ESRCH')) return undefined;
    throw error;
  }
}
