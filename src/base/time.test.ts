import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFail } from './errors.ts';
import { durationInWords, parseUnixNs, rfc3339, withNanoseconds, zeroTime } from './time.ts';

test('durationInWords() says what Docker says at every border', () => {
  const second = 1000, minute = 60 * second, hour = 60 * minute, day = 24 * hour;
  const cases: readonly (readonly [number, string])[] = [
    [999, 'Less than a second'], [1000, '1 second'], [59 * second, '59 seconds'], [minute, 'About a minute'], [2 * minute, '2 minutes'],
    [46 * minute, '46 minutes'], [hour, 'About an hour'], [89 * minute, 'About an hour'], [90 * minute, '2 hours'], [47 * hour, '47 hours'],
    [48 * hour, '2 days'], [13 * day, '13 days'], [14 * day, '2 weeks'], [60 * day, '2 months'], [729 * day, '24 months'], [730 * day, '2 years'],
  ];
  for (const [ms, words] of cases) assert.equal(durationInWords(ms), words);
});

test('parseUnixNs() takes seconds with a fraction and refuses words', () => {
  assert.equal(parseUnixNs('1700000000.5', 'since'), 1_700_000_000_500_000_000n);
  assert.equal(parseUnixNs('1700000000.123456789', 'since'), 1_700_000_000_123_456_789n);
  assert.throws(() => parseUnixNs('yesterday', 'since'), (error) => isFail(error, 'invalid') && error.message.includes('since'));
});

test('withNanoseconds() pads a fraction to nine digits', () => {
  assert.equal(withNanoseconds('2026-01-02T03:04:05.6Z'), '2026-01-02T03:04:05.600000000Z');
  assert.equal(withNanoseconds('2026-01-02T03:04:05Z'), '2026-01-02T03:04:05.000000000Z');
});

test('rfc3339() has a word for a time that has not come', () => {
  assert.equal(rfc3339(undefined), zeroTime);
});
