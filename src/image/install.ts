// From what an archive says to an image that is there: the configuration is checked, each layer unpacked and compared with its diff id, and then
// one transaction makes all of it visible.
//
// The layers' blobs are not kept beside the unpacked layers: they would double the disk, and only a push needs them. An image from an archive therefore
// has no repository digests: the manifest that such a digest names could not be given back.
import { digestOf, fail, type Digest } from '../base/index.ts';
import { parseImageConfig } from '../spec/oci/config.ts';
import type { Storage } from '../storage/index.ts';
import { decompress } from './decompress.ts';
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
  await storage.content.write(one(source.config), { digest: id });
  if (source.manifest !== undefined) await storage.content.write(one(source.manifest.bytes), { digest: source.manifest.digest });
  const image: ImageRecord = { id, config, sizeBytes: sizeOf(storage, diffIds), ...source.manifest === undefined ? {} : { manifest: source.manifest.digest } };
  store.put(image, source.references);
  return image;
}

export function sizeOf(storage: Storage, diffIds: readonly Digest[]): number {
  return diffIds.reduce((sum, diffId) => sum + (storage.snapshots.layer(diffId)?.sizeBytes ?? 0), 0);
}
