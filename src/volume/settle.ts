// At the start, records and directories are brought together: a crash may have come between the two. The directory decides.
import { isName } from './name.ts';
import type { Room } from './room.ts';

/** Runs once, before anybody asks. */
export function settle({ shelf, trees }: Room): void {
  const there = new Set(trees.names().filter(isName));
  // Cut off while it was removed.
  for (const { name } of shelf.list()) if (!there.has(name)) shelf.delete(name);
  for (const name of there) {
    if (shelf.find(name) !== undefined) continue;
    // Cut off while it was made; or somebody put it there by hand: what has files is a volume from now on, as in Docker.
    if (trees.isEmpty(name)) trees.takeOut(name).discard();
    else shelf.put({ name, createdAt: new Date(), driver: 'local', options: null, labels: null, isAnonymous: false });
  }
}
