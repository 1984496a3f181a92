// prune: every container that does not run is removed, as if by name; with what that gives back.
import { fail, messageOf, type ContainerId } from '../base/index.ts';
import type { ContainerRecord, Pruned } from './container.ts';
import { removeContainer } from './remove.ts';
import type { Room } from './room.ts';
import { isUp } from './state.ts';

/** One at a time. What cannot be removed is said in the daemon's log, and stays. @throws `conflict` while another prune is at work. */
export async function pruneContainers(room: Room, isChosen: (record: ContainerRecord) => boolean): Promise<Pruned> {
  if (room.isPruning) throw fail('conflict', 'a prune operation is already running');
  room.isPruning = true;
  try {
    const ids: ContainerId[] = [];
    let reclaimedBytes = 0;
    for (const { id } of room.shelf.list().filter((record) => !isUp(record.state) && isChosen(record))) {
      const bytes = await room.queueOf(id).run(() => pruneOne(room, id));
      if (bytes === undefined) continue;
      ids.push(id);
      reclaimedBytes += bytes;
    }
    room.tell({ kind: 'prune', reclaimedBytes });
    return { ids, reclaimedBytes };
  } finally {
    room.isPruning = false;
  }
}

/** The bytes that it had written; undefined when it was started or removed before it was its turn, or could not be removed. */
async function pruneOne(room: Room, id: ContainerId): Promise<number | undefined> {
  const record = room.shelf.find(id);
  if (record === undefined || isUp(record.state)) return undefined;
  try {
    const bytes = await room.storage.snapshots.writtenBytes(id);
    await removeContainer(room, id, { force: false });
    return bytes;
  } catch (error) {
    room.log.warn({ container: id, error: messageOf(error) }, 'a container could not be pruned');
    return undefined;
  }
}
