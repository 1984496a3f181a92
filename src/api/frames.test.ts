import assert from 'node:assert/strict';
import { PassThrough, Writable } from 'node:stream';
import { test } from 'node:test';
import type { OutputChunk } from '../engine/index.ts';
import { frameHeader, sendOutput, streamType } from './frames.ts';

test('frameHeader() says which stream and how long', () => {
  assert.deepEqual([...frameHeader('stdout', 0x01020304)], [1, 0, 0, 0, 1, 2, 3, 4]);
  assert.equal(frameHeader('stderr', 1)[0], 2);
});

test('streamType() knows what clients of which version call it', () => {
  assert.deepEqual([streamType(false, 42), streamType(false, 41), streamType(true, 51)].map((type) => type.split('.').at(-1)), ['multiplexed-stream', 'raw-stream', 'raw-stream']);
});

test('sendOutput() pulls no faster than the client reads, and ends when the client goes', async () => {
  let pulled = 0;
  async function* endless(): AsyncGenerator<OutputChunk> {
    for (;;) {
      pulled += 1;
      yield { stream: 'stdout', bytes: new Uint8Array(1 << 16) };
    }
  }
  const stuck = new Writable({ write: () => undefined });
  const sending = sendOutput(stuck, endless(), true);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(pulled, 1);
  stuck.destroy();
  await sending;
});

test('sendOutput() sends what is there at once in one write', async () => {
  async function* three(): AsyncGenerator<OutputChunk> {
    for (const text of ['a', 'b', 'c']) yield { stream: 'stdout', bytes: Buffer.from(text) };
  }
  const writes: number[] = [];
  const writer = new PassThrough();
  writer.write = (chunk: unknown) => {
    writes.push((chunk as Buffer).length);
    return true;
  };
  await sendOutput(writer, three(), true);
  assert.deepEqual(writes, [27]);
});
