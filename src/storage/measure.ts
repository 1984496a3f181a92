// How many bytes the files of a tree have that a stranger filled, as dockerd counts them: every file's length, a file of several names once, directories
// not at all. Each directory is opened anew from the top, by names only, never through a link; so two descriptors do for any depth.
import { O, openIn, statIn, tryOpenIn, Fd } from '../kernel/index.ts';
import type { ByteString } from '../spec/tar/index.ts';
import { nameArgument } from './names.ts';
import { entriesIn } from './listing.ts';
import { Turn } from './turn.ts';

const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;

type Path = readonly ByteString[];

/** Whoever changes the tree meanwhile is counted or not: what has gone is no error. @throws KernelError */
export async function measureTree(top: Fd): Promise<number> {
  const turn = new Turn();
  const seen = new Set<string>();
  const waiting: Path[] = [[]];
  let total = 0;
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    using dir = openPath(top, path);
    if (dir === undefined) continue;
    for (let entries = entriesIn(dir); entries.length > 0; entries = entriesIn(dir)) {
      for (const { name } of entries) {
        const found = statIn(dir, nameArgument(name));
        if (found === undefined) continue;
        if ((found.mode & S_IFMT) === S_IFDIR) waiting.push([...path, name]);
        else if (found.links === 1 || isNew(seen, `${found.deviceMajor}:${found.deviceMinor}:${found.inode}`)) total += found.sizeBytes;
      }
      await turn.yield();
    }
  }
  return total;
}

function isNew(seen: Set<string>, key: string): boolean {
  if (seen.has(key)) return false;
  seen.add(key);
  return true;
}

/** Undefined when it is gone, or has become something else. */
function openPath(top: Fd, path: Path): Fd | undefined {
  const flags = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;
  let dir = openIn(top, '.', flags, 'plain');
  for (const name of path) {
    using parent = dir;
    const number = tryOpenIn(parent, nameArgument(name), flags, 'plain');
    if (number < 0) return undefined;
    dir = new Fd(number);
  }
  return dir;
}
