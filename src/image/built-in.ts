// Images that need no registry: their one layer is part of Estiva. The layer and the configuration are stored when the data root is opened for the
// first time; the image itself appears when somebody asks for it by its name, and again so after it was removed.
import { digestOf, type Digest } from '../base/index.ts';
import type { ImageConfig } from '../spec/oci/image.ts';
import { canonicalReference, parseReference, withDefaultTag, type Reference } from '../spec/reference.ts';
import type { Storage } from '../storage/index.ts';
import { one } from './source.ts';
import type { ImageRecord, ImageStore } from './store.ts';

export interface BuiltInImage {
  readonly reference: string;
  /** Without `rootfs`: the layer says it. */
  readonly config: Omit<ImageConfig, 'rootfs'>;
  readonly layerTar: Uint8Array;
}

export class BuiltIns {
  readonly #records: ReadonlyMap<string, ImageRecord>;

  private constructor(records: ReadonlyMap<string, ImageRecord>) {
    this.#records = records;
  }

  static async open(images: readonly BuiltInImage[], storage: Storage): Promise<BuiltIns> {
    const records = new Map<string, ImageRecord>();
    for (const image of images) records.set(canonicalReference(withDefaultTag(parseReference(image.reference))), await store(image, storage));
    return new BuiltIns(records);
  }

  /** The built-in image of that name, made visible. */
  appear(reference: Reference, images: ImageStore): ImageRecord | undefined {
    const record = this.#records.get(canonicalReference(reference));
    if (record !== undefined) images.put({ images: [record], references: [reference] });
    return record;
  }

  /** Content that stays, whether the image is visible or not; as its layers do. */
  get content(): readonly Digest[] {
    return [...this.#records.values()].map(({ id }) => id);
  }

  get layers(): readonly Digest[] {
    return [...this.#records.values()].flatMap((image) => image.config.rootfs.diff_ids);
  }
}

async function store(image: BuiltInImage, storage: Storage): Promise<ImageRecord> {
  const layer = await storage.snapshots.unpack(one(image.layerTar), { expected: digestOf(image.layerTar) });
  const config: ImageConfig = { ...image.config, rootfs: { type: 'layers', diff_ids: [layer.diffId] } };
  const bytes = Buffer.from(JSON.stringify(config));
  const id = digestOf(bytes);
  if (!storage.content.has(id)) await storage.content.write(one(bytes), { digest: id });
  return { id, config, sizeBytes: layer.sizeBytes };
}
