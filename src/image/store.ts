// The records of images and of their names, kept in memory as well: reading costs no query, and nobody else writes (the root has one lock).
// A change is one transaction; memory follows when it is through.
import { decode, parseDigest, type Digest } from '../base/index.ts';
import { canonicalReference, familiarReference, parseReference, type Reference } from '../spec/reference.ts';
import { parseImageConfig } from '../spec/oci/config.ts';
import type { ImageConfig } from '../spec/oci/image.ts';
import type { Records, Table } from '../storage/index.ts';
import type { Image } from './image.ts';

export interface ImageRecord {
  readonly id: Digest;
  readonly config: ImageConfig;
  /** Stored beside the configuration when the image came with one. */
  readonly manifest?: Digest;
  /** The image that it was committed on. */
  readonly parent?: Digest;
  readonly sizeBytes: number;
  readonly lastTaggedAt?: string;
}

interface NameRecord {
  /** Canonical. */
  readonly reference: string;
  readonly imageId: Digest;
}

const digest = decode.mapped(decode.text, parseDigest);
const reviveImage: decode.Decode<ImageRecord> = decode.object<ImageRecord>({
  id: digest, config: (value) => parseImageConfig(JSON.stringify(value)), manifest: decode.optional(digest), parent: decode.optional(digest), sizeBytes: decode.integer, lastTaggedAt: decode.optional(decode.text),
});
const reviveName = decode.object<NameRecord>({ reference: decode.text, imageId: digest });

export class ImageStore {
  readonly #records: Records;
  readonly #imageTable: Table<ImageRecord>;
  readonly #nameTable: Table<NameRecord>;
  readonly #images: Map<Digest, ImageRecord>;
  readonly #names: Map<string, Digest>;

  constructor(records: Records) {
    this.#records = records;
    this.#imageTable = records.table('images', (json) => reviveImage(json, ''));
    this.#nameTable = records.table('image_names', (json) => reviveName(json, ''));
    this.#images = new Map(this.#imageTable.all().map((image) => [image.id, image]));
    this.#names = new Map(this.#nameTable.all().map((name) => [name.reference, name.imageId]));
  }

  image(id: Digest): ImageRecord | undefined {
    return this.#images.get(id);
  }

  images(): Iterable<ImageRecord> {
    return this.#images.values();
  }

  /** The image of that name. */
  named(reference: Reference): ImageRecord | undefined {
    const id = this.#names.get(canonicalReference(reference));
    return id === undefined ? undefined : this.#images.get(id);
  }

  /** The only image whose id begins with these hex digits. */
  byPrefix(hexDigits: string): ImageRecord | undefined {
    const found = [...this.#images.values()].filter((image) => image.id.startsWith(`sha256:${hexDigits}`));
    return found.length === 1 ? found[0] : undefined;
  }

  namesOf(id: Digest): readonly Reference[] {
    return [...this.#names].filter(([, imageId]) => imageId === id).map(([name]) => parseReference(name));
  }

  /** All tags of a repository, by name. */
  tagsOf({ domain, path }: Reference): readonly Reference[] {
    const names = [...this.#names.keys()].map(parseReference);
    return names.filter((name) => name.domain === domain && name.path === path && name.tag !== undefined && name.digest === undefined).sort((a, b) => (a.tag! < b.tag! ? -1 : 1));
  }

  view(record: ImageRecord): Image {
    const names = this.namesOf(record.id);
    const familiar = (wanted: (name: Reference) => boolean): readonly string[] => names.filter(wanted).map(familiarReference).sort();
    return {
      id: record.id, config: record.config, sizeBytes: record.sizeBytes, layers: record.config.rootfs.diff_ids,
      parent: record.parent !== undefined && this.#images.has(record.parent) ? record.parent : undefined,
      repoTags: familiar((name) => name.digest === undefined), repoDigests: familiar((name) => name.digest !== undefined),
      createdAt: new Date(record.config.created ?? 0), lastTaggedAt: record.lastTaggedAt === undefined ? undefined : new Date(record.lastTaggedAt),
    };
  }

  /** Makes the image visible under `references`, which leave the images that had them. */
  put(image: ImageRecord, references: readonly Reference[]): void {
    const names = references.map(canonicalReference);
    const stored = names.length === 0 ? { ...this.#images.get(image.id), ...image } : { ...image, lastTaggedAt: new Date().toISOString() };
    this.#records.transaction(() => {
      this.#imageTable.put(image.id, stored);
      for (const reference of names) this.#nameTable.put(reference, { reference, imageId: image.id });
    });
    this.#images.set(image.id, stored);
    for (const name of names) this.#names.set(name, image.id);
  }

  /** Removes names; with `image`, also the image itself. */
  remove(references: readonly Reference[], image?: Digest): void {
    const names = references.map(canonicalReference);
    this.#records.transaction(() => {
      for (const name of names) this.#nameTable.delete(name);
      if (image !== undefined) this.#imageTable.delete(image);
    });
    for (const name of names) this.#names.delete(name);
    if (image !== undefined) this.#images.delete(image);
  }
}
