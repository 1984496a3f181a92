// From what an archive says to an image that is there: the configuration is checked, each layer unpacked and compared with its diff id, and then
// one transaction makes all of it visible.
//
// The layers' blobs are not kept beside the unpacked layers: they would double the disk. Their tars can be written again (storage/frame.ts), but not as they
// were compressed. An image from an archive therefore has no repository digests: the manifest that such a digest names could not be given back.
import { digestOf, fail, type Digest } from '../base/index.ts';
import { parseImageConfig } from '../spec/oci/config.ts';
import type { Reference } from '../spec/reference.ts';
import type { Storage } from '../storage/index.ts';
import { decompress } from '../spec/compression.ts';
import { one, type ImageSource } from './source.ts';
import type { ImageRecord, ImageStore } from './store.ts';

export async function installImage(source: ImageSource, storage: Storage, store: ImageStore, signal: AbortSignal | undefined): Promise<ImageRecord> {
  const config = parseImageConfig(source.config.toString('utf8'));
  const diffIds = config.rootfs.diff_ids;
  if (diffIds.length !== source.layers.length) throw fail('invalid', `invalid manifest, layers length mismatch: expected ${diffIds.length}, got ${source.layers.length}`);
  for (const [i, expected] of diffIds.entries()) {
    signal?.throwIfAborted();
    if (storage.snapshots.layer(expected) === undefined) await storage.snapshots.unpack(decompress(source.layers[i]!()), { expected, signal });
  }
  const id = digestOf(source.config);
  const image: ImageRecord = { id, config, sizeBytes: sizeOf(storage, diffIds), ...source.manifest === undefined ? {} : { manifest: source.manifest.digest } };
  await putImage(image, [source.config, ...source.manifest === undefined ? [] : [source.manifest.bytes]], source.references, storage, store);
  return image;
}

/** Stores the documents of an image whose layers are there, and makes it visible. */
export async function putImage(image: ImageRecord, documents: readonly Uint8Array[], references: readonly Reference[], storage: Storage, store: ImageStore): Promise<void> {
  await using undo = new AsyncDisposableStack();
  for (const bytes of documents) {
    const digest = digestOf(bytes);
    if (!storage.content.has(digest)) undo.defer(() => storage.content.remove(digest));
    await storage.content.write(one(bytes), { digest });
  }
  store.put(image, references);
  undo.move();
}

export function sizeOf(storage: Storage, diffIds: readonly Digest[]): number {
  return diffIds.reduce((sum, diffId) => sum + (storage.snapshots.layer(diffId)?.sizeBytes ?? 0), 0);
}
