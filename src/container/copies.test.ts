import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFail, newContainerId } from '../base/index.ts';
import { Copies, until } from './copies.ts';

test('writersDone() waits for those who write to this container, and for nobody else', async () => {
  const copies = new Copies();
  const [id, other] = [newContainerId(), newContainerId()];
  await copies.writersDone(id);
  const writers = [copies.begin(id, 'write'), copies.begin(id, 'write')];
  copies.begin(id, 'read');
  copies.begin(other, 'write');
  let isDone = false;
  const done = copies.writersDone(id).then(() => { isDone = true; });
  for (const writer of writers) {
    await new Promise<void>((resolve) => { setImmediate(resolve); });
    assert.equal(isDone, false);
    writer[Symbol.dispose]();
  }
  await done;
});

test('end() tells all copies of a container why they end, and only those', () => {
  const copies = new Copies();
  const [id, other] = [newContainerId(), newContainerId()];
  const [over, reader, writer, others] = [copies.begin(id, 'read'), copies.begin(id, 'read'), copies.begin(id, 'write'), copies.begin(other, 'read')];
  over[Symbol.dispose]();
  copies.end(id);
  assert.deepEqual([over, reader, writer, others].map(({ removed }) => removed.aborted), [false, true, true, false]);
  assert.ok(isFail(reader.removed.reason, 'conflict'));
});

test('until() gives nothing more once its signal is aborted, and closes its source', async () => {
  const stop = new AbortController();
  let isClosed = false;
  const source = async function* (): AsyncGenerator<Uint8Array> {
    try {
      yield* [Buffer.from('a'), Buffer.from('b')];
    } finally {
      isClosed = true;
    }
  };
  const seen: string[] = [];
  await assert.rejects(async () => {
    for await (const piece of until(source(), stop.signal)) {
      seen.push(Buffer.from(piece).toString());
      stop.abort(new Error('removed'));
    }
  }, /^Error: removed$/);
  assert.deepEqual([seen, isClosed], [['a'], true]);
});

test('until() that is aborted after the last piece does not say that all came', async () => {
  const stop = new AbortController();
  const read = async (): Promise<void> => { for await (const _ of until((async function* () { yield await Promise.resolve(Buffer.from('a')); })(), stop.signal)) stop.abort(new Error('removed')); };
  await assert.rejects(read(), /^Error: removed$/);
});
