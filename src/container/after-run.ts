// What follows a container's run: the restart that its policy asks for, or its removal (--rm).
import type { ContainerId } from '../base/index.ts';
import { removeContainer } from './remove.ts';
import { scheduleRestart } from './restart.ts';
import type { Room } from './room.ts';

/** Once its end is recorded. */
export async function afterRun(room: Room, id: ContainerId): Promise<void> {
  const record = room.shelf.find(id);
  if (record === undefined) return;
  if (record.state.status === 'restarting') scheduleRestart(room, record);
  else if (record.hostConfig.AutoRemove) await room.queueOf(id).run(() => removeUnlessBack(room, id));
}

/** Before it was its turn somebody may have asked for its removal, or started it again. */
async function removeUnlessBack(room: Room, id: ContainerId): Promise<void> {
  if (room.shelf.find(id)?.state.status === 'exited') await removeContainer(room, id, { force: false, volumes: true });
}
