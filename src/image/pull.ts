// pull: a name is looked up at its registry, and the image for a platform comes here: documents first, then the layers that are not here yet, several
// at once, each unpacked while it comes; one transaction makes the image visible. Until then a lease holds what has come. Layers that came whole stay for
// a day when the pull does not get to its end, also when the daemon was killed: the next pull goes on from there.
import { fail, shortId, type Digest } from '../base/index.ts';
import type { Credentials, Document, Registries, Repository } from '../registry/index.ts';
import { hostPlatform, matchesPlatform } from '../spec/oci/platform.ts';
import type { Descriptor, Platform } from '../spec/oci/image.ts';
import { familiarName, familiarReference, type Reference } from '../spec/reference.ts';
import type { Storage } from '../storage/index.ts';
import { Documents, type Resolved } from './documents.ts';
import { sizeOf } from './install.ts';
import type { LayerIntake, LayerStage, LayerWanted } from './layer-intake.ts';
import type { ImageRecord, ImageStore, Put } from './store.ts';
import type { Lease } from './sweeper.ts';
import { withRepository, type Blob, type Target } from './target.ts';

/** Told while it goes on. */
export type PullHappening =
  | { readonly what: 'begin'; readonly repository: string; readonly tag: string }
  /** `id`: the first digits of the blob's digest, as Docker names layers while they come. */
  | { readonly what: 'layer'; readonly id: string; readonly state: LayerStage | { readonly stage: 'here' | 'found' } }
  | { readonly what: 'end'; readonly digest: Digest; readonly reference: string; readonly isNew: boolean };

export interface PullOptions {
  readonly platform?: Platform | undefined;
  readonly credentials?: Credentials | undefined;
  readonly signal: AbortSignal;
  readonly onHappening: (happening: PullHappening) => void;
}

export interface PullRoom {
  readonly storage: Storage;
  readonly store: ImageStore;
  readonly registries: Registries;
  readonly layers: LayerIntake;
  readonly lease: Lease;
}

/** One tag or digest. @returns the image's id */
export async function pull(reference: Reference, options: PullOptions, room: PullRoom): Promise<Digest> {
  const leaving = new AbortController();
  const repository = room.registries.repository(reference, { credentials: options.credentials, signal: leaving.signal });
  const wanted: LayerWanted[] = [];
  try {
    options.signal.throwIfAborted();
    return await new Pull(reference, options, room, repository, wanted).run();
  } finally {
    void closeWhenUnused(repository, wanted.map(({ diffId }) => diffId), room.layers, leaving);
  }
}

const tagsMax = 10_000;

/** The tags of a repository at its registry. */
export async function tagsOf(reference: Reference, registries: Registries, { credentials, signal }: PullOptions): Promise<readonly string[]> {
  await using repository = registries.repository(reference, { credentials, signal });
  const tags: string[] = [];
  for await (const tag of repository.tags()) {
    if (tags.push(tag) > tagsMax) throw fail('too_large', `${familiarName(reference)} has more than ${tagsMax} tags`, { hint: 'Pull them by name' });
  }
  return tags;
}

/** Another pull may still wait for a layer that comes through this one's repository. */
async function closeWhenUnused(repository: Repository, diffIds: readonly Digest[], layers: LayerIntake, leaving: AbortController): Promise<void> {
  if (layers.isWanted(diffIds)) await layers.settled(diffIds);
  leaving.abort();
  await repository[Symbol.asyncDispose]();
}

class Pull {
  readonly #reference: Reference;
  readonly #options: PullOptions;
  readonly #room: PullRoom;
  readonly #repository: Repository;
  readonly #documents: Documents;
  /** Those that were asked for, for the caller to look after. */
  readonly #asked: LayerWanted[];

  constructor(reference: Reference, options: PullOptions, room: PullRoom, repository: Repository, asked: LayerWanted[]) {
    this.#reference = reference;
    this.#options = options;
    this.#room = room;
    this.#repository = repository;
    this.#documents = new Documents(repository, room.storage.content, room.lease);
    this.#asked = asked;
  }

