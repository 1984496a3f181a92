// What a container does just now, found out anew at every call: nobody stays to keep a record.
import { openGroups } from './cgroup.ts';
import { isAlive } from './process.ts';
import type { StateDirectory, StateRecord, Status } from './state.ts';

export function statusOf(states: StateDirectory, record: StateRecord): Status {
  if (!isAlive(record)) return 'stopped';
  if (states.isWaiting(record.id)) return 'created';
  using cgroups = openGroups();
  return cgroups.isFrozen(record.cgroupPath) ? 'paused' : 'running';
}
