// Which directory of which machine a context is: no two machines that build with one engine say the same.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** `directory`: absolute, without links. */
export function contextKey(directory: string): string {
  return createHash('sha256').update(JSON.stringify([machineId(), hostname(), directory])).digest('hex');
}

/** Empty where there is none: then the host's name must do. Source: machine-id(5). */
function machineId(): string {
  try {
    return readFileSync('/etc/machine-id', 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
