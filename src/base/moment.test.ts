import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDuration, unixTimeOf } from './moment.ts';

test('parseDuration() reads what Go reads', () => {
  assert.equal(parseDuration('1m30s'), 90_000);
  assert.equal(parseDuration('1.5h'), 5_400_000);
  assert.equal(parseDuration('10'), undefined);
});

test('unixTimeOf() knows times, seconds and durations', () => {
  const now = new Date('2026-01-02T03:04:05.678Z');
  assert.equal(unixTimeOf('2026-01-02T03:04:05Z', now), '1767323045.000000000');
  assert.equal(unixTimeOf('2026-01-02T03:04:05.5Z', now), '1767323045.500000000');
  assert.equal(unixTimeOf('1767323045.25', now), '1767323045.25');
  assert.equal(unixTimeOf('5s', now), '1767323040.678000000');
  assert.equal(unixTimeOf('yesterday', now), undefined);
});
