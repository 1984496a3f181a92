import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFail } from '../../base/index.ts';
import { checkAvailable, parseCpuList } from './cpu-list.ts';

test('parseCpuList() reads numbers and ranges', () => assert.deepEqual(parseCpuList('0-3,5,7-7', 'cpus'), [[0, 3], [5, 5], [7, 7]]));

const refused: readonly [text: string, message: string][] = [
  ['abc', 'Invalid value abc for cpuset cpus: invalid format: abc'],
  ['1-2147483647', 'Invalid value 1-2147483647 for cpuset cpus: value of out range, maximum is 8192'],
  ['0,', 'Invalid value 0, for cpuset cpus: invalid format: '],
  ['3-1', 'Invalid value 3-1 for cpuset cpus: invalid format: 3-1'],
  ['-1', 'Invalid value -1 for cpuset cpus: invalid format: -1'],
];
for (const [text, message] of refused) test(`parseCpuList() refuses ${JSON.stringify(text)} in Docker's words`, () => assert.throws(() => parseCpuList(text, 'cpus'), { message }));

test('checkAvailable() names what was asked and what is there', () => {
  checkAvailable('0,2-3', 'cpus', '0-3');
  assert.throws(() => checkAvailable('0-4', 'cpus', '0-3'), { message: 'Requested CPUs are not available - requested 0-4, available: 0-3' });
  assert.throws(() => checkAvailable('1', 'mems', '0'), { message: 'Requested memory nodes are not available - requested 1, available: 0' });
});

test('checkAvailable() answers at once for huge lists', () => {
  const startedAt = performance.now();
  assert.throws(() => checkAvailable('0-8192,'.repeat(3000), 'cpus', '0-8192'), (error) => isFail(error, 'invalid'));
  assert.throws(() => checkAvailable(`${'0-8192,'.repeat(2000)}0`, 'cpus', '0-1'), (error) => isFail(error, 'invalid'));
  assert.ok(performance.now() - startedAt < 200);
});
