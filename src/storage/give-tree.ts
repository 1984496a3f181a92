// Gives a tree to another owner: through held directories only, one name at a time, so that no link is ever followed. Whoever changes the tree meanwhile
// gains nothing: what is given is what lies in it.
import { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, call, Fd, O, S, statFd, statIn, tryCall, tryOpenIn } from '../kernel/index.ts';
import { allEntriesIn } from './listing.ts';
import { nameArgument } from './names.ts';
import { Turn } from './turn.ts';

const ENOENT = -2;
/** Deeper than any program makes directories; each holds a descriptor. */
const depthMax = 256;

/** `top`: a file or a directory, opened with O_PATH. What is that owner's already is left alone: giving takes setuid bits away. @throws KernelError; Error for a tree that is too deep */
export async function giveTree(top: Fd, uid: number, gid: number): Promise<void> {
  const stat = statFd(top);
  if ((stat.mode & S.IFMT) === S.IFDIR) {
    using directory = Fd.open('.', O.RDONLY | O.DIRECTORY, 0, top);
    await giveWithin(directory, { uid, gid, turn: new Turn(), depth: 0 });
  }
  if (stat.uid !== uid || stat.gid !== gid) call('fchownat', top.number, '', uid, gid, AT_EMPTY_PATH);
}

interface Giving {
  readonly uid: number;
  readonly gid: number;
  readonly turn: Turn;
  readonly depth: number;
}

async function giveWithin(directory: Fd, giving: Giving): Promise<void> {
  if (giving.depth > depthMax) throw new Error(`A tree is deeper than ${depthMax} directories`);
  for (const { name } of allEntriesIn(directory)) {
    const path = nameArgument(name);
    const stat = statIn(directory, path);
    if (stat === undefined) continue;
    const number = (stat.mode & S.IFMT) === S.IFDIR ? tryOpenIn(directory, path, O.RDONLY | O.DIRECTORY | O.NOFOLLOW, 'plain') : -1;
    if (number >= 0) {
      using below = new Fd(number);
      await giveWithin(below, { ...giving, depth: giving.depth + 1 });
    }
    await giving.turn.yield();
    if (stat.uid === giving.uid && stat.gid === giving.gid) continue;
    const given = tryCall('fchownat', directory.number, path, giving.uid, giving.gid, AT_SYMLINK_NOFOLLOW);
    if (given < 0 && given !== ENOENT) call('fchownat', directory.number, path, giving.uid, giving.gid, AT_SYMLINK_NOFOLLOW);
  }
}
