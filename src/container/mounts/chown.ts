// `U`: the files of a source are given to the container's user at each start, as in Podman. No link is followed.
import { Fd, O } from '../../kernel/index.ts';
import { giveTree } from '../../storage/index.ts';

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export async function giveTo(path: string, { uid, gid }: Owner): Promise<void> {
  using top = Fd.open(path, O.PATH);
  await giveTree(top, uid, gid);
}
