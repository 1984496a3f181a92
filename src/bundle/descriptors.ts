// Descriptors that a program is handed from its caller's caller: from 3 on, those of systemd's socket activation first.
import { existsSync } from 'node:fs';
import { fail } from '../base/index.ts';
import type { Parsed } from './flags.ts';

const preservedMax = 1024;

/** How many. @throws EstivaError `invalid` when one of them is not open */
export function preservedOf(flags: Parsed): number {
  const asked = flags.text('preserve-fds') ?? '0';
  const count = Number(asked) + listeningCount();
  if (!/^\d{1,4}$/.test(asked) || count > preservedMax) throw fail('invalid', `--preserve-fds: expected a number up to ${preservedMax}, not ${JSON.stringify(asked)}`);
  for (let fd = 3; fd < 3 + count; fd++) if (!existsSync(`/proc/self/fd/${fd}`)) throw fail('invalid', `--preserve-fds: descriptor ${fd} is not open`);
  return count;
}

/** What the program must be told of them. Source: sd_listen_fds(3). */
export function listeningVariables(): readonly string[] {
  return listeningCount() === 0 ? [] : [`LISTEN_FDS=${listeningCount()}`, 'LISTEN_PID=1'];
}

function listeningCount(): number {
  const given = process.env['LISTEN_FDS'] ?? '';
  return /^\d{1,4}$/.test(given) ? Number(given) : 0;
}
