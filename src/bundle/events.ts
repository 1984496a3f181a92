// events: what a container uses, one line of JSON each interval, in the form that runc's clients read; and a line when the kernel has killed for memory.
import { writeSync } from 'node:fs';
import { fail, parseDuration } from '../base/index.ts';
import { Readiness, type BlockCount, type CgroupFigures, type Cgroups, type FigureReader } from '../kernel/index.ts';
import { openGroups } from './cgroup.ts';
import type { FlagSpec, Parsed } from './flags.ts';
import { hold } from './process.ts';
import type { StateRecord } from './state.ts';

const intervalDefault = '5s';
const intervalMsMax = 2 ** 31 - 1;
/** The kernel counts its kills; nobody is told of one. */
const oomPollMs = 100;

export const eventFlags: readonly FlagSpec[] = [
  { name: 'stats', kind: 'flag', what: 'once, and that is all' },
  { name: 'interval', kind: 'text', what: `how often, like 500ms or 1m (default: ${intervalDefault})` },
];

/** Resolves when the container has ended. @throws EstivaError `conflict` when it does not run, `invalid` for an interval that is none */
export async function events(record: StateRecord, flags: Parsed): Promise<void> {
  const intervalMs = intervalOf(flags.text('interval') ?? intervalDefault);
  using pidfd = hold(record);
  if (pidfd === undefined) throw fail('conflict', `container with id ${record.id} is not running`);
  using cgroups = openGroups();
  using reader = cgroups.figures(record.cgroupPath);
  if (flags.flag('stats')) return tellFigures(record.id, cgroups.version, reader);
  using readiness = new Readiness();
  const ended = Promise.withResolvers<void>();
  readiness.watch(pidfd, () => {
    readiness.unwatch(pidfd);
    ended.resolve();
  });
  const kills = new KillWatch(record, cgroups);
  const timers = [setInterval(() => tellFigures(record.id, cgroups.version, reader), intervalMs), setInterval(() => kills.look(), oomPollMs)];
  await ended.promise;
  for (const timer of timers) clearInterval(timer);
  kills.look();
}

function intervalOf(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw fail('invalid', `invalid value ${JSON.stringify(text)} for flag -interval`, { hint: 'Durations are like 500ms, 5s or 1m30s' });
  if (ms < 1 || ms > intervalMsMax) throw fail('invalid', 'duration interval must be greater than 0', { hint: 'At most 24 days' });
  return ms;
}

class KillWatch {
  readonly #record: StateRecord;
  readonly #cgroups: Cgroups;
  #known: number;

  constructor(record: StateRecord, cgroups: Cgroups) {
    this.#record = record;
    this.#cgroups = cgroups;
    this.#known = cgroups.oomKills(record.cgroupPath);
  }

  look(): void {
    const kills = this.#cgroups.oomKills(this.#record.cgroupPath);
    if (kills > this.#known) say({ type: 'oom', id: this.#record.id });
    this.#known = kills;
  }
}

/** Nothing when the group is gone: its end is told by the end of the lines. */
function tellFigures(id: string, version: 1 | 2, reader: FigureReader): void {
  const figures = reader.read();
  if (figures !== undefined) say({ type: 'stats', id, data: dataOf(version, figures) });
}

function say(event: object): void {
  writeSync(1, `${JSON.stringify(event)}\n`);
}

/** What is zero may be left out: readers take it so. */
export function dataOf(version: 1 | 2, { cpu, memory, pids, blockIo }: CgroupFigures): object {
  return {
    cpu: {
      usage: { total: cpu.totalNs, ...(cpu.perCpuNs === undefined ? {} : { percpu: cpu.perCpuNs }), kernel: cpu.kernelNs, user: cpu.userNs },
      throttling: cpu.periods === 0 ? {} : { periods: cpu.periods, throttledPeriods: cpu.throttledPeriods, throttledTime: cpu.throttledNs },
    },
    memory: memory === undefined ? {} : {
      cache: memory.details['cache'] ?? memory.details['file'] ?? 0,
      usage: { limit: memory.limitBytes ?? noLimit(version), usage: memory.usageBytes, max: memory.maxUsageBytes ?? 0, failcnt: memory.failures ?? 0 },
      raw: memory.details,
    },
    pids: pids === undefined ? {} : { current: pids.current, ...(pids.limit === undefined ? {} : { limit: pids.limit }) },
    blkio: { ioServiceBytesRecursive: blockIo.bytes.map(entryOf), ioServicedRecursive: blockIo.operations.map(entryOf) },
  };
}

function entryOf({ major, minor, operation, value }: BlockCount): object {
  return { major, minor, op: operation, value };
}

/** The kernel's "none" of version 1, and the largest number for version 2's `max`: to the last digit, which a double does not have. */
function noLimit(version: 1 | 2): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(version === 1 ? '9223372036854771712' : '18446744073709551615');
}
