// update: other limits for a container that is there.
import { readFileSync } from 'node:fs';
import { fail } from '../base/index.ts';
import { decodeResources } from '../spec/oci/runtime-config.ts';
import type { Resources } from '../spec/oci/runtime.ts';
import { openGroups } from './cgroup.ts';
import type { FlagSpec, Parsed } from './flags.ts';
import type { StateRecord } from './state.ts';

/** Flag, what it says, and where its number goes. */
const numbers = [
  ['blkio-weight', 'I/O weight, 10 to 1000', 'blockIO', 'weight'], ['cpu-period', 'CPU period in microseconds', 'cpu', 'period'], ['cpu-quota', 'CPU quota in microseconds', 'cpu', 'quota'],
  ['cpu-burst', 'CPU burst in microseconds', 'cpu', 'burst'], ['cpu-share', 'CPU shares', 'cpu', 'shares'], ['cpu-rt-period', 'real-time period in microseconds', 'cpu', 'realtimePeriod'],
  ['cpu-rt-runtime', 'real-time runtime in microseconds', 'cpu', 'realtimeRuntime'], ['cpu-idle', 'idle scheduling, 0 or 1', 'cpu', 'idle'], ['pids-limit', 'most processes', 'pids', 'limit'],
] as const;
const sizes = [
  ['memory', 'memory limit in bytes', 'limit'], ['memory-reservation', 'memory reservation in bytes', 'reservation'], ['memory-swap', 'limit of memory and swap in bytes', 'swap'],
  ['kernel-memory', 'refused: the kernel has given that up', 'kernel'], ['kernel-memory-tcp', 'memory limit of TCP buffers in bytes', 'kernelTCP'],
] as const;

export const updateFlags: readonly FlagSpec[] = [
  { name: 'resources', short: 'r', kind: 'text', what: 'file with linux.resources as JSON, "-" for standard input; other flags are not looked at then' },
  ...numbers.map(([name, what]): FlagSpec => ({ name, kind: 'text', what })), ...sizes.map(([name, what]): FlagSpec => ({ name, kind: 'text', what })),
  { name: 'cpuset-cpus', kind: 'text', what: 'CPUs, like 0-3,7' }, { name: 'cpuset-mems', kind: 'text', what: 'memory nodes' },
  { name: 'l3-cache-schema', kind: 'text', what: 'refused: there is no Intel RDT' }, { name: 'mem-bw-schema', kind: 'text', what: 'refused: there is no Intel RDT' },
];

/** @throws EstivaError that names limit, value and reason */
export function update(record: StateRecord, flags: Parsed): void {
  if (flags.text('l3-cache-schema') !== undefined || flags.text('mem-bw-schema') !== undefined) throw fail('unsupported', 'Intel Resource Director Technology is not supported');
  using cgroups = openGroups();
  cgroups.update(record.cgroupPath, resourcesOf(flags));
}

function resourcesOf(flags: Parsed): Resources {
  const file = flags.text('resources');
  if (file !== undefined) return decodeResources(readFileSync(file === '-' ? 0 : file, 'utf8'));
  const asked: Record<string, Record<string, number | string>> = {};
  const set = (group: string, field: string, value: number | string): void => void ((asked[group] ??= {})[field] = value);
  for (const [name, , group, field] of numbers) if (flags.text(name) !== undefined) set(group, field, numberOf(name, flags.text(name)!));
  for (const [name, , field] of sizes) if (flags.text(name) !== undefined) set('memory', field, sizeOf(name, flags.text(name)!));
  for (const [name, field] of [['cpuset-cpus', 'cpus'], ['cpuset-mems', 'mems']] as const) if (flags.text(name) !== undefined) set('cpu', field, flags.text(name)!);
  return decodeResources(JSON.stringify(asked));
}

function numberOf(flag: string, text: string): number {
  if (!/^-?\d{1,15}$/.test(text)) throw fail('invalid', `invalid value for ${flag}: ${JSON.stringify(text)} is no number`);
  return Number(text);
}

const units: Readonly<Record<string, number>> = { '': 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** Bytes, or with k, m, g or t; -1 is "no limit". */
function sizeOf(flag: string, text: string): number {
  const [, digits, unit = ''] = /^(-1|\d{1,15})([bkmgt]?)(?:i?b)?$/i.exec(text) ?? [];
  if (digits === undefined) throw fail('invalid', `invalid value for ${flag}: ${JSON.stringify(text)} is no size`, { hint: 'Sizes are like 536870912, 512m or 1g' });
  return Number(digits) * units[unit.toLowerCase()]!;
}
