// At the start, records and directories are brought together: a crash may have come between the two. The directory decides.
import { isName } from './name.ts';
import type { Room } from './room.ts';
import type { VolumeRecord } from './volume.ts';

/** Runs once, before anybody asks. */
export function settle({ shelf, trees }: Room): void {
  const there = new Set(trees.names().filter(isName));
  for (const volume of shelf.list()) {
    // Cut off while it was removed.
    if (!there.has(volume.name)) shelf.delete(volume.name);
    else settleSnapshots({ shelf, trees }, volume);
  }
  for (const name of there) {
    if (shelf.find(name) !== undefined) continue;
    // Cut off while it was made; or somebody put it there by hand: what has files is a volume from now on, as in Docker.
    if (trees.isEmpty(name) && trees.snapshotNames(name).length === 0) trees.takeOut(name).discard();
    else shelf.put({ name, createdAt: new Date(), driver: 'local', options: null, labels: null, isAnonymous: false, snapshots: [] });
  }
}

function settleSnapshots({ shelf, trees }: Pick<Room, 'shelf' | 'trees'>, volume: VolumeRecord): void {
  const there = trees.snapshotNames(volume.name);
  const known = volume.snapshots.filter(({ name }) => there.includes(name));
  if (known.length < volume.snapshots.length) shelf.put({ ...volume, snapshots: known });
  for (const name of there) if (!known.some((snapshot) => snapshot.name === name)) trees.takeOutSnapshot(volume.name, name).discard();
}
