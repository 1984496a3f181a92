import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fail, isFail } from '../../base/index.ts';
import { changeLimits, inWritableOrder, type LimitFiles } from './change.ts';
import { limitsVersion1, limitsVersion2, type Limit } from './limit.ts';

/** Files in memory; `refuses` cannot be written. */
function files(texts: Map<string, string>, refuses = ''): LimitFiles {
  return {
    read: (_controller, file) => texts.get(file),
    write: ({ file, value, otherwise }: Limit) => {
      if (file === refuses) throw fail('invalid', file);
      if (texts.has(file)) texts.set(file, value);
      else texts.set(otherwise!.file, otherwise!.value);
    },
  };
}

test('changeLimits() writes what differs, and returns what puts the former values back', () => {
  const texts = new Map([['memory.max', 'max'], ['memory.swap.max', 'max'], ['pids.max', '50']]);
  const putBack = changeLimits(limitsVersion2({ memory: { limit: 100, swap: 150 }, pids: { limit: 50 } }), files(texts));
  assert.deepEqual([...texts.values()], ['100', '50', '50']);
  putBack();
  assert.deepEqual([...texts.values()], ['max', 'max', '50']);
});

test('changeLimits() puts back what it wrote before a refusal', () => {
  const texts = new Map([['cpu.weight', '100'], ['memory.max', 'max'], ['pids.max', 'max']]);
  assert.throws(() => changeLimits(limitsVersion2({ memory: { limit: 100 }, cpu: { shares: 512 }, pids: { limit: 5 } }), files(texts, 'pids.max')), (error) => isFail(error, 'invalid'));
  assert.deepEqual([...texts.values()], ['100', 'max', 'max']);
});

test('changeLimits() puts a device\'s own line back, and takes away what a device did not have', () => {
  const texts = new Map([['io.max', '8:0 rbps=1000 wbps=max riops=max wiops=max\n8:16 rbps=7 wbps=max riops=max wiops=max']]);
  const written: string[] = [];
  const write = ({ value }: Limit): void => void written.push(value);
  const rates = [0, 32].map((minor) => ({ major: 8, minor, rate: 5 }));
  changeLimits(limitsVersion2({ blockIO: { throttleReadBpsDevice: rates } }), { ...files(texts), write })();
  assert.deepEqual(written, ['8:0 rbps=5', '8:32 rbps=5', '8:32 rbps=max', '8:0 rbps=1000 wbps=max riops=max wiops=max']);
});

test('changeLimits() uses the other file where there is one', () => {
  const texts = new Map([['blkio.bfq.weight', '100']]);
  const putBack = changeLimits(limitsVersion1({ blockIO: { weight: 300 } }), files(texts));
  assert.equal(texts.get('blkio.bfq.weight'), '300');
  putBack();
  assert.equal(texts.get('blkio.bfq.weight'), '100');
});

test('inWritableOrder() raises memory and swap together before memory, and lowers memory first', () => {
  const order = (limit: number, swap: number, sumNow: number) => inWritableOrder(limitsVersion1({ memory: { limit, swap } }), sumNow).map(({ controller }) => controller);
  assert.deepEqual(order(200, 400, 100), ['swap', 'memory']);
  assert.deepEqual(order(-1, -1, 100), ['swap', 'memory']);
  assert.deepEqual(order(50, 60, 100), ['memory', 'swap']);
});
