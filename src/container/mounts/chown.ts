// `U`: the files of a source are given to the container's user, once: not again as long as the top of the tree is that user's. No link is followed.
import { Fd, O, statFd } from '../../kernel/index.ts';
import { giveTree } from '../../storage/index.ts';

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export async function giveTo(path: string, { uid, gid }: Owner): Promise<void> {
  using top = Fd.open(path, O.PATH);
  const stat = statFd(top);
  if (stat.uid !== uid || stat.gid !== gid) await giveTree(top, uid, gid);
}
