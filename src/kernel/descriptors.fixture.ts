// How many descriptors this process has open, for tests that must leave none behind. All tests share one process, and those that speak over sockets
// close theirs when it suits them: sockets do not count.
import { readdirSync, readlinkSync } from 'node:fs';

export function openDescriptors(): number {
  const kinds = readdirSync('/proc/self/fd').map((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`);
    } catch {
      return 'socket:'; // The one by which the directory is read.
    }
  });
  return kinds.filter((kind) => !kind.startsWith('socket:')).length;
}
