// What an archive says about one image, before it is believed: the bytes of its configuration, how to get at each layer, its names.
import { createHash } from 'node:crypto';
import { digestOf, fail, type Digest } from '../base/index.ts';
import type { Descriptor } from '../spec/oci/image.ts';
import type { Reference } from '../spec/reference.ts';

export interface ImageSource {
  readonly config: Buffer;
  /** What the archive has of its target, when that is an index or can be given back byte for byte. */
  readonly target?: SourceTarget;
  /** Lowest first; each gives the layer's tar, compressed or not. */
  readonly layers: readonly (() => AsyncIterable<Uint8Array>)[];
  readonly references: readonly Reference[];
}

export interface SourceTarget {
  readonly descriptor: Descriptor;
  readonly children: readonly Descriptor[];
  readonly manifest: Descriptor;
  readonly blobs: readonly Descriptor[];
  /** The index and the manifest, as they came. */
  readonly documents: readonly Buffer[];
}

/** The same bytes; after the last one, throws when they were not those of `digest` (and `sizeBytes`). */
export async function* verified(bytes: AsyncIterable<Uint8Array>, digest: Digest, sizeBytes?: number): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = createHash('sha256');
  let length = 0;
  for await (const chunk of bytes) {
    hash.update(chunk);
    length += chunk.length;
    yield chunk;
  }
  const found = `sha256:${hash.digest('hex')}`;
  if (found !== digest) throw fail('invalid', `Content does not match its digest: expected ${digest}, got ${found}`);
  if (sizeBytes !== undefined && sizeBytes !== length) throw fail('invalid', `Content ${digest} has ${length} bytes instead of ${sizeBytes}`);
}

/** Small content, in memory. @throws `invalid` when it is not that of `digest`. */
export function verifiedBytes(bytes: Buffer, digest: Digest, sizeBytes = bytes.length): Buffer {
  const found = digestOf(bytes);
  if (found !== digest) throw fail('invalid', `Content does not match its digest: expected ${digest}, got ${found}`);
  if (sizeBytes !== bytes.length) throw fail('invalid', `Content ${digest} has ${bytes.length} bytes instead of ${sizeBytes}`);
  return bytes;
}

export async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
