// Where in a container something can be mounted. Pure.
import { posix } from 'node:path';
import { fail } from '../../base/index.ts';

/** Without `.`, `..` and a slash at its end. @throws `invalid` in dockerd's words for what is not absolute, or the root itself. */
export function parseDestination(path: string): string {
  const clean = posix.normalize(path).replace(/(?<=.)\/$/, '');
  if (clean === '/') throw fail('invalid', 'invalid specification: destination can\'t be \'/\'');
  if (!path.startsWith('/')) throw fail('invalid', `invalid mount path: '${path.slice(0, 200)}' mount path must be absolute`);
  if (path.includes('\0')) throw fail('invalid', 'invalid mount path: a path has no NUL in it');
  return clean;
}

/** Files of /proc that programs like lxcfs show a container in the kernel's place; runc lets them through, too. */
const shownInProc = new Set(['cpuinfo', 'diskstats', 'loadavg', 'meminfo', 'slabinfo', 'stat', 'swaps', 'uptime', 'sys/kernel/ns_last_pid', 'sys/crypto/fips_enabled'].map((name) => `/proc/${name}`));

/** Programs take /proc for the kernel's word. dockerd makes such a container, and then cannot start it. @throws `invalid` */
export function refuseKernelPlaces(destination: string): void {
  if (!/^\/proc(\/|$)/.test(destination) || shownInProc.has(destination)) return;
  throw fail('invalid', `Cannot mount anything on ${JSON.stringify(destination.slice(0, 200))}: /proc is the kernel's`, { hint: 'Mount it elsewhere; of /proc only single files like /proc/cpuinfo can be covered' });
}
