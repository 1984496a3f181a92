import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFail } from '../../base/index.ts';
import type { Resources } from '../../spec/oci/runtime.ts';
import { limitsVersion1, limitsVersion2, weightOfShares } from './limit.ts';

const MiB = 1024 * 1024;
const written = (limits: ReturnType<typeof limitsVersion1>): Record<string, string> => Object.fromEntries(limits.map(({ file, value }) => [file, value]));

const cases: readonly [name: string, resources: Resources, version1: Record<string, string>, version2: Record<string, string>][] = [
  ['nothing', {}, {}, {}],
  ['zeros, which ask for nothing', { memory: { limit: 0, swap: 0, reservation: 0, swappiness: -1 }, cpu: { shares: 0, quota: 0, period: 0, cpus: '', mems: '' } }, {}, {}],
  ['memory', { memory: { limit: 64 * MiB, swap: 96 * MiB, reservation: 32 * MiB } },
    { 'memory.limit_in_bytes': '67108864', 'memory.memsw.limit_in_bytes': '100663296', 'memory.soft_limit_in_bytes': '33554432' },
    { 'memory.max': '67108864', 'memory.swap.max': '33554432', 'memory.low': '33554432' }],
  ['no swap', { memory: { limit: MiB, swap: MiB } }, { 'memory.limit_in_bytes': '1048576', 'memory.memsw.limit_in_bytes': '1048576' }, { 'memory.max': '1048576', 'memory.swap.max': '0' }],
  ['unlimited swap', { memory: { limit: MiB, swap: -1 } }, { 'memory.limit_in_bytes': '1048576', 'memory.memsw.limit_in_bytes': '-1' }, { 'memory.max': '1048576', 'memory.swap.max': 'max' }],
  ['a quota with its period', { cpu: { quota: 20_000, period: 50_000 } }, { 'cpu.cfs_period_us': '50000', 'cpu.cfs_quota_us': '20000' }, { 'cpu.max': '20000 50000' }],
  ['a quota alone', { cpu: { quota: 20_000 } }, { 'cpu.cfs_quota_us': '20000' }, { 'cpu.max': '20000 100000' }],
  ['no quota', { cpu: { quota: -1 } }, { 'cpu.cfs_quota_us': '-1' }, { 'cpu.max': 'max 100000' }],
  ['shares', { cpu: { shares: 1024 } }, { 'cpu.shares': '1024' }, { 'cpu.weight': '100' }],
  ['CPUs and nodes', { cpu: { cpus: '0-1', mems: '0' } }, { 'cpuset.cpus': '0-1', 'cpuset.mems': '0' }, { 'cpuset.cpus': '0-1', 'cpuset.mems': '0' }],
  ['processes', { pids: { limit: 10 } }, { 'pids.max': '10' }, { 'pids.max': '10' }],
  ['I/O weights', { blockIO: { weight: 300, weightDevice: [{ major: 8, minor: 0, weight: 500 }] } },
    { 'blkio.weight': '300', 'blkio.weight_device': '8:0 500' }, { 'io.bfq.weight': '8:0 500' }],
  ['processes without limit', { pids: { limit: -1 } }, { 'pids.max': 'max' }, { 'pids.max': 'max' }],
];
for (const [name, resources, version1, version2] of cases) {
  test(`limits of ${name}, in both versions`, () => {
    assert.deepEqual(written(limitsVersion1(resources)), version1);
    assert.deepEqual(written(limitsVersion2(resources)), version2);
  });
}

test('limitsVersion1() writes the memory limit before memory and swap, and the period before the quota', () => {
  const files = limitsVersion1({ memory: { swap: 2, limit: 1 }, cpu: { quota: 1, period: 2 } }).map(({ file }) => file);
  assert.deepEqual(files, ['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes', 'cpu.cfs_period_us', 'cpu.cfs_quota_us']);
});

test('limitsVersion1() knows swappiness 0 and the out-of-memory switch, which version 2 refuses', () => {
  const resources = [{ memory: { swappiness: 0 } }, { memory: { disableOOMKiller: true } }];
  assert.deepEqual(resources.map((one) => written(limitsVersion1(one))), [{ 'memory.swappiness': '0' }, { 'memory.oom_control': '1' }]);
  for (const one of resources) assert.throws(() => limitsVersion2(one), (error) => isFail(error, 'unsupported'));
});

test('limitsVersion2() refuses memory and swap without a memory limit, or below it', () => {
  for (const memory of [{ swap: MiB }, { limit: 2 * MiB, swap: MiB }]) assert.throws(() => limitsVersion2({ memory }), (error) => isFail(error, 'invalid'));
});

test('limitsVersion2() turns an I/O weight into the cost model\'s where there is no BFQ: least, default and most', () => {
  const values = [10, 500, 1000].map((weight) => limitsVersion2({ blockIO: { weight } })[0]!.otherwise!.value);
  assert.deepEqual(values, ['default 1', 'default 4950', 'default 10000']);
});

test('weightOfShares() maps least, default and most to each other', () => {
  assert.deepEqual([2, 1024, 2000, 262_144, 1, 300_000].map(weightOfShares), [1, 100, 170, 10_000, 1, 10_000]);
});
