// pause and unpause: the kernel freezes the container's cgroup, and thaws it.
import type { ContainerRecord } from './container.ts';
import { beginHealthChecks, endHealthChecks, unwatched } from './health/index.ts';
import { cgroupPathOf, taskOf, type Room } from './room.ts';
import { allow } from './state.ts';

/** Runs inside the container's queue. A kill waits for its end (`LiveTask.freezing`): a signal must not be frozen in. */
export async function pauseContainer(room: Room, record: ContainerRecord): Promise<void> {
  allow('pause', record);
  const task = taskOf(room, record.id);
  const freezing = room.cgroups.freeze(cgroupPathOf(record.id, record.hostConfig.CgroupParent));
  task.freezing = freezing.then(() => undefined, () => undefined);
  try {
    await freezing;
  } finally {
    task.freezing = undefined;
  }
  // It may have ended, or begun to end, before it stood still: then that counts.
  const state = allow('pause', room.shelf.get(record.id));
  endHealthChecks(room, record.id);
  const paused = room.shelf.change(record.id, (now) => ({ ...now, state: { ...state, status: 'paused' }, health: unwatched(now.health) }));
  room.tell({ kind: 'pause', container: paused });
}

/** Runs inside the container's queue. */
export async function unpauseContainer(room: Room, record: ContainerRecord): Promise<void> {
  allow('unpause', record);
  resume(room, record);
}

/** Lets a paused container go on. */
export function resume(room: Room, { id, hostConfig }: ContainerRecord): void {
  const state = allow('unpause', room.shelf.get(id));
  room.cgroups.thaw(cgroupPathOf(id, hostConfig.CgroupParent));
  const resumed = room.shelf.setState(id, { ...state, status: 'running' });
  beginHealthChecks(room, resumed);
  room.tell({ kind: 'unpause', container: resumed });
}
