// What a container changed, from its upper directory alone: what is not there was not changed. Each thing in it is compared with what the layers
// below have at the same place. The rules are those of dockerd's `diff`: of a directory owner and mode count, of a file also size and time.
import { O, openIn, S, statIn, type Fd, type FileStat } from '../kernel/index.ts';
import type { ByteString } from '../spec/tar/index.ts';
import { readAttributes } from './attributes.ts';
import { allEntriesIn } from './listing.ts';
import { nameArgument } from './names.ts';
import { Turn } from './turn.ts';

export interface Change {
  /** From the root, without a slash before it. */
  readonly path: ByteString;
  readonly kind: 'modified' | 'added' | 'deleted';
}

const directoryFlags = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;

/** Parents before what is in them, else by name. `below`: the layers' tree. */
export async function compareTrees(upper: Fd, below: Fd): Promise<readonly Change[]> {
  const changes: Change[] = [];
  const turn = new Turn();
  await contents(upper, below, '', false);
  return changes;

  /** `below` is undefined in what is new. What `isOpaque` says is hidden from below is gone. */
  async function contents(dir: Fd, below: Fd | undefined, prefix: string, isOpaque: boolean): Promise<void> {
    const names = new Set<ByteString>();
    const entries = allEntriesIn(dir);
    for (const { name } of entries) names.add(name);
    const hidden = isOpaque && below !== undefined ? allEntriesIn(below).filter(({ name }) => !names.has(name)) : [];
    const gone = new Set(hidden.map(({ name }) => name));
    for (const name of [...names, ...gone].sort()) {
      await turn.yield();
      const path = `${prefix}${name}` as ByteString;
      if (gone.has(name)) changes.push({ path, kind: 'deleted' });
      else await one(dir, below, name, path);
    }
  }

  async function one(dir: Fd, below: Fd | undefined, name: ByteString, path: ByteString): Promise<void> {
    const now = statIn(dir, nameArgument(name));
    const before = below === undefined ? undefined : statIn(below, nameArgument(name));
    if (now === undefined) return;
    if (isWhiteout(now)) {
      if (before !== undefined) changes.push({ path, kind: 'deleted' });
      return;
    }
    const place = changes.push({ path, kind: before === undefined ? 'added' : 'modified' });
    if (typeOf(now) === S.IFDIR) await inDirectory(dir, below, name, path, before);
    // A directory in which something changed is told too, as changed.
    if (before !== undefined && changes.length === place && !differs(now, before)) changes.pop();
  }

  async function inDirectory(dir: Fd, below: Fd | undefined, name: ByteString, path: ByteString, before: FileStat | undefined): Promise<void> {
    using opened = openIn(dir, nameArgument(name), directoryFlags, 'plain');
    const { isOpaque } = readAttributes(opened);
    if (before === undefined || typeOf(before) !== S.IFDIR) return await contents(opened, undefined, `${path}/`, false);
    using belowIt = openIn(below!, nameArgument(name), directoryFlags, 'plain');
    return await contents(opened, belowIt, `${path}/`, isOpaque);
  }
}

function differs(now: FileStat, before: FileStat): boolean {
  if (now.mode !== before.mode || now.uid !== before.uid || now.gid !== before.gid) return true;
  if (now.deviceMajor !== before.deviceMajor || now.deviceMinor !== before.deviceMinor) return true;
  if (typeOf(now) === S.IFDIR) return false;
  return now.sizeBytes !== before.sizeBytes || now.mtimeSeconds !== before.mtimeSeconds || now.mtimeNanoseconds !== before.mtimeNanoseconds;
}

function isWhiteout(stat: FileStat): boolean {
  return typeOf(stat) === S.IFCHR && stat.deviceMajor === 0 && stat.deviceMinor === 0;
}

function typeOf(stat: FileStat): number {
  return stat.mode & S.IFMT;
}