  async run(): Promise<Digest> {
    const { store, storage } = this.#room;
    const asked = this.#reference.digest ?? this.#reference.tag ?? 'latest';
    const there = await this.#repository.exists(asked);
    const here = there === undefined ? undefined : this.#here(there.digest);
    if (here !== undefined) {
      this.#tellBegin(asked);
      return this.#end({ images: [here.image], target: here.target });
    }
    const resolved = await this.#documents.resolve(await this.#document(asked, there), this.#options.platform);
    this.#tellBegin(asked);
    const blobs = await this.#layers(resolved);
    const { target, children, manifest, platform, imageId, layers, config } = resolved;
    const attached = await this.#documents.attestations(children, manifest.digest);
    const image = store.image(imageId) ?? { id: imageId, config, sizeBytes: sizeOf(storage, config.rootfs.diff_ids) };
    return this.#end({ images: [image], target: { descriptor: target, children, platforms: [{ manifest, platform, imageId, blobs: layers }], attached }, blobs });
  }

  /** What is asked for, when all of it is here. */
  #here(digest: Digest): { readonly target: Target; readonly image: ImageRecord } | undefined {
    const target = this.#room.store.target(digest);
    const wanted = this.#options.platform ?? (target?.children.length === 0 ? undefined : hostPlatform());
    const platform = target?.platforms.find((one) => wanted === undefined || matchesPlatform(one.platform, wanted));
    const image = platform === undefined ? undefined : this.#room.store.image(platform.imageId);
    return target === undefined || image === undefined ? undefined : { target, image };
  }

  async #document(asked: string, there: Descriptor | undefined): Promise<Document> {
    const { content } = this.#room.storage;
    if (there === undefined || !content.has(there.digest)) return this.#repository.document(asked);
    return { descriptor: there, bytes: await this.#documents.document(there) };
  }

  /** All layers, when they are here. */
  async #layers({ layers, config }: Resolved): Promise<readonly Blob[]> {
    const { lease, storage, layers: intake } = this.#room;
    const unique = new Map(config.rootfs.diff_ids.map((diffId, i) => [diffId, { diffId, descriptor: layers[i]! }]));
    const missing: LayerWanted[] = [];
    for (const layer of unique.values()) {
      lease.hold(layer.diffId);
      lease.hold(layer.descriptor.digest);
      const isHere = storage.snapshots.layer(layer.diffId) !== undefined;
      this.#tellLayer(layer, { stage: isHere ? 'here' : 'found' });
      if (!isHere) missing.push(layer);
    }
    this.#asked.push(...missing);
    await this.#all((signal) => missing.map((layer) => intake.take(layer, this.#repository, (state) => this.#tellLayer(layer, state), signal)));
    return [...unique.values()].map((layer) => this.#blobOf(layer));
  }

  /** The first failure, or the caller's leaving, ends the others; it is thrown when all have ended. */
  async #all(begin: (signal: AbortSignal) => readonly Promise<unknown>[]): Promise<void> {
    const failed = new AbortController();
    const all = begin(AbortSignal.any([failed.signal, this.#options.signal]));
    for (const one of all) one.catch((error: unknown) => failed.abort(error));
    await Promise.allSettled(all);
    if (failed.signal.aborted) throw failed.signal.reason;
  }

  /** What is known of a layer's blob, and now also that this repository has it. */
  #blobOf({ diffId, descriptor }: LayerWanted): Blob {
    const known = this.#room.store.blob(descriptor.digest) ?? { digest: descriptor.digest, sizeBytes: descriptor.size, mediaType: descriptor.mediaType, diffId, coding: { kind: 'absent' }, repositories: [] };
    return withRepository(known, this.#reference);
  }

  #end(put: Omit<Put, 'references'> & { readonly target: Target }): Digest {
    const { store } = this.#room;
    const { domain, path, tag, digest } = this.#reference;
    const byDigest: Reference = { domain, path, digest: digest ?? put.target.descriptor.digest };
    const named: Reference = digest === undefined ? { domain, path, tag: tag ?? 'latest' } : byDigest;
    const before = store.targetOf(named)?.descriptor.digest;
    const isNew = before !== put.target.descriptor.digest || put.blobs !== undefined;
    if (isNew || !store.has(byDigest)) store.put({ ...put, references: digest === undefined ? [byDigest, named] : [named] });
    this.#options.onHappening({ what: 'end', digest: put.target.descriptor.digest, reference: familiarReference(named), isNew });
    return put.images[0]!.id;
  }

  #tellBegin(tag: string): void {
    this.#options.onHappening({ what: 'begin', repository: this.#reference.path, tag });
  }

  #tellLayer({ descriptor }: LayerWanted, state: LayerStage | { readonly stage: 'here' | 'found' }): void {
    this.#options.onHappening({ what: 'layer', id: shortId(descriptor.digest), state });
  }
}
