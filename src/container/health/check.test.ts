import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFail } from '../../base/index.ts';
import { afterProbe, checkHealthcheck, healthCheckOf, ignoredHealthcheck, mergeHealthcheck, nextProbeMs, startingHealth, type Health, type HealthCheck } from './check.ts';

const check: HealthCheck = { command: ['true'], intervalMs: 30_000, timeoutMs: 30_000, startPeriodMs: 0, startIntervalMs: 5_000, retries: 3 };
const probed = (exitCode: number) => ({ startedAt: new Date(0), endedAt: new Date(1), exitCode, output: String(exitCode) });

function after(codes: readonly number[], options: Partial<HealthCheck> = {}, ranMs = 1000): Health {
  return codes.reduce((health, code) => afterProbe(health, probed(code), { ...check, ...options }, ranMs), startingHealth(undefined));
}

test('healthCheckOf() fills in Docker\'s figures and runs a shell\'s command in the image\'s shell', () => {
  assert.deepEqual(healthCheckOf({ Healthcheck: { Test: ['CMD', 'true'] } }), check);
  const all = healthCheckOf({ Healthcheck: { Test: ['CMD-SHELL', 'a b'], Interval: 1e9, Timeout: 2e9, StartPeriod: 3e9, StartInterval: 1e6, Retries: 7 }, Shell: ['/bin/ash', '-ec'] });
  assert.deepEqual(all, { command: ['/bin/ash', '-ec', 'a b'], intervalMs: 1000, timeoutMs: 2000, startPeriodMs: 3000, startIntervalMs: 1, retries: 7 });
});

test('healthCheckOf() makes none where none is asked for, or nothing can be run; ignoredHealthcheck() says so of the latter', () => {
  for (const Healthcheck of [undefined, {}, { Interval: 1e9 }, { Test: [] }, { Test: ['NONE'] }]) {
    const config = Healthcheck === undefined ? {} : { Healthcheck };
    assert.deepEqual([healthCheckOf(config), ignoredHealthcheck(config)], [undefined, undefined]);
  }
  assert.equal(healthCheckOf({ Healthcheck: { Test: ['CMD'] } }), undefined);
  assert.match(ignoredHealthcheck({ Healthcheck: { Test: ['CMD'] } }) ?? '', /CMD has no command/);
  assert.match(ignoredHealthcheck({ Healthcheck: { Test: ['BOGUS', 'x'] } }) ?? '', /type is "BOGUS", neither CMD nor CMD-SHELL/);
});

test('mergeHealthcheck() takes from the image what was not asked for', () => {
  const image = { Test: ['CMD', 'true'], Interval: 1e9, Retries: 5 };
  assert.deepEqual(mergeHealthcheck(undefined, image), image);
  assert.deepEqual(mergeHealthcheck({ Test: [], Interval: 2e9 }, image), { ...image, Interval: 2e9 });
  assert.deepEqual(mergeHealthcheck({ Test: ['NONE'] }, image)?.Test, ['NONE']);
});

test('afterProbe() is unhealthy after so many failures in a row, healthy after one success', () => {
  assert.deepEqual([after([1]).status, after([1]).failingStreak, after([1, 1]).status], ['starting', 1, 'starting']);
  assert.deepEqual([after([1, 1, 1]).status, after([1, 1, 1]).failingStreak], ['unhealthy', 3]);
  assert.equal(after([1, -1, 137]).status, 'unhealthy');
  assert.deepEqual([after([1, 1, 1, 0]).status, after([1, 1, 1, 0]).failingStreak], ['healthy', 0]);
  assert.equal(after([0, 1, 1]).status, 'healthy');
  assert.equal(after([1], { retries: 1 }).status, 'unhealthy');
});

test('afterProbe() does not count failures in the start period, unless it was healthy already', () => {
  assert.deepEqual([after([1, 1, 1, 1], { startPeriodMs: 2000 }).status, after([1, 1], { startPeriodMs: 2000 }).failingStreak], ['starting', 0]);
  assert.equal(after([1, 1, 1], { startPeriodMs: 2000 }, 2000).status, 'unhealthy');
  assert.equal(after([0, 1, 1, 1], { startPeriodMs: 2000 }).status, 'unhealthy');
});

test('afterProbe() keeps the last five results, of earlier runs too', () => {
  const health = after([0, 1, 2, 3, 4, 5, 6]);
  assert.deepEqual(health.log.map(({ exitCode }) => exitCode), [2, 3, 4, 5, 6]);
  assert.deepEqual(startingHealth(health), { status: 'starting', failingStreak: 0, log: health.log });
});

test('nextProbeMs() is the start interval while it is starting in its start period', () => {
  const starting = { ...check, startPeriodMs: 10_000 };
  assert.deepEqual([nextProbeMs(starting, 'starting', 9999), nextProbeMs(starting, 'starting', 10_000), nextProbeMs(starting, 'healthy', 0), nextProbeMs(check, 'starting', 0)], [5000, 30_000, 30_000, 30_000]);
});

test('checkHealthcheck() refuses times below a millisecond and negative retries, in dockerd\'s words', () => {
  for (const name of ['Interval', 'Timeout', 'StartPeriod', 'StartInterval']) {
    for (const ns of [100, -1]) assert.throws(() => checkHealthcheck({ [name]: ns }), (error) => isFail(error, 'invalid') && error.message === `${name} in Healthcheck cannot be less than 1ms`);
  }
  assert.throws(() => checkHealthcheck({ Retries: -1 }), (error) => isFail(error, 'invalid') && error.message === 'Retries in Healthcheck cannot be negative');
  checkHealthcheck({ Interval: 1e6, Timeout: 0, Retries: 0 });
});
