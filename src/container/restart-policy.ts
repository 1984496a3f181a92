// Restart policies, as questions without side effects: whether a container is started again after its end, and when.
// Source of the rules and figures: Docker's documentation, and what dockerd 28.5 does.
import { fail } from '../base/index.ts';
import type { HostConfig } from '../spec/docker/container.ts';
import type { State } from './state.ts';

type Policy = HostConfig['RestartPolicy'];

const firstDelayMs = 100;
const delayMsMax = 60_000;
/** Whoever ran so long is not in a loop of failures: the next delay is the first again. */
const soundRunMs = 10_000;

const names = ['no', 'always', 'on-failure', 'unless-stopped'];

/** @throws `invalid` in dockerd's words. */
export function checkRestartPolicy({ Name, MaximumRetryCount: retries }: Policy): void {
  if (!names.includes(Name)) throw fail('invalid', `invalid restart policy: unknown policy '${Name.slice(0, 100)}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`);
  if (Name === 'on-failure' && retries < 0) throw fail('invalid', 'invalid restart policy: maximum retry count cannot be negative');
  if (Name !== 'on-failure' && retries !== 0) throw fail('invalid', `invalid restart policy: maximum retry count can only be used with 'on-failure'${retries < 0 ? ' and cannot be negative' : ''}`);
}

/** After its end, while the daemon is there (or the supervisor kept the end for the next one). */
export function restartsAfterExit({ Name, MaximumRetryCount: retries }: Policy, end: { readonly exitCode: number; readonly stopAsked: boolean; readonly restartCount: number }): boolean {
  if (end.stopAsked) return false;
  if (Name === 'on-failure') return end.exitCode !== 0 && (retries === 0 || end.restartCount < retries);
  return Name === 'always' || Name === 'unless-stopped';
}

/** When the daemon comes up (after a reboot, say) and finds it without a process. `always` means always, a stop before counts only for `unless-stopped`. */
export function restartsAtDaemonStart({ Name }: Policy, state: State): boolean {
  if (state.status === 'restarting') return true;
  return state.status === 'exited' && (Name === 'always' || (Name === 'unless-stopped' && state.stopAsked !== true));
}

/** Doubles from one failure to the next. `previousMs`: undefined at the first. */
export function restartDelayMs(previousMs: number | undefined, ranMs: number): number {
  return previousMs === undefined || ranMs >= soundRunMs ? firstDelayMs : Math.min(previousMs * 2, delayMsMax);
}
