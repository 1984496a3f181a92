import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import * as fc from 'fast-check';
import { isFail } from '../base/index.ts';
import { decompress } from './compression.ts';

async function* chunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(part);
  return Buffer.concat(parts);
}

test('decompress() gives back what was compressed, whatever the chunks', async () => {
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), fc.integer({ min: 1, max: 600 }), async (bytes, size) => {
    const plain = Buffer.concat([Buffer.from('plain'), bytes]);
    for (const packed of [plain, gzipSync(plain), zstdCompressSync(plain), Buffer.concat([gzipSync(plain.subarray(0, 3)), gzipSync(plain.subarray(3))])]) assert.ok((await collect(decompress(chunks(packed, size)))).equals(plain));
  }), { numRuns: 40 });
  assert.equal((await collect(decompress(chunks(Buffer.alloc(0), 1)))).length, 0);
});

test('decompress() stops a bomb', async () => {
  const bomb = zstdCompressSync(Buffer.alloc(64 << 20));
  await assert.rejects(collect(decompress(chunks(bomb, 100), 1 << 20)), (error: unknown) => isFail(error, 'too_large'));
});

test('decompress() closes its source when its reader stops early, and hands on the source\'s failure', async () => {
  let isClosed = false;
  const source = async function* (): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield gzipSync(Buffer.alloc(1 << 20));
    } finally {
      isClosed = true;
    }
  };
  for await (const _ of decompress(source())) break;
  await new Promise((resolve) => void setImmediate(resolve));
  assert.ok(isClosed);
  const failing = async function* (): AsyncGenerator<Uint8Array> {
    yield gzipSync(Buffer.alloc(1 << 20)).subarray(0, 50);
    throw new Error('gone');
  };
  await assert.rejects(collect(decompress(failing())), /^Error: gone$/);
});
