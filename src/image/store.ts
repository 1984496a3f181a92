// The records of images, of their names and of what those point to, kept in memory as well: reading costs no query, and nobody else writes (the root
// has one lock). A change is one transaction; memory follows when it is through.
import { decode, parseDigest, type Digest } from '../base/index.ts';
import { canonicalReference, familiarReference, parseReference, type Reference } from '../spec/reference.ts';
import { parseImageConfig } from '../spec/oci/config.ts';
import type { ImageConfig, Platform } from '../spec/oci/image.ts';
import { hostPlatform, matchesPlatform } from '../spec/oci/platform.ts';
import type { Records, Table } from '../storage/index.ts';
import type { Image } from './image.ts';
import { decodeBlob, decodeTarget, joinTargets, type Blob, type Target } from './target.ts';

export interface ImageRecord {
  readonly id: Digest;
  readonly config: ImageConfig;
  /** The image that it was committed on. */
  readonly parent?: Digest;
  readonly sizeBytes: number;
  readonly lastTaggedAt?: string;
  /** A container was made of it; within an hour. Written only where there is a budget. */
  readonly lastUsedAt?: string;
}

interface NameRecord {
  /** Canonical. */
  readonly reference: string;
  /** What the name means without a platform. */
  readonly imageId: Digest;
  /** Digest of the target; none for what was made here. */
  readonly target?: Digest;
}

interface Name extends NameRecord {
  readonly parsed: Reference;
}

/** A layer that came whole for a pull that has not got to its end. */
interface Leftover {
  readonly diffId: Digest;
  readonly blob: Digest;
  /** When it was last of use, in milliseconds since 1970. */
  readonly atMs: number;
}

/** So long layers stay that no image names. */
const leftoverMs = 24 * 3600 * 1000;

/** What becomes visible together. */
export interface Put {
  readonly images: readonly ImageRecord[];
  /** These leave the images that had them; each means the last of `images`, or the one for the host's platform. */
  readonly references: readonly Reference[];
  readonly target?: Target | undefined;
  readonly blobs?: readonly Blob[] | undefined;
}

const digest = decode.mapped(decode.text, parseDigest);
const reviveImage: decode.Decode<ImageRecord> = decode.object<ImageRecord>({
  id: digest, config: (value) => parseImageConfig(JSON.stringify(value)), parent: decode.optional(digest), sizeBytes: decode.integer, lastTaggedAt: decode.optional(decode.text), lastUsedAt: decode.optional(decode.text),
});
const reviveLeftover = decode.object<Leftover>({ diffId: digest, blob: digest, atMs: decode.integer });
const reviveName = decode.object<NameRecord>({ reference: decode.text, imageId: digest, target: decode.optional(digest) });

export class ImageStore {
  readonly #records: Records;
  readonly #imageTable: Table<ImageRecord>;
  readonly #nameTable: Table<NameRecord>;
  readonly #targetTable: Table<Target>;
  readonly #blobTable: Table<Blob>;
  readonly #leftoverTable: Table<Leftover>;
  readonly #images: Map<Digest, ImageRecord>;
  readonly #names: Map<string, Name>;
  readonly #targets: Map<Digest, Target>;
  readonly #blobs: Map<Digest, Blob>;
  /** By diff id. */
  readonly #leftovers: Map<Digest, Leftover>;
  /** The names that lead to an image, by their own right or through a target; made anew after a change, when it is first asked for. */
  #namesByImage: ReadonlyMap<Digest, readonly Name[]> | undefined;
  /** As they were last asked for: a list of a thousand images makes none anew. */
  readonly #views = new Map<Digest, Image>();

