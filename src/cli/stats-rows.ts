// What a container uses as a row of `stats`: percentages and sums, as Docker's client makes them of the daemon's figures.
import type { ContainerStats, CpuStats } from '../spec/docker/stats.ts';
import type { Listing, Row } from './format.ts';
import { binarySize, humanSize } from './units.ts';

export const statsListing: Listing = {
  columns: '{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}',
  heads: {
    BlockIO: 'BLOCK I/O', CPUPerc: 'CPU %', Container: 'CONTAINER', ID: 'CONTAINER ID', MemPerc: 'MEM %', MemUsage: 'MEM USAGE / LIMIT', Name: 'NAME', NetIO: 'NET I/O', PIDs: 'PIDS',
  },
  typeName: '*formatter.statsContext',
};

/** `container` is what the user called it. Without figures (nothing came yet): dashes. */
export function statsRow(container: string, stats: ContainerStats | undefined, isTruncated: boolean): Row {
  if (stats === undefined) return { BlockIO: '-- / --', CPUPerc: '--', Container: container, ID: '--', MemPerc: '--', MemUsage: '-- / --', Name: '--', NetIO: '-- / --', PIDs: '--' };
  const used = usedMemory(stats);
  const limit = stats.memory_stats.limit ?? 0;
  const networks = Object.values(stats.networks ?? {});
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
  return {
    BlockIO: `${humanSize(blockBytes(stats, 'r'))} / ${humanSize(blockBytes(stats, 'w'))}`,
    CPUPerc: percent(cpuPercent(stats)),
    Container: container,
    ID: isTruncated ? stats.id.slice(0, 12) : stats.id,
    MemPerc: percent(limit === 0 ? 0 : (used / limit) * 100),
    MemUsage: `${binarySize(used)} / ${binarySize(limit)}`,
    Name: stats.name.replace(/^\//, ''),
    NetIO: `${humanSize(sum(networks.map(({ rx_bytes: bytes }) => bytes)))} / ${humanSize(sum(networks.map(({ tx_bytes: bytes }) => bytes)))}`,
    PIDs: String(stats.pids_stats.current ?? 0),
  };
}

function percent(value: number): string {
  return `${value.toFixed(2)}%`;
}

/** Of one processor: two that are busy are 200 %. */
export function cpuPercent({ cpu_stats: now, precpu_stats: before }: ContainerStats): number {
  const own = now.cpu_usage.total_usage - before.cpu_usage.total_usage;
  const all = (now.system_cpu_usage ?? 0) - (before.system_cpu_usage ?? 0);
  return own > 0 && all > 0 ? (own / all) * cpus(now) * 100 : 0;
}

function cpus({ online_cpus: online = 0, cpu_usage: usage }: CpuStats): number {
  return online > 0 ? online : usage.percpu_usage?.length ?? 0;
}

/** Without the cache of files that the kernel would give back first. */
function usedMemory({ memory_stats: { usage = 0, stats = {} } }: ContainerStats): number {
  const inactive = stats['total_inactive_file'] ?? stats['inactive_file'] ?? 0;
  return inactive < usage ? usage - inactive : usage;
}

/** `r` for Read and read, `w` for Write and write. */
function blockBytes({ blkio_stats: { io_service_bytes_recursive: entries } }: ContainerStats, initial: 'r' | 'w'): number {
  return (entries ?? []).filter(({ op }) => op.toLowerCase().startsWith(initial)).reduce((total, { value }) => total + value, 0);
}
