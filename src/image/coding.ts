// The coding of a layer's blob: how its tar is compressed, as far as that can be done again with the same bytes (docs/decisions/0013). The output of a
// compressor depends on its version, and zstd's on the pieces that it is fed: they have one size here.
import type { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, crc32, createDeflateRaw, createZstdCompress } from 'node:zlib';
import type { Coding } from './target.ts';

export type Compression = Extract<Coding, { kind: 'gzip' | 'zstd' }>;

const pieceBytes = 64 * 1024;
const outputBytes = 256 * 1024;

/** What a layer that was made here is compressed with when it leaves. The header: deflate, no name, no time, by Unix. RFC 1952. */
export const codings: Readonly<Record<'gzip' | 'zstd', Compression>> = {
  gzip: { kind: 'gzip', level: 6, header: '1f8b0800000000000003' },
  zstd: { kind: 'zstd', level: 3 },
};

/** The blob of a tar. */
export function encode(tar: AsyncIterable<Uint8Array>, coding: Compression | { readonly kind: 'plain' }): AsyncIterable<Uint8Array> {
  if (coding.kind === 'gzip') return gzip(tar, coding);
  if (coding.kind === 'plain') return pieces(tar);
  return through(pieces(tar), createZstdCompress({ chunkSize: outputBytes, params: { [constants.ZSTD_c_compressionLevel]: coding.level } }));
}

async function* gzip(tar: AsyncIterable<Uint8Array>, { level, header }: Extract<Compression, { kind: 'gzip' }>): AsyncGenerator<Uint8Array, void, undefined> {
  const sum = { crc: 0, bytes: 0 };
  yield Buffer.from(header, 'hex');
  yield* through(summed(pieces(tar), sum), createDeflateRaw({ level, chunkSize: outputBytes }));
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(sum.crc, 0);
  trailer.writeUInt32LE(sum.bytes % 2 ** 32, 4);
  yield trailer;
}

/** What comes out of `stream` when `bytes` go in; a failure of either is thrown. */
async function* through(bytes: AsyncIterable<Uint8Array>, stream: Transform): AsyncGenerator<Uint8Array, void, undefined> {
  const fed = pipeline(bytes, stream);
  // Its failure ends the stream as well, and is thrown from there.
  fed.catch(() => undefined);
  yield* stream as AsyncIterable<Uint8Array>;
  await fed;
}

async function* summed(bytes: AsyncIterable<Uint8Array>, sum: { crc: number; bytes: number }): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of bytes) {
    sum.crc = crc32(piece, sum.crc);
    sum.bytes += piece.length;
    yield piece;
  }
}

/** The same bytes in pieces of one size, but for the last. */
async function* pieces(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  let piece = Buffer.allocUnsafe(pieceBytes);
  let length = 0;
  for await (const chunk of bytes) {
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + pieceBytes - length);
      piece.set(part, length);
      length += part.length;
      at += part.length;
      if (length < pieceBytes) continue;
      yield piece;
      piece = Buffer.allocUnsafe(pieceBytes);
      length = 0;
    }
  }
  if (length > 0) yield piece.subarray(0, length);
}
