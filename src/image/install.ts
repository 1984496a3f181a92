// From what an archive says to an image that is there: the configuration is checked, each layer unpacked and compared with its diff id, and then
// one transaction makes all of it visible.
//
// The layers' blobs are not kept beside the unpacked layers: they would double the disk. Their tars can be written again (storage/frame.ts), but not as they
// were compressed. An image from an archive with compressed layers therefore has no target (docs/decisions/0013), as its manifest could not be given back,
// unless that is an index, which keeps several platforms together.
import { digestOf, fail, type Digest } from '../base/index.ts';
import type { ImageConfig } from '../spec/oci/image.ts';
import type { Storage } from '../storage/index.ts';
import { decompress } from '../spec/compression.ts';
import { one, type ImageSource, type SourceTarget } from './source.ts';
import type { ImageRecord, ImageStore, Put } from './store.ts';
import type { Lease } from './sweeper.ts';
import type { Blob, Target } from './target.ts';

export async function installImage(source: ImageSource, config: ImageConfig, storage: Storage, store: ImageStore, lease: Lease, signal: AbortSignal | undefined): Promise<ImageRecord> {
  const diffIds = config.rootfs.diff_ids;
  if (diffIds.length !== source.layers.length) throw fail('invalid', `invalid manifest, layers length mismatch: expected ${diffIds.length}, got ${source.layers.length}`);
  for (const [i, expected] of diffIds.entries()) {
    signal?.throwIfAborted();
    lease.hold(expected);
    if (storage.snapshots.layer(expected) === undefined) await storage.snapshots.unpack(decompress(source.layers[i]!()), { expected, signal });
  }
  const image: ImageRecord = { id: digestOf(source.config), config, sizeBytes: sizeOf(storage, diffIds) };
  const { target } = source;
  const put: Put = { images: [image], references: source.references, ...target === undefined ? {} : { target: targetOf(target, image), blobs: blobsOf(target, image) } };
  await putImages(put, [source.config, ...target?.documents ?? []], storage, store, lease);
  return image;
}

function targetOf({ descriptor, children, manifest, blobs }: SourceTarget, { id, config: { os, architecture, variant } }: ImageRecord): Target {
  const platform = manifest.platform ?? { os, architecture, ...variant === undefined ? {} : { variant } };
  return { descriptor, children, platforms: [{ manifest, platform, imageId: id, blobs }], attached: [] };
}

/** A blob that is the tar itself can be had again from the layer. */
function blobsOf({ blobs }: SourceTarget, { config }: ImageRecord): readonly Blob[] {
  return blobs.map(({ digest, size, mediaType }, i) => {
    const diffId = config.rootfs.diff_ids[i]!;
    return { digest, sizeBytes: size, mediaType, diffId, coding: { kind: digest === diffId ? 'plain' : 'absent' }, repositories: [] };
  });
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
