import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLinkFigures, readLinkFigures } from './link-figures.ts';

test('parseLinkFigures() reads both directions of each link but loopback', () => {
  const text = [
    'Inter-|   Receive                                                |  Transmit',
    ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed',
    '    lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0',
    '  eth0:     646       5    1    2    0     0          0         0       84       2    3    4    0     0       0          0',
    'eth0.7:12345678901       5    0    0    0     0          0         0        0       0    0    0    0     0       0          0', '',
  ].join('\n');
  assert.deepEqual(parseLinkFigures(text)[0], { name: 'eth0', received: { bytes: 646, packets: 5, errors: 1, dropped: 2 }, sent: { bytes: 84, packets: 2, errors: 3, dropped: 4 } });
  assert.deepEqual(parseLinkFigures(text).map(({ name, received }) => [name, received.bytes]), [['eth0', 646], ['eth0.7', 12_345_678_901]]);
});

test('readLinkFigures() knows no process that is gone', () => {
  assert.equal(readLinkFigures(2 ** 22 + 1), undefined);
});
