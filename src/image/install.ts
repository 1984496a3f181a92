// From what an archive says to an image that is there: the configuration is checked, each layer unpacked and compared with its diff id, and then
// one transaction makes all of it visible.
//
// The layers' blobs are not kept beside the unpacked layers: they would double the disk. Their tars can be written again (storage/frame.ts), but not as they
// were compressed. An image from an archive with compressed layers therefore has no target (docs/decisions/0012): the manifest could not be given back.
import { digestOf, fail, type Digest } from '../base/index.ts';
import { parseImageConfig } from '../spec/oci/config.ts';
import type { Storage } from '../storage/index.ts';
import { decompress } from '../spec/compression.ts';
import { one, type ImageSource } from './source.ts';
import type { ImageRecord, ImageStore, Put } from './store.ts';
import type { Lease } from './sweeper.ts';

export async function installImage(source: ImageSource, storage: Storage, store: ImageStore, lease: Lease, signal: AbortSignal | undefined): Promise<ImageRecord> {
  const config = parseImageConfig(source.config.toString('utf8'));
  const diffIds = config.rootfs.diff_ids;
  if (diffIds.length !== source.layers.length) throw fail('invalid', `invalid manifest, layers length mismatch: expected ${diffIds.length}, got ${source.layers.length}`);
  for (const [i, expected] of diffIds.entries()) {
    signal?.throwIfAborted();
    lease.hold(expected);
    if (storage.snapshots.layer(expected) === undefined) await storage.snapshots.unpack(decompress(source.layers[i]!()), { expected, signal });
  }
  const image: ImageRecord = { id: digestOf(source.config), config, sizeBytes: sizeOf(storage, diffIds) };
  await putImages({ images: [image], references: source.references }, [source.config], storage, store, lease);
  return image;
}

/** Stores the documents of images whose layers are there, and makes them visible. */
export async function putImages(put: Put, documents: readonly Uint8Array[], storage: Storage, store: ImageStore, lease: Lease): Promise<void> {
  for (const bytes of documents) {
    const digest = digestOf(bytes);
    lease.hold(digest);
    if (!storage.content.has(digest)) await storage.content.write(one(bytes), { digest });
  }
  store.put(put);
}

export function sizeOf(storage: Storage, diffIds: readonly Digest[]): number {
  return diffIds.reduce((sum, diffId) => sum + (storage.snapshots.layer(diffId)?.sizeBytes ?? 0), 0);
}