  constructor(records: Records) {
    this.#records = records;
    this.#imageTable = records.table('images', (json) => reviveImage(json, ''));
    this.#nameTable = records.table('image_names', (json) => reviveName(json, ''));
    this.#targetTable = records.table('image_targets', (json) => decodeTarget(json, ''));
    this.#blobTable = records.table('image_blobs', (json) => decodeBlob(json, ''));
    this.#leftoverTable = records.table('image_leftovers', (json) => reviveLeftover(json, ''));
    this.#images = new Map(this.#imageTable.all().map((image) => [image.id, image]));
    this.#names = new Map(this.#nameTable.all().map((name) => [name.reference, withParsed(name)]));
    this.#targets = new Map(this.#targetTable.all().map((target) => [target.descriptor.digest, target]));
    this.#blobs = new Map(this.#blobTable.all().map((blob) => [blob.digest, blob]));
    this.#leftovers = new Map(this.#leftoverTable.all().map((leftover) => [leftover.diffId, leftover]));
  }

  image(id: Digest): ImageRecord | undefined {
    return this.#images.get(id);
  }

  images(): Iterable<ImageRecord> {
    return this.#images.values();
  }

  target(digest: Digest): Target | undefined {
    return this.#targets.get(digest);
  }

  targets(): Iterable<Target> {
    return this.#targets.values();
  }

  blob(digest: Digest): Blob | undefined {
    return this.#blobs.get(digest);
  }

  blobs(): Iterable<Blob> {
    return this.#blobs.values();
  }

