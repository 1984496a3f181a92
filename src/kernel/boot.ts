// Which run of the machine this is. Source: random(4), /proc/sys/kernel/random/boot_id.
import { readFileSync } from 'node:fs';

/** Another one after each start of the machine. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
