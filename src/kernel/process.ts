// Processes by pidfd: a handle that can never mean another process, unlike a pid.
// Source: pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2), waitid(2), linux/pidfd.h.
import { constants } from 'node:os';
import { call, tryCall } from './call.ts';
import { Fd, fdNumber } from './fd.ts';

const P_ALL = 0;
const P_PID = 1;
const P_PIDFD = 3;
const WNOHANG = 1;
const WEXITED = 4;
const WNOWAIT = 0x01000000;
const PR_SET_CHILD_SUBREAPER = 36;
const PIDFD_GET_INFO = 0xc040ff0b;
const PIDFD_INFO_EXIT = 1n << 3n;
const ESRCH = 3;

/** How a process ended: `code` 0–255 is its own, 128 + n when signal n ended it. */
export interface ExitStatus {
  readonly code: number;
}

/** @throws KernelError ESRCH when there is no such process (any more). */
export function openPidfd(pid: number): Fd {
  return new Fd(call('pidfd_open', pid, 0));
}

/** False when the process is gone already. @throws KernelError for anything else. */
export function sendSignal(pidfd: number | Fd, signal: number): boolean {
  const result = tryCall('pidfd_send_signal', fdNumber(pidfd), signal, 0, 0);
  if (result === -ESRCH) return false;
  if (result < 0) call('pidfd_send_signal', fdNumber(pidfd), signal, 0, 0);
  return true;
}

/** Reaps our own child if it has ended; undefined while it runs. @throws KernelError ECHILD when it is not ours. */
export function reap(pidfd: number | Fd): ExitStatus | undefined {
  const info = new Uint8Array(128);
  call('waitid', P_PIDFD, fdNumber(pidfd), info, WNOHANG | WEXITED, 0);
  const view = new DataView(info.buffer);
  if (view.getInt32(16, true) === 0) return undefined;
  return exitStatusOf(view.getInt32(8, true), view.getInt32(24, true));
}

/** From now on the orphans among our descendants become our children, as they would become process 1's. Source: PR_SET_CHILD_SUBREAPER(2const). */
export function adoptOrphans(): void {
  call('prctl', PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

/** A child of ours that has ended and was not reaped; undefined when there is none. */
export function endedChild(): number | undefined {
  const info = new Uint8Array(128);
  if (tryCall('waitid', P_ALL, 0, info, WNOHANG | WEXITED | WNOWAIT, 0) < 0) return undefined;
  const pid = new DataView(info.buffer).getInt32(16, true);
  return pid === 0 ? undefined : pid;
}

/** Reaps a child that endedChild has found. */
export function reapChild(pid: number): void {
  call('waitid', P_PID, pid, 0, WNOHANG | WEXITED, 0);
}

/** Whether we are the parent who reaps it. */
export function isOurChild(pidfd: Fd): boolean {
  return tryCall('waitid', P_PIDFD, pidfd.number, new Uint8Array(128), WNOHANG | WEXITED | WNOWAIT, 0) >= 0;
}

const CLD_EXITED = 1;

function exitStatusOf(code: number, status: number): ExitStatus {
  return { code: code === CLD_EXITED ? status & 0xff : 128 + (status & 0x7f) };
}

/**
 * The exit status of any process, our child or not, that was reaped by whoever was its parent: Linux 6.15 keeps it for holders of a pidfd.
 * Undefined when the kernel does not tell (older, or not reaped yet).
 */
export function exitStatusOfStranger(pidfd: number | Fd): ExitStatus | undefined {
  const info = new Uint8Array(64);
  const view = new DataView(info.buffer);
  view.setBigUint64(0, PIDFD_INFO_EXIT, true);
  if (tryCall('ioctl', fdNumber(pidfd), PIDFD_GET_INFO, info) < 0) return undefined;
  if ((view.getBigUint64(0, true) & PIDFD_INFO_EXIT) === 0n) return undefined;
  const status = view.getInt32(60, true);
  return { code: (status & 0x7f) === 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f) };
}

/** A copy of another process's descriptor (close-on-exec). Needs the rights of ptrace on it. @throws KernelError */
export function borrowFd(pidfd: number | Fd, theirNumber: number): Fd {
  return new Fd(call('pidfd_getfd', fdNumber(pidfd), theirNumber, 0));
}

/**
 * `KILL`, `SIGKILL`, `9`, `RTMIN+3` → 9; undefined for what is no signal. Docker's rule: names with or without SIG, any case.
 */
export function signalNumber(text: string): number | undefined {
  if (/^\d+$/.test(text)) {
    const value = Number(text);
    return value >= 1 && value <= 64 ? value : undefined;
  }
  const name = text.toUpperCase().replace(/^SIG/, '');
  const realtime = /^RT(MIN|MAX)(?:([+-])(\d+))?$/.exec(name);
  if (realtime !== null) {
    const value = (realtime[1] === 'MIN' ? 34 : 64) + (realtime[2] === '-' ? -1 : 1) * Number(realtime[3] ?? 0);
    return value >= 34 && value <= 64 ? value : undefined;
  }
  return (constants.signals as Record<string, number>)[`SIG${name}`];
}
