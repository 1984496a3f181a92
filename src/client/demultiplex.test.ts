import assert from 'node:assert/strict';
import { test } from 'node:test';
import { demultiplexer } from './demultiplex.ts';

function frame(stream: number, text: string): Buffer {
  const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
}

const wire = Buffer.concat([frame(1, 'hello '), frame(2, 'warning'), frame(1, ''), frame(1, 'world')]);

test('demultiplexer() gives the same for frames cut at any byte', () => {
  for (let size = 1; size <= wire.length; size += 1) {
    const got = { stdout: '', stderr: '' };
    const feed = demultiplexer((stream, bytes) => { got[stream] += bytes.toString(); });
    for (let at = 0; at < wire.length; at += size) feed(wire.subarray(at, at + size));
    assert.deepEqual(got, { stdout: 'hello world', stderr: 'warning' }, `chunks of ${size}`);
  }
});

test('demultiplexer() refuses a stream that is not there', () => {
  assert.throws(() => demultiplexer(() => undefined)(frame(7, 'x')), /Unrecognized input header: 7/);
});

test('demultiplexer() takes 200 MB of frames in less than a second of CPU', () => {
  const payload = 'x'.repeat(32 * 1024);
  const chunk = Buffer.concat([frame(1, payload), frame(1, payload)]);
  let bytes = 0;
  const feed = demultiplexer((_, part) => { bytes += part.length; });
  const before = process.cpuUsage();
  for (let fed = 0; fed < 200e6; fed += chunk.length) feed(chunk);
  const { user, system } = process.cpuUsage(before);
  assert.ok(bytes >= 200e6 * 0.99);
  assert.ok(user + system < 1e6, `${(user + system) / 1000} ms`);
});
