import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostConfig } from '../spec/docker/container.ts';
import { discardWhatCannotBe } from './discard.ts';

const nothing: Partial<HostConfig> = {
  Memory: 0, MemorySwappiness: null, OomKillDisable: false, BlkioWeight: 0, BlkioWeightDevice: [], BlkioDeviceReadBps: [], BlkioDeviceWriteBps: [], BlkioDeviceReadIOps: [], BlkioDeviceWriteIOps: [],
};
const host = (more: Partial<HostConfig>): HostConfig => ({ ...nothing, ...more }) as HostConfig;
const rate = [{ Path: '/dev/x', Rate: 1 }];
const all = host({ MemorySwappiness: 10, OomKillDisable: true, BlkioWeight: 500, BlkioWeightDevice: [{ Path: '/dev/x', Weight: 100 }], BlkioDeviceReadBps: rate, BlkioDeviceWriteBps: rate, BlkioDeviceReadIOps: rate, BlkioDeviceWriteIOps: rate });

test('discardWhatCannotBe() keeps what the kernel can limit', () => {
  const { hostConfig, warnings } = discardWhatCannotBe(all, { cgroupVersion: 1, hasSwapLimit: true, blockIo: { weight: true, deviceWeight: true, throttle: true } });
  assert.deepEqual(hostConfig, all);
  assert.deepEqual(warnings, ['OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.']);
});

test('discardWhatCannotBe() takes away what it cannot, and says so once for each', () => {
  const { hostConfig, warnings } = discardWhatCannotBe(all, { cgroupVersion: 2, hasSwapLimit: false, blockIo: { weight: false, deviceWeight: false, throttle: false } });
  assert.deepEqual(hostConfig, host({ OomKillDisable: null }));
  assert.equal(warnings.length, 8);
  assert.ok(warnings.every((warning) => warning.startsWith('Your kernel does not support ') && warning.endsWith(' discarded.')), warnings.join('\n'));
});

test('discardWhatCannotBe() has nothing to say of what was not asked', () => {
  const facts = { hasSwapLimit: false, blockIo: { weight: false, deviceWeight: false, throttle: false } };
  const of = (cgroupVersion: 1 | 2): unknown => discardWhatCannotBe(host({ OomKillDisable: null }), { cgroupVersion, ...facts });
  assert.deepEqual(of(1), { hostConfig: host({ OomKillDisable: false }), warnings: [] });
  assert.deepEqual(of(2), { hostConfig: host({ OomKillDisable: null }), warnings: [] });
});

test('discardWhatCannotBe() limits memory without swap where swap cannot be limited', () => {
  const facts = { cgroupVersion: 1, hasSwapLimit: false, blockIo: { weight: true, deviceWeight: true, throttle: true } } as const;
  assert.equal(discardWhatCannotBe(host({ Memory: 10_000_000, MemorySwap: 20_000_000 }), facts).hostConfig.MemorySwap, -1);
  assert.throws(() => discardWhatCannotBe(host({ BlkioWeight: 5 }), facts), { message: 'Range of blkio weight is from 10 to 1000' });
});
