// Limits as data: which file of which controller takes which text. Pure; what is impossible in itself is refused here, before anything is made.
//
// 0 and absent are "not asked" (Docker's habit), except for swappiness, where 0 means something. -1 is "no limit".
// Source: OCI runtime spec config-linux.md; the kernel's cgroup-v1/memory, scheduler/sched-bwc and cgroup-v2 documents.
import { fail } from '../../base/index.ts';
import type { Resources } from '../../spec/oci/runtime.ts';
import { hasRareLimits, rareLimitsVersion1, rareLimitsVersion2 } from './rare-limit.ts';

export interface Limit {
  readonly controller: 'memory' | 'swap' | 'cpu' | 'pids' | 'cpuset' | 'blkio' | 'hugetlb' | 'net_cls' | 'net_prio' | 'rdma';
  readonly file: string;
  readonly value: string;
  /** Where the kernel has no such file: this one. */
  readonly otherwise?: { readonly file: string; readonly value: string };
  /** Version 2's own file, named by the configuration: whether the kernel has it is seen when it is written. */
  readonly unified?: true;
  /** For messages: "the memory limit". */
  readonly what: string;
}

const periodDefaultMicroseconds = 100_000;

const isAsked = (value: number | undefined): value is number => value !== undefined && value !== 0;

/** In the order of writing: version 1 wants the memory limit lowered before memory and swap together, and the period before the quota. */
export function limitsVersion1(resources: Resources): readonly Limit[] {
  const { memory, cpu, pids, blockIO } = resources;
  const limits: Limit[] = [];
  const add = (controller: Limit['controller'], file: string, value: number | string, what: string): void => void limits.push({ controller, file, value: String(value), what });
  if (isAsked(memory?.limit)) add('memory', 'memory.limit_in_bytes', memory.limit, 'the memory limit');
  if (isAsked(memory?.swap)) add('swap', 'memory.memsw.limit_in_bytes', memory.swap, 'the limit of memory and swap');
  if (isAsked(memory?.reservation)) add('memory', 'memory.soft_limit_in_bytes', memory.reservation, 'the memory reservation');
  if (memory?.swappiness !== undefined && memory.swappiness !== -1) add('memory', 'memory.swappiness', memory.swappiness, 'the memory swappiness');
  if (memory?.disableOOMKiller === true) add('memory', 'memory.oom_control', 1, 'the out-of-memory killer');
  if (isAsked(cpu?.shares)) add('cpu', 'cpu.shares', cpu.shares, 'the CPU shares');
  if (isAsked(cpu?.period)) add('cpu', 'cpu.cfs_period_us', cpu.period, 'the CPU period');
  if (isAsked(cpu?.quota)) add('cpu', 'cpu.cfs_quota_us', cpu.quota, 'the CPU quota');
  // The runtime may not exceed the period: whichever is there first.
  if (isAsked(cpu?.realtimePeriod)) add('cpu', 'cpu.rt_period_us', cpu.realtimePeriod, 'the real-time period');
  if (isAsked(cpu?.realtimeRuntime)) add('cpu', 'cpu.rt_runtime_us', cpu.realtimeRuntime, 'the real-time runtime');
  if (pids !== undefined) add('pids', 'pids.max', maxOr(pids.limit), 'the limit of processes');
  return [...limits, ...blockLimitsVersion1(blockIO), ...cpusetLimits(cpu), ...(hasRareLimits(resources) ? rareLimitsVersion1(resources) : [])];
}

export function limitsVersion2(resources: Resources): readonly Limit[] {
  const { memory, cpu, pids, blockIO } = resources;
  refuseVersion1Only(memory, cpu);
  const limits: Limit[] = [];
  const add = (controller: Limit['controller'], file: string, value: number | string, what: string): void => void limits.push({ controller, file, value: String(value), what });
  if (isAsked(memory?.limit)) add('memory', 'memory.max', maxOr(memory.limit), 'the memory limit');
  if (isAsked(memory?.swap)) add('swap', 'memory.swap.max', swapAlone(memory.swap, memory.limit), 'the swap limit');
  if (isAsked(memory?.reservation)) add('memory', 'memory.low', maxOr(memory.reservation), 'the memory reservation');
  if (isAsked(cpu?.shares)) add('cpu', 'cpu.weight', weightOfShares(cpu.shares), 'the CPU weight');
  if (isAsked(cpu?.quota) || isAsked(cpu?.period)) add('cpu', 'cpu.max', `${maxOr(cpu?.quota ?? -1)} ${isAsked(cpu?.period) ? cpu.period : periodDefaultMicroseconds}`, 'the CPU quota');
  if (pids !== undefined) add('pids', 'pids.max', maxOr(pids.limit), 'the limit of processes');
  return [...limits, ...blockLimitsVersion2(blockIO), ...cpusetLimits(cpu), ...(hasRareLimits(resources) ? rareLimitsVersion2(resources) : [])];
}

