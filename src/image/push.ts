// push: what a name points to goes to its registry. A target that was pulled goes out byte for byte: its documents as they are kept, its blobs from the
// content store or made anew from the layers' tars. What was made here gets a manifest, its layers are compressed on their way out; the manifest is then
// the name's target, so that the next push says the same. A blob that the registry has is not sent; one that it has elsewhere is mounted from there.
import { createHash } from 'node:crypto';
import { digestOf, fail, shortId, type Digest } from '../base/index.ts';
import type { Credentials, Registries, Repository } from '../registry/index.ts';
import { mediaTypes, type Descriptor, type Manifest, type Platform } from '../spec/oci/image.ts';
import { documentBytesMax } from '../spec/oci/manifest.ts';
import { matchesPlatform } from '../spec/oci/platform.ts';
import { canonicalReference, type Reference } from '../spec/reference.ts';
import type { Storage } from '../storage/index.ts';
import { codings, encode } from './coding.ts';
import { Gate } from './gate.ts';
import { putImages } from './install.ts';
import type { ImageRecord, ImageStore } from './store.ts';
import type { Lease } from './sweeper.ts';
import { withRepository, type Blob, type PlatformImage, type Target } from './target.ts';

export type PushHappening =
  | { readonly what: 'begin'; readonly repository: string }
  /** `id`: the first digits of the layer's diff id. */
  | { readonly what: 'layer'; readonly id: string; readonly state: PushStage }
  | { readonly what: 'note'; readonly text: string }
  | { readonly what: 'end'; readonly tag: string; readonly digest: Digest; readonly sizeBytes: number };

export type PushStage =
  | { readonly stage: 'preparing' | 'waiting' | 'pushed' | 'there' }
  | { readonly stage: 'mounted'; readonly from: string }
  | { readonly stage: 'compressing' | 'pushing'; readonly bytes: number; readonly ofBytes: number };

export interface PushOptions {
  readonly platform?: Platform | undefined;
  readonly credentials?: Credentials | undefined;
  readonly compression: 'gzip' | 'zstd';
  readonly signal: AbortSignal;
  readonly onHappening: (happening: PushHappening) => void;
}

export interface PushRoom {
  readonly storage: Storage;
  readonly store: ImageStore;
  readonly registries: Registries;
  readonly lease: Lease;
  readonly uploadsMax?: number | undefined;
}

/** As Docker has it. */
const uploadsDefault = 5;
const compressingMax = 2;

/** Pushes `references`, tags of one repository. */
export async function push(references: readonly Reference[], options: PushOptions, room: PushRoom): Promise<void> {
  const [first] = references;
  if (first === undefined) throw new Error('Nothing to push');
  await using repository = room.registries.repository(first, { credentials: options.credentials, signal: options.signal }, 'push');
  for (const reference of references) await new Push(reference, options, room, repository).run();
}

interface Sent {
  readonly target: Target;
  readonly images: readonly ImageRecord[];
  readonly blobs: readonly Blob[];
  /** Documents that are not stored yet. */
  readonly documents: readonly Uint8Array[];
}

class Push {
  readonly #reference: Reference;
  readonly #options: PushOptions;
  readonly #room: PushRoom;
  readonly #repository: Repository;
  readonly #uploads: Gate;
  readonly #compressions = new Gate(compressingMax);
  readonly #lostBlobs = new Set<Digest>();

  constructor(reference: Reference, options: PushOptions, room: PushRoom, repository: Repository) {
    this.#reference = reference;
    this.#options = options;
    this.#room = room;
    this.#repository = repository;
    this.#uploads = new Gate(room.uploadsMax ?? uploadsDefault);
  }

