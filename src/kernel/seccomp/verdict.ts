// What a seccomp filter returns: an action in the upper 16 bits and its data in the lower (linux/seccomp.h, SECCOMP_RET_*).
import type { SeccompAction } from '../../spec/oci/runtime.ts';

/** A 32-bit unsigned number. */
export type Verdict = number;

export const verdict = {
  killProcess: 0x8000_0000,
  killThread: 0x0000_0000,
  trap: 0x0003_0000,
  errno: 0x0005_0000,
  notify: 0x7fc0_0000,
  trace: 0x7ff0_0000,
  log: 0x7ffc_0000,
  allow: 0x7fff_0000,
} as const;

const errnoDefault = 1; // EPERM

export function errnoVerdict(errno: number): Verdict {
  return verdict.errno | errno;
}

const byAction: Readonly<Record<SeccompAction, Verdict>> = {
  SCMP_ACT_ALLOW: verdict.allow,
  SCMP_ACT_ERRNO: verdict.errno,
  SCMP_ACT_KILL: verdict.killThread,
  SCMP_ACT_KILL_THREAD: verdict.killThread,
  SCMP_ACT_KILL_PROCESS: verdict.killProcess,
  SCMP_ACT_TRAP: verdict.trap,
  SCMP_ACT_TRACE: verdict.trace,
  SCMP_ACT_LOG: verdict.log,
  SCMP_ACT_NOTIFY: verdict.notify,
};

/** `data` is the errno of SCMP_ACT_ERRNO and the message of SCMP_ACT_TRACE; other actions have none. */
export function verdictOf(action: SeccompAction, data = errnoDefault): Verdict {
  const hasData = action === 'SCMP_ACT_ERRNO' || action === 'SCMP_ACT_TRACE';
  return hasData ? byAction[action] | (data & 0xffff) : byAction[action];
}

/** In words, for people: `allow`, `errno 1`, `kill thread`. */
export function describeVerdict(value: Verdict): string {
  const data = value & 0xffff;
  switch ((value & 0xffff_0000) >>> 0) {
    case verdict.killProcess: return 'kill process';
    case verdict.killThread: return 'kill thread';
    case verdict.trap: return 'trap';
    case verdict.errno: return `errno ${data}`;
    case verdict.notify: return 'ask the agent';
    case verdict.trace: return `trace ${data}`;
    case verdict.log: return 'log';
    case verdict.allow: return 'allow';
    default: return `unknown 0x${value.toString(16)}`;
  }
}
