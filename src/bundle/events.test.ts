import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dataOf } from './events.ts';

const figures = {
  cpu: { totalNs: 9, userNs: 4, kernelNs: 5, perCpuNs: [3, 6], periods: 0, throttledPeriods: 0, throttledNs: 0 },
  memory: { usageBytes: 7, maxUsageBytes: 8, failures: 1, limitBytes: undefined, details: { cache: 2, rss: 5 } },
  pids: { current: 1, limit: 40 },
  blockIo: { bytes: [{ major: 8, minor: 1, operation: 'Read', value: 4096 }], operations: [] },
};

test('dataOf() has runc\'s names; no limit is written to the last digit', () => {
  assert.equal(JSON.stringify(dataOf(1, figures)), JSON.stringify({
    cpu: { usage: { total: 9, percpu: [3, 6], kernel: 5, user: 4 }, throttling: {} },
    memory: { cache: 2, usage: { limit: 'HERE', usage: 7, max: 8, failcnt: 1 }, raw: { cache: 2, rss: 5 } },
    pids: { current: 1, limit: 40 },
    blkio: { ioServiceBytesRecursive: [{ major: 8, minor: 1, op: 'Read', value: 4096 }], ioServicedRecursive: [] },
  }).replace('"HERE"', '9223372036854771712'));
  assert.match(JSON.stringify(dataOf(2, figures)), /"limit":18446744073709551615/);
});

test('dataOf() leaves out what the host does not count', () => {
  const { perCpuNs, ...cpu } = { ...figures.cpu, periods: 10, throttledPeriods: 2, throttledNs: 3 };
  assert.ok(perCpuNs.length > 0);
  assert.deepEqual(JSON.parse(JSON.stringify(dataOf(2, { cpu, blockIo: { bytes: [], operations: [] } }))), {
    cpu: { usage: { total: 9, kernel: 5, user: 4 }, throttling: { periods: 10, throttledPeriods: 2, throttledTime: 3 } }, memory: {}, pids: {}, blkio: { ioServiceBytesRecursive: [], ioServicedRecursive: [] },
  });
});
