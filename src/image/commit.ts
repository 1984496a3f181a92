// commit: a layer on top of an image's becomes a new image, with a configuration of its own and one more step of history.
import { digestOf, type Digest } from '../base/index.ts';
import type { HistoryEntry, ImageConfig, ImageRunConfig, Platform } from '../spec/oci/image.ts';
import type { Reference } from '../spec/reference.ts';
import type { Layer, Storage } from '../storage/index.ts';
import { applyChanges } from './changes.ts';
import type { ImageDraft } from './image.ts';
import { newReference } from './import.ts';
import { putImages, sizeOf } from './install.ts';
import type { ImageRecord, ImageStore } from './store.ts';
import type { Lease } from './sweeper.ts';

/** All that can be wrong with the words is found before the tar is read. */
export function prepareCommit(options: ImageDraft, storage: Storage, store: ImageStore): (tar: AsyncIterable<Uint8Array>, lease: Lease) => Promise<Digest> {
  const references = options.reference === undefined ? [] : [newReference(options.reference, 'commit')];
  const config = applyChanges(options.config, options.changes);
  return async (tar, lease) => {
    const layer = await storage.snapshots.unpack(tar, { signal: options.signal });
    return commit(layer, config, references, options, storage, store, lease);
  };
}

async function commit(layer: Layer, config: ImageRunConfig, references: readonly Reference[], options: ImageDraft, storage: Storage, store: ImageStore, lease: Lease): Promise<Digest> {
  const { author, message, createdBy, layers } = options;
  const base = store.image(options.parent)?.config;
  const created = new Date().toISOString();
  // A container that changed nothing adds a step without a layer.
  const isEmpty = layer.entries === 0;
  const diffIds = isEmpty ? layers : [...layers, layer.diffId];
  const step: HistoryEntry = {
    created, created_by: createdBy, ...(author === '' ? {} : { author }), ...(message === '' ? {} : { comment: message }), ...(isEmpty ? { empty_layer: true } : {}),
  };
  const image: ImageConfig = {
    ...platformOf(base, options.platform), created, ...(author === '' ? {} : { author }), config, rootfs: { type: 'layers', diff_ids: diffIds },
    // Of an image that was removed by force the layers are left: they are steps of which nothing else is known.
    history: [...base?.history ?? layers.map((): HistoryEntry => ({})), step],
  };
  const bytes = Buffer.from(JSON.stringify(image));
  const id = digestOf(bytes);
  const record: ImageRecord = { id, config: image, sizeBytes: sizeOf(storage, diffIds), ...(base === undefined ? {} : { parent: options.parent }) };
  await putImages({ images: [record], references }, [bytes], storage, store, lease);
  return id;
}

function platformOf(base: ImageConfig | undefined, platform: Platform): Platform {
  const { architecture, os, variant } = base ?? platform;
  return { architecture, os, ...(variant === undefined ? {} : { variant }) };
}
