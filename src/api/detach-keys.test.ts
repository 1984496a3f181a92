import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFail } from '../base/index.ts';
import { parseDetachKeys, watchDetachKeys } from './detach-keys.ts';

const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));
const typing = (keys: string, ...chunks: string[]) => {
  const watch = watchDetachKeys(parseDetachKeys(keys));
  const results = chunks.map((chunk) => watch(bytes(chunk)));
  return { passed: results.map(({ passed }) => Buffer.from(passed).toString('latin1')).join('|'), detached: results.some(({ detached }) => detached) };
};

test('parseDetachKeys() reads characters, control keys and the default', () => {
  assert.deepEqual([...parseDetachKeys('')], [16, 17]);
  assert.deepEqual([...parseDetachKeys('ctrl-@,a,ctrl-_,ctrl-\\,DEL')], [0, 97, 31, 28, 127]);
  for (const bad of ['foo', 'ctrl-', 'ctrl-A1', 'a,,b', 'é']) assert.throws(() => parseDetachKeys(bad), (error) => isFail(error, 'invalid'));
});

test('watchDetachKeys() detaches on the whole sequence, in one chunk or in two', () => {
  assert.deepEqual(typing('', 'ls\x10\x11rest'), { passed: 'ls', detached: true });
  assert.deepEqual(typing('', 'ls\x10', '\x11'), { passed: 'ls|', detached: true });
});

test('watchDetachKeys() gives back keys that were only a beginning', () => {
  assert.deepEqual(typing('', '\x10', 'x'), { passed: '|\x10x', detached: false });
  assert.deepEqual(typing('', '\x10\x10\x11'), { passed: '\x10', detached: true });
  assert.deepEqual(typing('a,a,b', 'aaab'), { passed: 'a', detached: true });
});

test('watchDetachKeys() passes other bytes untouched', () => {
  assert.deepEqual(typing('', 'a\x11b\x00\xff'), { passed: 'a\x11b\x00\xff', detached: false });
});
