// Copy-up: what an image has at the place of a mount becomes the content of an empty volume. It is gathered under tmp/ and takes its place in one step;
// where somebody has the empty volume mounted already, that one keeps its directory, and what is there moves into it name by name.
import { Fd, O } from '../kernel/index.ts';
import { copyTree, emptyDirectory, isEmptyDirectory } from '../storage/index.ts';
import { backingOf } from './options.ts';
import { alone, type Room } from './room.ts';
import { ready, takeOff } from './use.ts';

/** What lies elsewhere (options) is filled where it is: there is no second directory beside it that could take its place. */
export async function populateVolume(room: Room, name: string, from: Fd): Promise<void> {
  await alone(room, name, async () => {
    const backing = backingOf(room.shelf.get(name));
    if (backing.kind === 'own') return populateOwn(room, name, from);
    const { path } = await ready(room, name, backing);
    try {
      await populateElsewhere(from, path);
    } finally {
      takeOff(room, name);
    }
    return undefined;
  });
}

async function populateOwn({ trees, users }: Room, name: string, from: Fd): Promise<void> {
  if (!trees.isEmpty(name)) return;
  using draft = trees.draft();
  await copyTree(from, draft.data, trees.pathOf(name));
  if (users.has(name)) draft.moveInto(name);
  else draft.becomeDataOf(name);
}

async function populateElsewhere(from: Fd, path: string): Promise<void> {
  using to = Fd.open(path, O.RDONLY | O.DIRECTORY);
  if (!isEmptyDirectory(to)) return;
  try {
    await copyTree(from, to, path);
  } catch (error) {
    await emptyDirectory(to);
    throw error;
  }
}
