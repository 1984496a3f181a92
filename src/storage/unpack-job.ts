// A layer from its tar to the disk: unpacked, its digest known, all of it durable. This is what runs in a worker (unpack-worker.ts), away from the
// engine's thread: system calls that write block as long as the disk wants, and syncfs may take seconds.
import { createHash } from 'node:crypto';
import type { Digest } from '../base/index.ts';
import type { Fd } from '../kernel/index.ts';
import { unpackTree, type Unpacked } from './unpack.ts';

export interface UnpackedLayer extends Unpacked {
  readonly diffId: Digest;
}

/** `root` is taken over and closed. With `durable`, it returns when the whole filesystem's writes up to here are on disk. */
export async function unpackLayer(tar: AsyncIterable<Uint8Array>, root: Fd, durable: boolean, signal?: AbortSignal): Promise<UnpackedLayer> {
  const hash = createHash('sha256');
  const unpacked = await unpackTree(hashing(tar, hash), root, { signal, durable });
  return { ...unpacked, diffId: `sha256:${hash.digest('hex')}` as Digest };
}

async function* hashing(bytes: AsyncIterable<Uint8Array>, hash: { update(chunk: Uint8Array): unknown }): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of bytes) {
    hash.update(chunk);
    yield chunk;
  }
}
