// A volume whose files somebody reads as a whole (a clone, an export): until that is disposed nobody removes it, and what its options name stays mounted.
import { detachedDirectory, O, openIn, type Fd } from '../kernel/index.ts';
import { holdVolume } from './create.ts';
import { backingOf } from './options.ts';
import { alone, type Room } from './room.ts';
import { ready, takeOff } from './use.ts';
import type { VolumeHold } from './volume.ts';

export interface Reading extends AsyncDisposable {
  /** Its files; no device can be opened on the way, whoever put one there. */
  readonly files: Fd;
}

/** @throws `not_found`; as use() */
export async function openReading(room: Room, name: string): Promise<Reading> {
  await using opened = new AsyncDisposableStack();
  opened.use(await holdExisting(room, name));
  room.readers.set(name, (room.readers.get(name) ?? 0) + 1);
  opened.defer(() => alone(room, name, async () => {
    const left = room.readers.get(name)! - 1;
    if (left > 0) room.readers.set(name, left);
    else room.readers.delete(name);
    takeOff(room, name);
  }));
  const { path } = await alone(room, name, () => ready(room, name, backingOf(room.shelf.get(name))));
  using view = detachedDirectory(path);
  const files = opened.use(openIn(view, '.', O.RDONLY | O.DIRECTORY, 'plain'));
  const all = opened.move();
  return { files, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** @throws `not_found` */
export async function holdExisting(room: Room, name: string): Promise<VolumeHold> {
  const { driver, options, labels } = room.shelf.get(name);
  return holdVolume(room, { name, driver, options, labels });
}
