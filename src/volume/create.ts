// create and hold: the directory first, in one step, then the record. What a crash leaves in between is an empty directory, which the next start clears away.
import { fail } from '../base/index.ts';
import type { VolumeDraft } from '../storage/index.ts';
import { anonymousLabel, anonymousName, checkName } from './name.ts';
import { checkOptions } from './options.ts';
import { alone, type Room } from './room.ts';
import type { VolumeHold, VolumeRecord, VolumeWish } from './volume.ts';

export async function createVolume(room: Room, wish: VolumeWish): Promise<VolumeRecord> {
  using hold = await holdVolume(room, wish);
  return hold.record;
}

type Made = Pick<VolumeHold, 'record' | 'isNew'>;

/** @throws `invalid`, `not_found` in dockerd's words */
export async function holdVolume(room: Room, wish: VolumeWish): Promise<VolumeHold> {
  const { name, labels } = wish;
  if (name !== '') return alone(room, name, async () => hold(room, existing(room, wish) ?? makeVolume(room, wish)));
  const anonymous = { ...wish, name: anonymousName(), labels: { ...labels, [anonymousLabel]: '' } };
  return hold(room, makeVolume(room, anonymous));
}

function existing(room: Room, wish: VolumeWish): Made | undefined {
  checkDriver(wish);
  const record = room.shelf.find(wish.name);
  return record === undefined ? undefined : { record, isNew: false };
}

function checkDriver({ name, driver }: VolumeWish): void {
  if (driver !== '' && driver !== 'local') throw fail('not_found', `create ${name}: error looking up volume plugin ${driver}: plugin ${JSON.stringify(driver)} not found`, { hint: 'There are no plugins: use the driver local' });
}

/** There is none of that name. `draft`: what it has from the beginning. */
export function makeVolume(room: Room, wish: VolumeWish, draft?: VolumeDraft): Made {
  const { name, options, labels } = wish;
  checkDriver(wish);
  checkName(name);
  checkOptions(name, options);
  const isAnonymous = labels !== null && Object.hasOwn(labels, anonymousLabel);
  const record: VolumeRecord = { name, createdAt: new Date(), driver: 'local', options, labels, isAnonymous, snapshots: [] };
  using empty = draft === undefined ? room.trees.draft() : undefined;
  (draft ?? empty!).becomeVolume(name);
  using undo = new DisposableStack();
  undo.defer(() => { room.trees.takeOut(name).discard(); });
  room.shelf.put(record);
  undo.move();
  room.tell({ kind: 'create', volume: record });
  return { record, isNew: true };
}

function hold({ holds }: Room, made: Made): VolumeHold {
  const { name } = made.record;
  holds.set(name, (holds.get(name) ?? 0) + 1);
  let isHeld = true;
  return {
    ...made,
    [Symbol.dispose]: () => {
      if (!isHeld) return;
      isHeld = false;
      const left = holds.get(name)! - 1;
      if (left === 0) holds.delete(name);
      else holds.set(name, left);
    },
  };
}
