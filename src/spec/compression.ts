// Takes the compression off a stream, by what its first bytes are (gzip, zstd, none), whatever name or media type came with it.
// A small file can be made to grow without end ("bomb"): past a gibibyte, what comes out may be at most a thousand times what went in.
import type { Transform } from 'node:stream';
import { finished } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { again, fail, giveBack, isFail, messageOf } from '../base/index.ts';

const chunkBytes = 256 << 10;
/** By so many of its first bytes a stream is known. */
export const magicBytes = 6;
const ratioMax = 1000;

/** A chunk is valid until the next one is asked for. @throws `invalid` for a broken stream, `unsupported` for xz and bzip2, `too_large` for a bomb. */
export async function* decompress(source: AsyncIterable<Uint8Array>, ratioFreeBytes = 2 ** 30): AsyncGenerator<Uint8Array, void, undefined> {
  const { magic, whole } = await peek(source);
  const format = compressionOf(magic);
  if (format === 'none') {
    yield* whole;
    return;
  }
  const stream = format === 'gzip' ? createGunzip({ chunkSize: chunkBytes }) : createZstdDecompress({ chunkSize: chunkBytes });
  const counter = { in: 0, out: 0 };
  const fed = feed(stream, whole, counter);
  // Its failure ends the stream as well, and is thrown from there.
  fed.catch(() => undefined);
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      counter.out += chunk.length;
      if (counter.out > ratioFreeBytes && counter.out > ratioMax * counter.in) throw fail('too_large', `The archive grows to more than ${ratioMax} times its size when it is decompressed`);
      yield chunk;
      giveBack(chunk);
    }
    await fed;
  } catch (error) {
    throw isCodecError(error) ? fail('invalid', `Cannot decompress the archive (${format}): ${messageOf(error)}`, { cause: error }) : error;
  }
}

/** @throws `unsupported` for xz and bzip2 */
export function compressionOf(magic: Buffer): 'gzip' | 'zstd' | 'none' {
  if (magic[0] === 0x1f && magic[1] === 0x8b) return 'gzip';
  // A zstd frame, or a skippable one that some tools write before it.
  const word = magic.length >= 4 ? magic.readUInt32LE(0) : 0;
  if (word === 0xfd2fb528 || word >>> 4 === 0x184d2a5) return 'zstd';
  const unsupported = magic.equals(Buffer.from('fd377a585a00', 'hex')) ? 'xz' : magic.toString('latin1', 0, 3) === 'BZh' ? 'bzip2' : undefined;
  if (unsupported !== undefined) throw fail('unsupported', `The archive is compressed with ${unsupported}, which is not supported`, { hint: `Decompress it first, for example: ${unsupported} -dc FILE | estiva load` });
  return 'none';
}

async function peek(source: AsyncIterable<Uint8Array>): Promise<{ readonly magic: Buffer; readonly whole: AsyncIterable<Uint8Array> }> {
  const iterator = source[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  let length = 0;
  while (length < magicBytes) {
    const next = await iterator.next();
    if (next.done === true) break;
    first.push(Buffer.from(next.value));
    length += next.value.length;
  }
  return { magic: Buffer.concat(first).subarray(0, magicBytes), whole: again(first, iterator) };
}

/** Chunk by chunk: a source may use the memory of one again when the next is asked for. */
async function feed(stream: Transform, source: AsyncIterable<Uint8Array>, counter: { in: number }): Promise<void> {
  try {
    for await (const chunk of source) {
      counter.in += chunk.length;
      await new Promise<void>((resolve, reject) => { stream.write(chunk, (error) => (error ? reject(error) : resolve())); });
    }
    stream.end();
    await finished(stream);
  } catch (error) {
    stream.destroy(error as Error);
    throw error;
  }
}

function isCodecError(error: unknown): boolean {
  return !isFail(error) && error instanceof Error && 'code' in error && typeof error.code === 'string' && /^(Z_|ZSTD_)/.test(error.code);
}
