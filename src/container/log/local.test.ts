import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assert as always, constantFrom, property, uint8Array } from 'fast-check';
import { localFormat } from './local.ts';

const time = '2026-11-24T08:10:33.538686127Z';

function decoded(text: string) {
  assert.ok(text.endsWith('\n'));
  return text.slice(0, -1).split('\n').map((line) => {
    const entry = localFormat.decode(line);
    assert.ok(entry !== undefined, line);
    return entry;
  });
}

test('localFormat gives back whatever bytes a program wrote', () => {
  always(property(uint8Array({ maxLength: 200 }), constantFrom('stdout', 'stderr'), (bytes, stream) => {
    // Whole lines, or one piece without a newline: what the log hands over.
    const raw = Buffer.concat([bytes, Buffer.from('\n')]);
    for (const piece of [raw, Buffer.from(bytes.filter((byte) => byte !== 10))].filter(({ length }) => length > 0)) {
      const entries = decoded(Buffer.from(localFormat.encode(piece, stream, time)).toString('latin1'));
      assert.deepEqual(Buffer.concat(entries.map((entry) => entry.bytes)), piece);
      assert.ok(entries.every((entry) => entry.stream === stream && entry.time === time));
    }
  }));
});

test('localFormat knows what is no entry of its own', () => {
  for (const line of ['', 'o', 'o123', '{"log":"x"}', 'x69242b2938d1e5af']) assert.equal(localFormat.decode(line), undefined, line);
});
