// A tar from its bytes to the disk. This is what runs in a worker (unpack-worker.ts), away from the engine's thread: system calls that write block as
// long as the disk wants, and syncfs may take seconds.
import { createHash } from 'node:crypto';
import type { Digest } from '../base/index.ts';
import type { Fd } from '../kernel/index.ts';
import { FrameWriter } from './frame.ts';
import { unpackTree, type CopyRules, type Unpacked } from './unpack.ts';

/** What becomes of a tar. Everything named here is taken over and closed. */
export type UnpackJob =
  /** A new layer, and its frame in an empty directory. */
  | { readonly what: 'layer'; readonly root: Fd; readonly frame: Fd }
  /** A copy into a container's directory. */
  | { readonly what: 'copy'; readonly root: Fd; readonly rules: CopyRules };

export interface UnpackedLayer extends Unpacked {
  readonly diffId: Digest;
  /** Length of the tar. */
  readonly tarBytes: number;
}

/** With `durable`, it returns when the whole filesystem's writes up to here are on disk. A copy is as durable as what the container itself writes. */
export async function runUnpackJob(tar: AsyncIterable<Uint8Array>, job: UnpackJob, durable: boolean, signal?: AbortSignal): Promise<Unpacked | UnpackedLayer> {
  if (job.what === 'copy') return unpackTree(tar, job.root, { signal, durable: false, copy: job.rules });
  const hash = createHash('sha256');
  const counter = { bytes: 0 };
  using frame = new FrameWriter(job.frame);
  const unpacked = await unpackTree(hashing(tar, hash, counter), job.root, { signal, durable, frame });
  return { ...unpacked, diffId: `sha256:${hash.digest('hex')}` as Digest, tarBytes: counter.bytes };
}

async function* hashing(bytes: AsyncIterable<Uint8Array>, hash: { update(chunk: Uint8Array): unknown }, counter: { bytes: number }): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of bytes) {
    hash.update(chunk);
    counter.bytes += chunk.length;
    yield chunk;
  }
}
