import assert from 'node:assert/strict';
import { test } from 'node:test';
import { giveBack } from '../../base/index.ts';
import { ByteReader } from './byte-reader.ts';

test('the end is the end as often as it is asked for, also when the source has given its last memory back', async () => {
  const source = async function* pieces(): AsyncGenerator<Uint8Array, void, undefined> {
    for (const text of ['abc', 'de']) {
      const piece = new Uint8Array(Buffer.from(text));
      yield piece;
      giveBack(piece);
    }
  };
  const reader = new ByteReader(source());
  assert.equal((await reader.exactly(4)).toString(), 'abcd');
  assert.equal((await reader.some(10))?.toString(), 'e');
  for (let i = 0; i < 2; i++) assert.equal(await reader.some(10), undefined);
  assert.deepEqual([(await reader.exactly(3)).length, await reader.skip(1), reader.position], [0, false, 5]);
});
