import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cache } from './cache.ts';
import type { Answer } from './message.ts';

const answer = (ttlSeconds: number, length = 100): Answer => ({ bytes: Buffer.alloc(length), rcode: 0, isTruncated: false, ttlsAt: [], ttlSeconds });

test('Cache: an answer is there for its time, and its age is told', () => {
  let now = 0;
  const cache = new Cache(() => now);
  cache.keep('a', answer(10));
  now = 9_900;
  assert.equal(cache.get('a')?.ageSeconds, 9);
  now = 10_000;
  assert.equal(cache.get('a'), undefined);
  assert.equal(cache.size, 0);
  cache.keep('never', answer(0));
  assert.equal(cache.size, 0);
  cache.keep('for ever', answer(0x7fffffff));
  now += 3_600_000;
  assert.equal(cache.get('for ever'), undefined, 'an hour is the most');
});

test('Cache: bounded in number and in bytes; who was asked for lately stays', () => {
  const cache = new Cache(() => 0);
  cache.keep('first', answer(10));
  for (let i = 0; i < 4096; i++) {
    cache.get('first');
    cache.keep(`${i}`, answer(10));
  }
  assert.equal(cache.size, 4096);
  assert.ok(cache.get('first') !== undefined && cache.get('0') === undefined);
  for (let i = 0; i < 100; i++) cache.keep(`large ${i}`, answer(10, 60_000));
  assert.ok(cache.size <= 4 * 1024 * 1024 / 60_000 + 1, `${cache.size}`);
});