  async run(): Promise<void> {
    const { store, storage, lease } = this.#room;
    const { target, images, blobs, documents } = await this.#send();
    const { domain, path, tag = 'latest' } = this.#reference;
    const { digest, size } = target.descriptor;
    const byDigest: Reference = { domain, path, digest };
    // What got its manifest here means that from now on.
    await putImages({ images, references: documents.length > 0 ? [this.#reference, byDigest] : [byDigest], target, blobs }, documents, storage, store, lease);
    this.#options.onHappening({ what: 'end', tag, digest, sizeBytes: size });
  }

  async #send(): Promise<Sent> {
    const { store } = this.#room;
    const target = store.targetOf(this.#reference);
    const platforms = target === undefined ? [] : this.#chosen(target);
    if (target === undefined) return this.#sendNew(store.named(this.#reference)!);
    try {
      if (target.children.length === 0) return await this.#sendManifest(target, platforms[0]!, this.#tag);
      return await this.#sendIndex(target, platforms);
    } catch (error) {
      if (!(error instanceof NotHere)) throw error;
      this.#note(`The layer ${shortId(error.diffId)} is not here as it was compressed, and not at the registry either: the image goes out with a manifest of its own`);
      return this.#sendNew(store.image(error.imageId)!);
    }
  }

  get #tag(): string {
    return this.#reference.tag ?? 'latest';
  }

  /** The platforms that are here, and asked for. */
  #chosen(target: Target): readonly PlatformImage[] {
    const { platform } = this.#options;
    const chosen = target.platforms.filter((one) => this.#room.store.image(one.imageId) !== undefined && (platform === undefined || matchesPlatform(one.platform, platform)));
    if (chosen.length > 0) return chosen;
    throw fail('not_found', `image with reference ${canonicalReference(this.#reference)} is not here for the platform that is asked for`, { hint: 'Pull that platform first' });
  }

  async #sendIndex(target: Target, platforms: readonly PlatformImage[]): Promise<Sent> {
    const { platform } = this.#options;
    for (const one of platforms) await this.#sendManifest(target, one, one.manifest.digest);
    const missing = platform === undefined ? await this.#missing(target) : undefined;
    if (platform === undefined && missing === undefined) {
      await this.#putDocument(target.descriptor, this.#tag);
      return this.#sent(target, target, platforms);
    }
    const one = platforms.find(({ imageId }) => imageId === this.#room.store.named(this.#reference)?.id) ?? platforms[0]!;
    if (missing !== undefined) this.#note(`Not all of the index is here (${missing} is not): only the manifest of one platform is pushed`);
    await this.#putDocument(one.manifest, this.#tag);
    return this.#sent({ descriptor: one.manifest, children: [], platforms: [one], attached: [] }, target, [one]);
  }

  /** A child of the index that is neither here nor at the registry, in words. */
  async #missing(target: Target): Promise<string | undefined> {
    for (const child of target.children) {
      if (target.platforms.some(({ manifest, imageId }) => manifest.digest === child.digest && this.#room.store.image(imageId) !== undefined)) continue;
      if (!await this.#sendAttached(target, child) && await this.#repository.exists(child.digest) === undefined) return child.platform === undefined ? child.digest : `${child.platform.os}/${child.platform.architecture}`;
    }
    return undefined;
  }

  /** An attestation whose documents are here; or an index within the index. */
  async #sendAttached(target: Target, child: Descriptor): Promise<boolean> {
    const { content } = this.#room.storage;
    if (!content.has(child.digest)) return false;
    for (const digest of target.attached) await this.#sendSmall({ mediaType: 'application/octet-stream', digest, size: content.sizeBytes(digest) ?? 0 });
    await this.#putDocument(child, child.digest);
    return true;
  }

  async #sendManifest(target: Target, { manifest, imageId, blobs }: PlatformImage, as: string): Promise<Sent> {
    const { store } = this.#room;
    const diffIds = store.image(imageId)!.config.rootfs.diff_ids;
    await this.#each(diffIds.map((diffId, i) => ({ diffId, descriptor: blobs[i]! })), ({ diffId, descriptor }) => this.#sendKnown(imageId, diffId, descriptor));
    await this.#sendSmall({ mediaType: mediaTypes.ociConfig, digest: imageId, size: this.#room.storage.content.sizeBytes(imageId) ?? 0 });
    await this.#putDocument(manifest, as);
    return this.#sent(target, target, target.platforms.filter((one) => one.manifest.digest === manifest.digest));
  }

  #sent(target: Target, from: Target, platforms: readonly PlatformImage[]): Sent {
    const { store } = this.#room;
    const blobs = platforms.flatMap((one) => one.blobs).flatMap(({ digest }) => store.blob(digest) ?? []).map((blob) => withRepository(blob, this.#reference));
    return { target: from === target ? target : { ...target, attached: [] }, images: platforms.map(({ imageId }) => store.image(imageId)!), blobs, documents: [] };
  }

  /** Several layers at a time; each of them once. */
  async #each<L extends { readonly diffId: Digest }>(layers: readonly L[], send: (layer: L) => Promise<unknown>): Promise<void> {
    const unique = [...new Map(layers.map((layer) => [layer.diffId, layer])).values()];
    for (const { diffId } of unique) {
      this.#room.lease.hold(diffId);
      this.#tell(diffId, { stage: 'preparing' });
    }
    const failures: unknown[] = [];
    await Promise.all(unique.map(async (layer) => {
      if (this.#uploads.isFull) this.#tell(layer.diffId, { stage: 'waiting' });
      using _turn = await this.#uploads.enter(this.#options.signal);
      if (failures.length === 0) await send(layer);
    }).map((sending) => sending.catch((error: unknown) => { failures.push(error); })));
    if (failures.length > 0) throw failures[0];
  }

  async #sendKnown(imageId: Digest, diffId: Digest, descriptor: Descriptor): Promise<void> {
    const blob = this.#room.store.blob(descriptor.digest);
    this.#room.lease.hold(descriptor.digest);
    const isSent = await this.#sendBlob(diffId, descriptor, blob?.repositories ?? [], () => {
      if (blob === undefined || blob.coding.kind === 'absent') throw new NotHere(imageId, diffId);
      return this.#bytesOf(blob);
    });
    if (!isSent) throw new NotHere(imageId, diffId);
  }

