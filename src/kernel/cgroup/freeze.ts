// Freezing takes a moment: a process stops when it next leaves the kernel, and one that waits for a disk may not leave it for long.
import { setTimeout as sleep } from 'node:timers/promises';
import { fail } from '../../base/index.ts';

const freezeMsMax = 5000;
const pauseMsMax = 50;

/** `begin` asks the kernel (again and again: processes that fork meanwhile need it), `isDone` looks. What does not stand still in five seconds is thawed. */
export async function freezeWhole(path: string, { begin, isDone, undo }: { readonly begin: () => void; readonly isDone: () => boolean; readonly undo: () => void }): Promise<void> {
  const giveUpAt = performance.now() + freezeMsMax;
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, pauseMsMax)) {
    begin();
    if (isDone()) return;
    if (performance.now() > giveUpAt) break;
    await sleep(pauseMs);
  }
  undo();
  throw fail('timeout', `Cannot freeze cgroup "${path}": not all its processes stood still within ${freezeMsMax / 1000} seconds`, { hint: 'One of them waits inside the kernel, for a disk or a file server; try again when that answers' });
}
