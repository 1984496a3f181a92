// What goes with a container: the volumes that nobody named (`rm -v`, `--rm`), unless another container has them, too.
import { isFail } from '../../base/index.ts';
import type { ContainerRecord } from '../container.ts';
import type { Room } from '../room.ts';

/** The container is gone from the shelf. */
export async function removeAnonymousVolumes(room: Room, { mounts }: ContainerRecord): Promise<void> {
  for (const point of mounts) {
    if (point.type !== 'volume' || !point.isAnonymous || isNamed(room, point.name)) continue;
    try {
      await room.volumes.remove(point.name, { force: true });
    } catch (error) {
      // Held for a container that is being made.
      if (!isFail(error, 'conflict')) throw error;
    }
  }
}

function isNamed(room: Room, volume: string): boolean {
  return room.shelf.list().some(({ mounts }) => mounts.some((point) => point.type === 'volume' && point.name === volume));
}
