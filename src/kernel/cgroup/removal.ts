// Removing a cgroup whose last process has just ended: the kernel says EBUSY for a moment.
import { setTimeout as sleep } from 'node:timers/promises';
import { fail } from '../../base/index.ts';
import { pidsIn, tryRemoveCgroup, tryRemoveTree, type Hierarchy } from './hierarchy.ts';

const busyMsMax = 5000;
const pauseMsMax = 100;

/** At once when nothing holds it; else tries again for five seconds, less and less often. @throws EstivaError conflict */
export async function removeCgroup(hierarchies: readonly Hierarchy[], relative: string): Promise<void> {
  let left = hierarchies.filter((hierarchy) => !tryRemoveCgroup(hierarchy, relative));
  const giveUpAt = performance.now() + busyMsMax;
  for (let pauseMs = 1; left.length > 0; pauseMs = Math.min(pauseMs * 2, pauseMsMax)) {
    left = left.filter((hierarchy) => !tryRemoveTree(hierarchy, relative));
    if (left.length === 0) return;
    if (performance.now() > giveUpAt) throw busy(left[0]!, relative);
    await sleep(pauseMs);
  }
}

function busy(hierarchy: Hierarchy, relative: string): Error {
  const pids = pidsIn(hierarchy, relative);
  const holders = pids.length === 0 ? 'the kernel still uses it' : `processes ${pids.slice(0, 10).join(', ')} are in it`;
  return fail('conflict', `Cannot remove cgroup "/${relative}": ${holders}`);
}