/** Each rate: its field, version 1's file, version 2's key in io.max. */
const throttles = [
  ['throttleReadBpsDevice', 'blkio.throttle.read_bps_device', 'rbps', 'the limit of reading'],
  ['throttleWriteBpsDevice', 'blkio.throttle.write_bps_device', 'wbps', 'the limit of writing'],
  ['throttleReadIOPSDevice', 'blkio.throttle.read_iops_device', 'riops', 'the limit of reads'],
  ['throttleWriteIOPSDevice', 'blkio.throttle.write_iops_device', 'wiops', 'the limit of writes'],
] as const;

function blockLimitsVersion1(blockIO: Resources['blockIO'] = {}): readonly Limit[] {
  const weights = (blockIO.weightDevice ?? []).map(({ major, minor, weight = 0 }): Limit => ({ controller: 'blkio', file: 'blkio.weight_device', value: `${major}:${minor} ${weight}`, what: 'the I/O weight of a device' }));
  return [
    ...(isAsked(blockIO.weight) ? [{ controller: 'blkio', file: 'blkio.weight', value: String(blockIO.weight), otherwise: { file: 'blkio.bfq.weight', value: String(blockIO.weight) }, what: 'the I/O weight' } satisfies Limit] : []),
    ...weights,
    ...throttles.flatMap(([field, file, , what]) => (blockIO[field] ?? []).map(({ major, minor, rate }): Limit => ({ controller: 'blkio', file, value: `${major}:${minor} ${rate}`, what }))),
  ];
}

function blockLimitsVersion2(blockIO: Resources['blockIO'] = {}): readonly Limit[] {
  const devices = (blockIO.weightDevice ?? []).filter((device) => isAsked(device.weight));
  return [
    ...(isAsked(blockIO.weight) ? [weightVersion2('default', blockIO.weight, 'the I/O weight')] : []),
    ...devices.map(({ major, minor, weight }) => weightVersion2(`${major}:${minor}`, weight!, 'the I/O weight of a device')),
    ...throttles.flatMap(([field, , key, what]) => (blockIO[field] ?? []).map(({ major, minor, rate }): Limit => (
      { controller: 'blkio', file: 'io.max', value: `${major}:${minor} ${key}=${rate === 0 ? 'max' : rate}`, what }))),
  ];
}

/** BFQ's file where the kernel has that scheduler: its weights are version 1's. Otherwise the cost model's, which go ten times as far. */
function weightVersion2(whose: string, weight: number, what: string): Limit {
  return { controller: 'blkio', file: 'io.bfq.weight', value: `${whose} ${weight}`, otherwise: { file: 'io.weight', value: `${whose} ${ioWeight(weight)}` }, what };
}

/** 10 to 1000 as 1 to 10000: the straight line that runc and crun draw. */
function ioWeight(weight: number): number {
  return Math.max(1, Math.trunc(1 + (weight - 10) * 9999 / 990));
}

function cpusetLimits(cpu: Resources['cpu']): readonly Limit[] {
  const limits: Limit[] = [];
  if (cpu?.cpus !== undefined && cpu.cpus !== '') limits.push({ controller: 'cpuset', file: 'cpuset.cpus', value: cpu.cpus, what: 'the CPUs' });
  if (cpu?.mems !== undefined && cpu.mems !== '') limits.push({ controller: 'cpuset', file: 'cpuset.mems', value: cpu.mems, what: 'the memory nodes' });
  return limits;
}

function maxOr(value: number): string {
  return value > 0 ? String(value) : 'max';
}

function refuseVersion1Only(memory: Resources['memory'], cpu: Resources['cpu']): void {
  if (isAsked(cpu?.realtimePeriod) || isAsked(cpu?.realtimeRuntime)) throw fail('unsupported', 'Cannot set real-time limits: cgroup v2 has none', { hint: 'Use a CPU quota' });
  if (memory?.disableOOMKiller === true) throw fail('unsupported', 'Cannot disable the out-of-memory killer: cgroup v2 has no such switch', { hint: 'Set oom-score-adj instead' });
  if (memory?.swappiness !== undefined && memory.swappiness !== -1) throw fail('unsupported', 'Cannot set the memory swappiness: cgroup v2 has no such setting', { hint: 'Limit the swap instead' });
}

/** The OCI's `swap` is memory and swap together; version 2 counts swap alone. */
function swapAlone(swap: number, limit: number | undefined): string {
  if (swap < 0) return 'max';
  if (limit === undefined || limit <= 0) throw fail('invalid', 'You should always set the Memory limit when using Memoryswap limit, see usage');
  if (swap < limit) throw fail('invalid', 'Minimum memoryswap limit should be larger than memory limit, see usage');
  return String(swap - limit);
}

/**
 * Version 1's shares (2 to 262144, default 1024) as version 2's weight (1 to 10000, default 100): the curve through (2, 1), (1024, 100) and
 * (262144, 10000) that runc and crun have used since 2025, so that a default share is a default weight.
 */
export function weightOfShares(shares: number): number {
  if (shares <= 2) return 1;
  if (shares >= 262_144) return 10_000;
  const log = Math.log2(shares);
  return Math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34));
}
