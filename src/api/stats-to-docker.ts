// What a container uses, as Docker's JSON: dockerd 28's fields, order and zero values.
import { rfc3339 } from '../base/index.ts';
import type { StatsLook, StatsSample } from '../engine/index.ts';
import type { BlockStats, ContainerStats, CpuStats, MemoryStats } from '../spec/docker/stats.ts';

type Figures = StatsSample['figures'];
type Counts = Figures['blockIo']['bytes'];

/** Without a sample: of a container that does not run. */
export function toStats({ id, name }: { readonly id: string; readonly name: string }, { sample, previous }: StatsLook): ContainerStats {
  return {
    name: `/${name}`,
    id,
    read: rfc3339(sample?.at),
    preread: rfc3339(previous?.at),
    pids_stats: pidsOf(sample?.figures),
    blkio_stats: sample === undefined ? noBlockIo(null) : toBlockIo(sample.figures),
    num_procs: 0,
    storage_stats: {},
    cpu_stats: toCpu(sample),
    precpu_stats: toCpu(previous),
    memory_stats: sample === undefined ? {} : toMemory(sample),
    ...toLinks(sample?.links ?? []),
  };
}

function pidsOf(figures: Figures | undefined): ContainerStats['pids_stats'] {
  if (figures?.pids === undefined) return {};
  const { current, limit } = figures.pids;
  return { current, ...(limit === undefined ? {} : { limit }) };
}

function toCpu(sample: StatsSample | undefined): CpuStats {
  const cpu = sample?.figures.cpu;
  return {
    cpu_usage: {
      total_usage: cpu?.totalNs ?? 0,
      ...(cpu?.perCpuNs === undefined ? {} : { percpu_usage: cpu.perCpuNs }),
      usage_in_kernelmode: cpu?.kernelNs ?? 0,
      usage_in_usermode: cpu?.userNs ?? 0,
    },
    ...(sample === undefined ? {} : { system_cpu_usage: sample.hostCpuNs, online_cpus: sample.hostCpus }),
    throttling_data: { periods: cpu?.periods ?? 0, throttled_periods: cpu?.throttledPeriods ?? 0, throttled_time: cpu?.throttledNs ?? 0 },
  };
}

function noBlockIo(none: BlockStats['io_queue_recursive']): BlockStats {
  return {
    io_service_bytes_recursive: none, io_serviced_recursive: none, io_queue_recursive: none, io_service_time_recursive: none, io_wait_time_recursive: none,
    io_merged_recursive: none, io_time_recursive: none, sectors_recursive: none,
  };
}

/** Version 2 counts bytes only, as dockerd tells them. */
function toBlockIo({ cpu, blockIo }: Figures): BlockStats {
  const entries = (counts: Counts): BlockStats['io_queue_recursive'] => counts.map(({ major, minor, operation, value }) => ({ major, minor, op: operation, value }));
  const isVersion1 = cpu.perCpuNs !== undefined;
  return { ...noBlockIo(isVersion1 ? [] : null), io_service_bytes_recursive: entries(blockIo.bytes), ...(isVersion1 ? { io_serviced_recursive: entries(blockIo.operations) } : {}) };
}

/** A container without any says nothing of them. */
function toLinks(links: NonNullable<StatsSample['links']>): Pick<ContainerStats, 'networks'> {
  if (links.length === 0) return {};
  return {
    networks: Object.fromEntries(links.map(({ name, received, sent }) => [name, {
      rx_bytes: received.bytes, rx_packets: received.packets, rx_errors: received.errors, rx_dropped: received.dropped,
      tx_bytes: sent.bytes, tx_packets: sent.packets, tx_errors: sent.errors, tx_dropped: sent.dropped,
    }])),
  };
}

/** A container without a limit has the machine's memory. */
function toMemory({ figures: { memory }, hostMemoryBytes }: StatsSample): MemoryStats {
  if (memory === undefined) return {};
  return {
    usage: memory.usageBytes,
    ...(memory.maxUsageBytes === undefined ? {} : { max_usage: memory.maxUsageBytes }),
    stats: memory.details,
    ...(memory.failures === undefined || memory.failures === 0 ? {} : { failcnt: memory.failures }),
    limit: Math.min(memory.limitBytes ?? hostMemoryBytes, hostMemoryBytes),
  };
}
