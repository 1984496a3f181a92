// remove and prune. The directory leaves its place first, and comes back when the record cannot be deleted. So a crash in between leaves a record without
// a directory, which the next start takes for what it is; the other way round it would find a directory whose owner may have wanted it gone, or not.
import { fail, isFail } from '../base/index.ts';
import { backingOf } from './options.ts';
import { alone, keepersOf, type Room } from './room.ts';
import { takeOff } from './use.ts';
import type { VolumeRecord } from './volume.ts';

/** @throws `not_found`; `conflict` in dockerd's words */
export async function removeVolume(room: Room, name: string, force: boolean): Promise<void> {
  await alone(room, name, async () => {
    const record = force ? room.shelf.find(name) : room.shelf.get(name);
    if (record === undefined) return;
    const keepers = keepersOf(room, name);
    if (keepers.length > 0) throw fail('conflict', `remove ${name}: volume is in use - [${keepers.filter((id) => id !== '').join(', ')}]`, { hint: 'Remove the containers that have it first' });
    takeOff(room, name);
    takeAway(room, record);
  });
}

function takeAway({ trees, shelf, tell }: Room, record: VolumeRecord): void {
  using out = trees.takeOut(record.name);
  shelf.delete(record.name);
  out.discard();
  tell({ kind: 'destroy', volume: record });
}

export async function pruneVolumes(room: Room, isChosen: (volume: VolumeRecord) => boolean): Promise<{ readonly names: readonly string[]; readonly reclaimedBytes: number }> {
  const names: string[] = [];
  let reclaimedBytes = 0;
  for (const { name } of room.shelf.list().filter((volume) => isChosen(volume) && keepersOf(room, volume.name).length === 0)) {
    try {
      const bytes = await usageBytes(room, name);
      await removeVolume(room, name, false);
      names.push(name);
      reclaimedBytes += Math.max(bytes, 0);
    } catch (error) {
      // Since it was looked at, somebody has taken it into use, or removed it.
      if (!isFail(error, 'conflict') && !isFail(error, 'not_found')) throw error;
    }
  }
  room.tell({ kind: 'prune', reclaimedBytes });
  return { names, reclaimedBytes };
}

/** -1 for what lies elsewhere. */
export async function usageBytes({ shelf, trees }: Room, name: string): Promise<number> {
  return backingOf(shelf.get(name)).kind === 'own' ? await trees.usedBytes(name) : -1;
}
