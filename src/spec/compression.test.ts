import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
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
  for await (const part of source) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

test('decompress() gives back what was compressed, whatever the chunks', async () => {
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), fc.integer({ min: 1, max: 600 }), async (bytes, size) => {
    const plain = Buffer.concat([Buffer.from('plain'), bytes]);
    for (const packed of [plain, gzipSync(plain), zstdCompressSync(plain), Buffer.concat([gzipSync(plain.subarray(0, 3)), gzipSync(plain.subarray(3))])]) assert.ok((await collect(decompress(chunks(packed, size)))).equals(plain));
  }), { numRuns: 40 });
  assert.equal((await collect(decompress(chunks(Buffer.alloc(0), 1)))).length, 0);
});

test('decompress() is done with a chunk of its source when it asks for the next one', async () => {
  const plain = randomBytes(1 << 20);
  const shared = Buffer.alloc(5000);
  const reusing = async function* (bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks(bytes, size)) yield shared.fill(0).subarray(0, Buffer.from(chunk).copy(shared));
    shared.fill(0);
  };
  // Chunks smaller than the magic number, too.
  for (const [packed, size] of [[gzipSync(plain), 5000], [zstdCompressSync(plain), 5000], [gzipSync(plain.subarray(0, 1000)), 2]] as const) {
    const found = await collect(decompress(reusing(packed, size)));
    assert.ok(found.equals(plain.subarray(0, found.length)));
  }
});

test('decompress() stops a bomb', async () => {
  const bomb = zstdCompressSync(Buffer.alloc(64 << 20));
  await assert.rejects(collect(decompress(chunks(bomb, 100), 1 << 20)), (error: unknown) => isFail(error, 'too_large'));
});

test('decompress() closes its source when its reader stops early, and hands on the source\'s failure', async () => {
  const closed = Promise.withResolvers<void>();
  const source = async function* (): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield gzipSync(Buffer.alloc(1 << 20));
    } finally {
      closed.resolve();
    }
  };
  for await (const _ of decompress(source())) break;
  // What is being decompressed in another thread comes to its end before.
  await closed.promise;
  const failing = async function* (): AsyncGenerator<Uint8Array> {
    yield gzipSync(Buffer.alloc(1 << 20)).subarray(0, 50);
    throw new Error('gone');
  };
  await assert.rejects(collect(decompress(failing())), /^Error: gone$/);
});
