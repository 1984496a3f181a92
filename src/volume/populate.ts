// Copy-up: what an image has at the place of a mount becomes the content of an empty volume. It is gathered under tmp/ and takes its place in one step;
// where somebody has the empty volume mounted already, that one keeps its directory, and what is there moves into it name by name.
import type { Fd } from '../kernel/index.ts';
import { copyTree } from '../storage/index.ts';
import { backingOf } from './options.ts';
import { alone, type Room } from './room.ts';

export async function populateVolume(room: Room, name: string, from: Fd): Promise<void> {
  await alone(room, name, async () => {
    const { trees, shelf, users } = room;
    if (backingOf(shelf.get(name)).kind !== 'own' || !trees.isEmpty(name)) return;
    using draft = trees.draft();
    await copyTree(from, draft.data, trees.pathOf(name));
    if (users.has(name)) draft.moveInto(name);
    else draft.becomeDataOf(name);
  });
}