  #bytesOf(blob: Blob): AsyncIterable<Uint8Array> {
    const { digest, diffId, coding } = blob;
    const { content, snapshots } = this.#room.storage;
    if (coding.kind === 'kept' || coding.kind === 'absent') return content.stream(digest);
    return this.#checked(encode(tarOf(() => snapshots.layerTar(diffId)), coding), blob);
  }

  /** Made anew, perhaps by another version of the compressor than the one that was tried: what comes out must be the blob, and the registry is not left to find out. */
  async* #checked(bytes: AsyncIterable<Uint8Array>, blob: Blob): AsyncGenerator<Uint8Array, void, undefined> {
    const hash = createHash('sha256');
    let count = 0;
    for await (const chunk of bytes) {
      hash.update(chunk);
      count += chunk.length;
      if (count >= blob.sizeBytes && (count > blob.sizeBytes || `sha256:${hash.copy().digest('hex')}` !== blob.digest)) this.#lost(blob);
      yield chunk;
    }
    if (count !== blob.sizeBytes) this.#lost(blob);
  }

  /** It cannot be made any more: the next pull brings it. */
  #lost(blob: Blob): never {
    const { store } = this.#room;
    if (store.blob(blob.digest) !== undefined) store.putBlob({ ...blob, coding: { kind: 'absent' } });
    this.#lostBlobs.add(blob.digest);
    throw fail('internal', `The layer ${shortId(blob.diffId)} cannot be compressed any more as it was`);
  }

  /** False when the blob turned out to be impossible to make. */
  async #sendBlob(diffId: Digest, descriptor: Descriptor, repositories: readonly string[], bytes: () => AsyncIterable<Uint8Array>): Promise<boolean> {
    const from = this.#mountable(repositories);
    const sent = (count: number): void => this.#tell(diffId, { stage: 'pushing', bytes: count, ofBytes: descriptor.size });
    try {
      const how = await this.#repository.putBlob(descriptor, (offset) => skipping(bytes(), offset), { from, sent });
      this.#tell(diffId, how === 'mounted' ? { stage: 'mounted', from: from ?? '' } : { stage: how === 'there' ? 'there' : 'pushed' });
      return true;
    } catch (error) {
      // What the registry client makes of a body that broke off is not said here.
      if (this.#lostBlobs.has(descriptor.digest)) return false;
      throw error;
    }
  }

  /** Another repository of the same registry that is known to have the blob. */
  #mountable(repositories: readonly string[]): string | undefined {
    const { domain, path } = this.#reference;
    return repositories.find((name) => name.startsWith(`${domain}/`) && name !== `${domain}/${path}`)?.slice(domain.length + 1);
  }

  /** An image without a target: its manifest is made here. */
  async #sendNew(image: ImageRecord): Promise<Sent> {
    const { storage, lease } = this.#room;
    const blobs = new Map<Digest, Blob>();
    await this.#each(image.config.rootfs.diff_ids.map((diffId) => ({ diffId })), async ({ diffId }) => {
      blobs.set(diffId, await this.#sendLayer(diffId));
    });
    lease.hold(image.id);
    const config: Descriptor = { mediaType: mediaTypes.ociConfig, digest: image.id, size: storage.content.sizeBytes(image.id) ?? 0 };
    const layers = image.config.rootfs.diff_ids.map((diffId) => blobs.get(diffId)!).map(({ mediaType, digest, sizeBytes }): Descriptor => ({ mediaType, digest, size: sizeBytes }));
    await this.#sendSmall(config);
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers } satisfies Manifest));
    const manifest: Descriptor = { mediaType: mediaTypes.ociManifest, digest: digestOf(bytes), size: bytes.length };
    await this.#repository.putDocument(this.#tag, bytes, manifest.mediaType);
    const { os, architecture, variant } = image.config;
    const platform: Platform = { os, architecture, ...variant === undefined ? {} : { variant } };
    const target: Target = { descriptor: manifest, children: [], platforms: [{ manifest, platform, imageId: image.id, blobs: layers }], attached: [] };
    return { target, images: [image], blobs: [...blobs.values()].map((blob) => withRepository(blob, this.#reference)), documents: [bytes] };
  }

  /** As a blob that is known of it, or compressed now: into a spool, since the registry wants to know digest and size first. */
  async #sendLayer(diffId: Digest): Promise<Blob> {
    const { store, storage } = this.#room;
    const known = [...store.blobs()].find((blob) => blob.diffId === diffId && blob.coding.kind !== 'absent' && blob.mediaType.startsWith(mediaTypes.ociLayer));
    if (known !== undefined) {
      this.#room.lease.hold(known.digest);
      if (await this.#sendBlob(diffId, { mediaType: known.mediaType, digest: known.digest, size: known.sizeBytes }, known.repositories, () => this.#bytesOf(known))) return known;
    }
    await using spool = await storage.openSpool();
    const coding = codings[this.#options.compression];
    const hash = createHash('sha256');
    const piece = await this.#compress(diffId, (tar) => spool.append(hashed(encode(tar, coding), hash)));
    const blob: Blob = { digest: `sha256:${hash.digest('hex')}` as Digest, sizeBytes: piece.sizeBytes, mediaType: `${mediaTypes.ociLayer}+${coding.kind}`, diffId, coding, repositories: [] };
    await this.#sendBlob(diffId, { mediaType: blob.mediaType, digest: blob.digest, size: blob.sizeBytes }, [], () => spool.read(piece));
    return blob;
  }

  async #compress<R>(diffId: Digest, take: (tar: AsyncIterable<Uint8Array>) => Promise<R>): Promise<R> {
    const { snapshots } = this.#room.storage;
    const ofBytes = snapshots.tarBytes(diffId);
    using _turn = await this.#compressions.enter(this.#options.signal);
    const tell = (bytes: number): void => {
      this.#options.signal.throwIfAborted();
      this.#tell(diffId, { stage: 'compressing', bytes, ofBytes });
    };
    return take(told(tarOf(() => snapshots.layerTar(diffId)), tell));
  }

  async #sendSmall(descriptor: Descriptor): Promise<void> {
    this.#room.lease.hold(descriptor.digest);
    await this.#repository.putBlob(descriptor, (offset) => skipping(this.#room.storage.content.stream(descriptor.digest), offset));
  }

  async #putDocument({ digest, mediaType }: Descriptor, as: string): Promise<void> {
    this.#room.lease.hold(digest);
    await this.#repository.putDocument(as, await this.#room.storage.content.read(digest, documentBytesMax), mediaType);
  }

  #tell(diffId: Digest, state: PushStage): void {
    this.#options.onHappening({ what: 'layer', id: shortId(diffId), state });
  }

  #note(text: string): void {
    this.#options.onHappening({ what: 'note', text });
  }
}

