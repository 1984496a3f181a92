// A container's cgroup when its run is over, or came to nothing: it goes, and whoever else remembers the container forgets it.
import { messageOf } from '../base/index.ts';
import type { ContainerRecord } from './container.ts';
import { forgetExternal, ownRuntime } from './external/index.ts';
import { cgroupPathOf, type Room } from './room.ts';

/** Nothing there is fine. @throws `conflict` when a process of it does not end */
export async function removeGroup(room: Room, record: ContainerRecord): Promise<void> {
  if (record.hostConfig.Runtime !== ownRuntime) {
    try {
      await forgetExternal(room, record);
    } catch (error) {
      // It is not installed any more, say.
      room.log.warn({ container: record.id, error: messageOf(error) }, 'the runtime could not be asked to forget a container');
    }
  }
  await room.cgroups.remove(cgroupPathOf(record.id, record.hostConfig.CgroupParent));
}

/** As removeGroup; whatever still runs in it is ended. */
export async function endGroup(room: Room, record: ContainerRecord): Promise<void> {
  room.cgroups.killAll(cgroupPathOf(record.id, record.hostConfig.CgroupParent));
  await removeGroup(room, record);
}