  /** The image of that name; with `platform`, the one of the name's target that is for it, if it is here. */
  named(reference: Reference, platform?: Platform): ImageRecord | undefined {
    const name = this.#names.get(canonicalReference(reference));
    if (name === undefined) return undefined;
    return (platform === undefined ? undefined : this.#ofPlatform(name, platform)) ?? this.#images.get(name.imageId);
  }

  /** What the name points to. */
  targetOf(reference: Reference): Target | undefined {
    const target = this.#names.get(canonicalReference(reference))?.target;
    return target === undefined ? undefined : this.#targets.get(target);
  }

  has(reference: Reference): boolean {
    return this.#names.has(canonicalReference(reference));
  }

  /** A target that the image is a platform of: the last one that came. */
  targetWith(id: Digest): Target | undefined {
    return [...this.#targets.values()].findLast(({ platforms }) => platforms.some(({ imageId }) => imageId === id));
  }

  /** The only image whose id begins with these hex digits. */
  byPrefix(hexDigits: string): ImageRecord | undefined {
    const found = [...this.#images.values()].filter((image) => image.id.startsWith(`sha256:${hexDigits}`));
    return found.length === 1 ? found[0] : undefined;
  }

  namesOf(id: Digest): readonly Reference[] {
    return this.#leadingTo(id).map(({ parsed }) => parsed);
  }

  /** Whether it is another platform of what its names mean: such an image is shown below that one. */
  isAside(id: Digest): boolean {
    const names = this.#leadingTo(id);
    return names.length > 0 && names.every(({ imageId }) => imageId !== id);
  }

  /** All names of a repository, by tag and digest. */
  namesIn({ domain, path }: Reference): readonly Reference[] {
    return [...this.#names.values()].map(({ parsed }) => parsed).filter((name) => name.domain === domain && name.path === path);
  }

  /** All tags of a repository, by name. */
  tagsOf(repository: Reference): readonly Reference[] {
    return this.namesIn(repository).filter((name) => name.tag !== undefined && name.digest === undefined).sort((a, b) => (a.tag! < b.tag! ? -1 : 1));
  }

  view(record: ImageRecord): Image {
    const known = this.#views.get(record.id);
    if (known !== undefined) return known;
    const view = this.#makeView(record);
    this.#views.set(record.id, view);
    return view;
  }

  #makeView(record: ImageRecord): Image {
    const names = this.#leadingTo(record.id);
    const familiar = (wanted: (name: Reference) => boolean): readonly string[] => names.filter(({ parsed }) => wanted(parsed)).map(({ parsed }) => familiarReference(parsed)).sort();
    return {
      id: record.id, config: record.config, sizeBytes: record.sizeBytes, layers: record.config.rootfs.diff_ids,
      parent: record.parent !== undefined && this.#images.has(record.parent) ? record.parent : undefined,
      repoTags: familiar((name) => name.digest === undefined), repoDigests: familiar((name) => name.digest !== undefined),
      createdAt: new Date(record.config.created ?? 0), lastTaggedAt: record.lastTaggedAt === undefined ? undefined : new Date(record.lastTaggedAt),
    };
  }

  put({ images, references, target, blobs = [] }: Put): void {
    const now = new Date().toISOString();
    const stored = images.map((image) => ({ ...this.#images.get(image.id), ...image, ...references.length === 0 ? {} : { lastTaggedAt: now } }));
    const joined = target === undefined ? undefined : joinTargets(this.#targets.get(target.descriptor.digest), target);
    const names = references.map((reference) => this.#nameFor(reference, stored, joined));
    const arrived = stored.flatMap(({ config }) => config.rootfs.diff_ids).filter((diffId) => this.#leftovers.has(diffId));
    this.#records.transaction(() => {
      for (const image of stored) this.#imageTable.put(image.id, image);
      if (joined !== undefined) this.#targetTable.put(joined.descriptor.digest, joined);
      for (const blob of blobs) this.#blobTable.put(blob.digest, blob);
      for (const { parsed: _, ...name } of names) this.#nameTable.put(name.reference, name);
      for (const diffId of arrived) this.#leftoverTable.delete(diffId);
    });
    for (const diffId of arrived) this.#leftovers.delete(diffId);
    for (const image of stored) this.#images.set(image.id, image);
    if (joined !== undefined) this.#targets.set(joined.descriptor.digest, joined);
    for (const blob of blobs) this.#blobs.set(blob.digest, blob);
    for (const name of names) this.#names.set(name.reference, name);
    this.#changed();
  }

  /** Gives the image one more name, which points where `like` does. */
  tag(image: ImageRecord, reference: Reference, like: Reference | undefined): void {
    const target = like === undefined ? undefined : this.targetOf(like);
    this.put({ images: [image], references: [reference], target: target?.platforms.some(({ imageId }) => imageId === image.id) === true ? target : undefined });
  }

  /** The time of a use of an image that is here. */
  putUse(id: Digest, at: Date): void {
    const image = { ...this.#images.get(id)!, lastUsedAt: at.toISOString() };
    this.#records.transaction(() => this.#imageTable.put(id, image));
    this.#images.set(id, image);
  }

  putBlob(blob: Blob): void {
    this.#records.transaction(() => this.#blobTable.put(blob.digest, blob));
    this.#blobs.set(blob.digest, blob);
  }

  /** A layer has come whole, for an image that is not here yet. */
  putArrived(blob: Blob): void {
    const leftover: Leftover = { diffId: blob.diffId, blob: blob.digest, atMs: Date.now() };
    this.#records.transaction(() => {
      this.#blobTable.put(blob.digest, blob);
      this.#leftoverTable.put(leftover.diffId, leftover);
    });
    this.#blobs.set(blob.digest, blob);
    this.#leftovers.set(leftover.diffId, leftover);
  }

  /** The layers that came whole for a pull which has not got to its end, for a day. */
  arrived(): readonly Digest[] {
    const since = Date.now() - leftoverMs;
    return [...this.#leftovers.values()].filter(({ atMs }) => atMs > since).map(({ diffId }) => diffId);
  }

  /** Forgets the layers that came for no image: all of them, or those of which the time is over. */
  dropArrived(which: 'all' | 'old'): void {
    const kept = new Set(which === 'all' ? [] : this.arrived());
    const gone = [...this.#leftovers.keys()].filter((diffId) => !kept.has(diffId));
    if (gone.length === 0) return;
    this.#records.transaction(() => { for (const diffId of gone) this.#leftoverTable.delete(diffId); });
    for (const diffId of gone) this.#leftovers.delete(diffId);
    this.#dropUnused();
  }

  /** Removes names, images, and then the targets and blobs that nothing leads to any more. */
  remove(references: readonly Reference[], images: readonly Digest[] = []): void {
    const names = references.map(canonicalReference);
    this.#records.transaction(() => {
      for (const name of names) this.#nameTable.delete(name);
      for (const image of images) this.#imageTable.delete(image);
    });
    for (const name of names) this.#names.delete(name);
    for (const image of images) this.#images.delete(image);
    this.#changed();
    this.#dropUnused();
  }

  /** Removes images whose names lead to others as well: those names mean one of the others then. */
  removeAside(images: readonly Digest[]): void {
    const gone = new Set(images);
    const renamed = [...this.#names.values()].filter(({ imageId }) => gone.has(imageId)).flatMap((name): Name[] => {
      const others = (name.target === undefined ? [] : this.#targets.get(name.target)?.platforms ?? []).filter(({ imageId }) => !gone.has(imageId) && this.#images.has(imageId));
      const next = others.find(({ platform }) => matchesPlatform(platform, hostPlatform())) ?? others[0];
      return next === undefined ? [] : [{ ...name, imageId: next.imageId }];
    });
    this.#records.transaction(() => { for (const { parsed: _, ...name } of renamed) this.#nameTable.put(name.reference, name); });
    for (const name of renamed) this.#names.set(name.reference, name);
    this.remove([], images);
  }

  /** A target stays while a name or an image here leads to it; a blob while a target does. */
  #dropUnused(): void {
    const named = new Set([...this.#names.values()].map(({ target }) => target));
    const targets = [...this.#targets.values()].filter(({ descriptor, platforms }) => !named.has(descriptor.digest) && !platforms.some(({ imageId }) => this.#images.has(imageId)));
    const gone = new Set(targets.map(({ descriptor }) => descriptor.digest));
    const used = new Set([...this.#targets.values()].filter(({ descriptor }) => !gone.has(descriptor.digest))
      .flatMap(({ platforms }) => platforms.filter(({ imageId }) => this.#images.has(imageId)).flatMap(({ blobs }) => blobs.map((blob) => blob.digest))));
    for (const { blob } of this.#leftovers.values()) used.add(blob);
    const blobs = [...this.#blobs.keys()].filter((blob) => !used.has(blob));
    if (gone.size + blobs.length === 0) return;
    this.#records.transaction(() => {
      for (const target of gone) this.#targetTable.delete(target);
      for (const blob of blobs) this.#blobTable.delete(blob);
    });
    for (const target of gone) this.#targets.delete(target);
    for (const blob of blobs) this.#blobs.delete(blob);
  }

  #nameFor(reference: Reference, images: readonly ImageRecord[], target: Target | undefined): Name {
    const canonical = canonicalReference(reference);
    const known = target === undefined ? [] : target.platforms.flatMap(({ imageId }) => this.#images.get(imageId) ?? images.find(({ id }) => id === imageId) ?? []);
    const image = [...known, ...images].find(({ config }) => matchesPlatform(config, hostPlatform())) ?? images.at(-1);
    if (image === undefined) throw new Error('A name needs an image');
    return { reference: canonical, imageId: image.id, ...target === undefined ? {} : { target: target.descriptor.digest }, parsed: reference };
  }

  #ofPlatform({ target }: NameRecord, platform: Platform): ImageRecord | undefined {
    const platforms = target === undefined ? [] : this.#targets.get(target)?.platforms ?? [];
    return platforms.filter((one) => matchesPlatform(one.platform, platform)).map(({ imageId }) => this.#images.get(imageId)).find((image) => image !== undefined);
  }

  #changed(): void {
    this.#namesByImage = undefined;
    this.#views.clear();
  }

  #leadingTo(id: Digest): readonly Name[] {
    this.#namesByImage ??= this.#indexNames();
    return this.#namesByImage.get(id) ?? [];
  }

  #indexNames(): ReadonlyMap<Digest, readonly Name[]> {
    const index = new Map<Digest, Name[]>();
    for (const name of this.#names.values()) {
      const platforms = name.target === undefined ? [] : this.#targets.get(name.target)?.platforms ?? [];
      for (const id of new Set([name.imageId, ...platforms.map(({ imageId }) => imageId)])) {
        const names = index.get(id);
        if (names === undefined) index.set(id, [name]);
        else names.push(name);
      }
    }
    return index;
  }
}

function withParsed(name: NameRecord): Name {
  return { ...name, parsed: parseReference(name.reference) };
}