/** The blob cannot be had here, and the registry does not have it. */
class NotHere extends Error {
  readonly imageId: Digest;
  readonly diffId: Digest;

  constructor(imageId: Digest, diffId: Digest) {
    super('A blob is not here');
    this.imageId = imageId;
    this.diffId = diffId;
  }
}

async function* tarOf(open: () => { readonly bytes: AsyncIterable<Uint8Array> } & AsyncDisposable): AsyncGenerator<Uint8Array, void, undefined> {
  await using tar = open();
  yield* tar.bytes;
}

async function* hashed(bytes: AsyncIterable<Uint8Array>, hash: { update(chunk: Uint8Array): unknown }): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of bytes) {
    hash.update(chunk);
    yield chunk;
  }
}

async function* told(bytes: AsyncIterable<Uint8Array>, tell: (count: number) => void): AsyncGenerator<Uint8Array, void, undefined> {
  let count = 0;
  for await (const chunk of bytes) {
    count += chunk.length;
    tell(count);
    yield chunk;
  }
}

/** Without the first `count` bytes. */
async function* skipping(bytes: AsyncIterable<Uint8Array>, count: number): AsyncGenerator<Uint8Array, void, undefined> {
  let left = count;
  for await (const chunk of bytes) {
    if (chunk.length > left) yield chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}
