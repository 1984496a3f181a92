import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerStats } from '../spec/docker/stats.ts';
import { statsRow } from './stats-rows.ts';

const cpu = (total: number, system: number) => ({ cpu_usage: { total_usage: total, usage_in_kernelmode: 0, usage_in_usermode: 0 }, system_cpu_usage: system, online_cpus: 2, throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 } });
const entry = (op: string, value: number) => ({ major: 8, minor: 0, op, value });
const stats = {
  name: '/box', id: 'abcdef0123456789', read: '', preread: '', pids_stats: { current: 3 }, num_procs: 0, storage_stats: {}, cpu_stats: cpu(1500, 4000), precpu_stats: cpu(500, 2000),
  memory_stats: { usage: 3 << 20, limit: 40 << 20, stats: { inactive_file: 1 << 20 } }, networks: { eth0: { rx_bytes: 1000, tx_bytes: 1 }, eth1: { rx_bytes: 500, tx_bytes: 1 } },
  blkio_stats: { io_service_bytes_recursive: [entry('Read', 4096), entry('write', 1_000_000), entry('Total', 7)] },
} as unknown as ContainerStats;

test('statsRow() makes percentages and sums as Docker\'s client does', () => {
  assert.deepEqual(statsRow('box', stats, true), {
    BlockIO: '4.1kB / 1MB', CPUPerc: '100.00%', Container: 'box', ID: 'abcdef012345', MemPerc: '5.00%', MemUsage: '2MiB / 40MiB', Name: 'box', NetIO: '1.5kB / 2B', PIDs: '3',
  });
  assert.equal(statsRow('box', undefined, true)['CPUPerc'], '--');
  assert.equal(statsRow('box', { ...stats, cpu_stats: stats.precpu_stats }, true)['CPUPerc'], '0.00%');
});
