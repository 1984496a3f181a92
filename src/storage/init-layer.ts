// The lowest layer of every container's root: the places that a container's own mounts need (/proc, /dev, /etc/hosts …), for images that lack them.
// So a start makes nothing in the container's upper directory: it holds what the program changed, and nothing else. What the image has of these
// lies above and counts. (dockerd puts such a layer above the image, one for each container; below, one is enough for all.)
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';

const directories = ['', 'dev', 'etc', 'proc', 'sys'];
/** Mount points for the files that the engine writes for each container. */
const files = ['etc/hostname', 'etc/hosts', 'etc/resolv.conf'];

/** Makes `dir`, or what is missing of it. Idempotent. */
export function makeInitLayer(dir: string): void {
  const at = (name: string): string => `${dir}/${name}`;
  for (const name of directories) {
    mkdirSync(at(name), { recursive: true });
    chmodSync(at(name), 0o755);
  }
  for (const name of files) {
    writeFileSync(at(name), '', { mode: 0o644 });
    chmodSync(at(name), 0o644);
  }
  try {
    // Programs that list mounts look there.
    symlinkSync('/proc/mounts', at('etc/mtab'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
