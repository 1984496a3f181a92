// kill, delete, pause, resume: the verbs on a container that exists.
import { fail } from '../base/index.ts';
import { sendSignal, signalNumber, tryCall } from '../kernel/index.ts';
import { openGroups } from './cgroup.ts';
import { runHooks } from './hooks.ts';
import type { Log } from './log.ts';
import { hold, isAlive } from './process.ts';
import type { StateDirectory, StateRecord } from './state.ts';
import { statusOf } from './status.ts';

const SIGKILL = 9;
/** How long `delete --force` waits for the killed to be gone. */
const endMsMax = 10_000;
const pollMs = 10;

/** `all`: every process of the cgroup, not only the first. @throws EstivaError `conflict` when it does not run */
export function kill(record: StateRecord, signal: string, all: boolean): void {
  const number = signalNumber(signal);
  if (number === undefined) throw fail('invalid', `unknown signal ${JSON.stringify(signal)}`);
  if (all) return killAll(record, number);
  using pidfd = hold(record);
  if (pidfd === undefined || !sendSignal(pidfd, number)) throw fail('conflict', 'container not running');
  // Frozen processes take a signal when they are thawed; the last one shall not wait for that.
  if (number === SIGKILL) thaw(record);
}

function killAll(record: StateRecord, number: number): void {
  using cgroups = openGroups();
  if (number === SIGKILL) return cgroups.killAll(record.cgroupPath);
  for (const pid of cgroups.pids(record.cgroupPath)) tryCall('kill', pid, number);
}

function thaw(record: StateRecord): void {
  using cgroups = openGroups();
  if (cgroups.isFrozen(record.cgroupPath)) cgroups.thaw(record.cgroupPath);
}

/** Everything of it goes. @throws EstivaError `conflict` for one that is not stopped, unless forced */
export async function remove(states: StateDirectory, record: StateRecord, force: boolean, log: Log): Promise<void> {
  const status = statusOf(states, record);
  if (status !== 'stopped') {
    // What has not been started may be removed: nothing of it has run.
    if (!force && status !== 'created') throw fail('conflict', `cannot delete container ${record.id} that is not stopped: ${status}`);
    await end(record);
  }
  using cgroups = openGroups();
  cgroups.killAll(record.cgroupPath);
  await cgroups.remove(record.cgroupPath);
  const { hooks, annotations } = states.spec(record.id);
  states.remove(record.id);
  for (const hook of hooks?.poststop ?? []) {
    try {
      await runHooks({ poststop: [hook] }, 'poststop', { ociVersion: record.ociVersion, id: record.id, status: 'stopped', bundle: record.bundle, annotations });
    } catch (error) {
      log.warn(error instanceof Error ? error.message : String(error));
    }
  }
}

async function end(record: StateRecord): Promise<void> {
  using pidfd = hold(record);
  if (pidfd === undefined) return;
  sendSignal(pidfd, SIGKILL);
  thaw(record);
  for (let waitedMs = 0; isAlive(record); waitedMs += pollMs) {
    if (waitedMs > endMsMax) throw fail('timeout', `container ${record.id} does not end: process ${record.pid} waits inside the kernel`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

export async function pause(states: StateDirectory, record: StateRecord): Promise<void> {
  const status = statusOf(states, record);
  if (status !== 'running' && status !== 'created') throw fail('conflict', `container not running: it is ${status}`);
  using cgroups = openGroups();
  await cgroups.freeze(record.cgroupPath);
}

export function resume(states: StateDirectory, record: StateRecord): void {
  if (statusOf(states, record) !== 'paused') throw fail('conflict', 'container not paused');
  using cgroups = openGroups();
  cgroups.thaw(record.cgroupPath);
}
