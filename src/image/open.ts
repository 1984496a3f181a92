// Opens the images of a data root. What is asked of images is answered from memory; what changes them is a transaction.
import { fail, parseDigest, type Digest, type EstivaError } from '../base/index.ts';
import { canonicalReference, familiarName, familiarReference, parseReference, withDefaultTag, type Reference } from '../spec/reference.ts';
import type { Registries } from '../registry/index.ts';
import type { ImageConfig, Platform } from '../spec/oci/image.ts';
import { formatPlatform, matchesPlatform } from '../spec/oci/platform.ts';
import type { Storage } from '../storage/index.ts';
import { attestationsOf } from './attestations.ts';
import { Budget } from './budget.ts';
import { putBuilt } from './built.ts';
import { BuiltIns, type BuiltInImage } from './built-in.ts';
import { prepareCommit } from './commit.ts';
import type { ImageHappening } from './happening.ts';
import type { Exploration, ImageDifference, ImageTree } from '../spec/estiva/exploration.ts';
import { differencesOf } from './explore/difference.ts';
import { exploreImage, type ExploreOptions } from './explore/explore.ts';
import { treeOf } from './explore/tree.ts';
import { historyOf } from './history.ts';
import type { HistoryStep, Image, ImageDraft, Images, ImagesUsage, ImportOptions, LoadedImage, LoadOptions, PrunedImages, PullRequest, PushRequest, RemovedImage, SaveOptions } from './image.ts';
import { importImage } from './import.ts';
import { loadArchive } from './load.ts';
import { LayerIntake } from './layer-intake.ts';
import { keptBytes, manifestsOf, sharedBytes } from './manifests.ts';
import type { ImagePorts } from './ports.ts';
import { pruneImages } from './prune.ts';
import { pull, tagsOf } from './pull.ts';
import { push } from './push.ts';
import { Recoding } from './recoding.ts';
import { removeImage, removePlatforms } from './remove.ts';
import { archiveOf, saveArchive, type ArchiveOptions } from './save.ts';
import { ImageStore, type ImageRecord } from './store.ts';
import { Sweeper, type Lease } from './sweeper.ts';
import { documentsOf } from './target.ts';

export interface ImagesOptions extends ImagePorts {
  readonly storage: Storage;
  readonly registries: Registries;
  readonly builtIns?: readonly BuiltInImage[];
  /** Hears of what went wrong in the background. */
  readonly onTrouble?: (error: unknown) => void;
  /** Layers that are fetched at once (3 unless given), and that a push sends at once (5). */
  readonly concurrent?: { readonly downloads?: number | undefined; readonly uploads?: number | undefined } | undefined;
  /** What layers and kept blobs may take, in bytes; absent: as much as there is. */
  readonly budgetBytes?: number | undefined;
  /** Hears of everything that happens to images, right after it has. Must not throw: the change stands. */
  readonly tell: (happening: ImageHappening) => void;
}

/** Disposing ends what goes on in the background. */
export interface OpenedImages extends Images, AsyncDisposable {
  /** Removes layers that no image and no container has: a crash in the middle of a load leaves such. For once after the start, when the containers are known. */
  sweep(): void;
  /** As `get`, for a container that is made of it: the budget remembers the use. */
  take(nameOrId: string, platform?: Platform): Image;
  /** Makes an image of layers that are there visible. `references`: canonical. */
  putBuilt(config: ImageConfig, references: readonly string[]): Promise<Digest>;
  /** An archive of an image that is not stored, whose layers are there; and the digest of its manifest. `references`: canonical. */
  archiveOf(config: ImageConfig, references: readonly string[], options: ArchiveOptions): { readonly bytes: AsyncIterable<Uint8Array>; readonly manifest: Digest };
  /** Runs work that makes layers, during which none is swept. */
  whileMaking<R>(make: () => Promise<R>): Promise<R>;
  /** Resolves when the images have room in their budget, or nothing more can go. */
  withinBudget(): Promise<void>;
  /** Resolves when every blob that is kept has been tried: whether it can be made anew from its layer. */
  recoded(): Promise<void>;
}

export async function openImages(options: ImagesOptions): Promise<OpenedImages> {
  const store = new ImageStore(options.storage.records);
  const builtIns = await BuiltIns.open(options.builtIns ?? [], options.storage);
  store.dropArrived('old');
  return new StoredImages(options, store, builtIns);
}

class StoredImages implements OpenedImages {
  readonly #storage: Storage;
  readonly #store: ImageStore;
  readonly #registries: Registries;
  readonly #layers: LayerIntake;
  readonly #uploadsMax: number | undefined;
  readonly #builtIns: BuiltIns;
  readonly #ports: ImagePorts;
  readonly #sweeper: Sweeper;
  readonly #recoding: Recoding;
  readonly #budget: Budget;
  readonly #tell: (happening: ImageHappening) => void;

  constructor(options: ImagesOptions, store: ImageStore, builtIns: BuiltIns) {
    const { storage, registries, tell } = options;
    this.#storage = storage;
    this.#store = store;
    this.#registries = registries;
    this.#builtIns = builtIns;
    this.#ports = options;
    this.#tell = tell;
    this.#layers = new LayerIntake(storage, (blob) => store.putArrived(blob), options.concurrent?.downloads);
    this.#uploadsMax = options.concurrent?.uploads;
    this.#sweeper = new Sweeper(storage, () => ({
      layers: new Set([...[...store.images()].flatMap((image) => image.config.rootfs.diff_ids), ...store.arrived(), ...builtIns.layers, ...options.layersInUse()]),
      content: new Set([...[...store.images()].map(({ id }) => id), ...builtIns.content, ...[...store.targets()].flatMap(documentsOf), ...keptBlobs(store)]),
    }));
    const onTrouble = options.onTrouble ?? (() => undefined);
    this.#recoding = new Recoding(storage, store, this.#sweeper, onTrouble);
    this.#budget = new Budget(options.budgetBytes, { images: this, store, isInUse: (id) => options.imageInUse(id) !== undefined, onTrouble });
  }

  get(nameOrId: string, platform?: Platform): Image {
    return this.#store.view(this.#find(nameOrId, platform));
  }

  take(nameOrId: string, platform?: Platform): Image {
    const image = this.get(nameOrId, platform);
    this.#budget.used(image.id);
    return image;
  }

  withinBudget(): Promise<void> {
    return this.#budget.done();
  }

  list(): readonly Image[] {
    return [...this.#store.images()].filter(({ id }) => !this.#store.isAside(id)).map((image) => this.#store.view(image)).sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime());
  }

  async pull(reference: string, request: PullRequest = {}): Promise<void> {
    const parsed = parseReference(reference);
    const options = { ...request, signal: request.signal ?? new AbortController().signal, onHappening: request.onHappening ?? (() => undefined) };
    const one = async (name: Reference): Promise<void> => {
      const id = await this.#sweeper.leasing((lease) => pull(name, options, { storage: this.#storage, store: this.#store, registries: this.#registries, layers: this.#layers, lease }));
      this.#tell({ kind: 'pull', id: familiarReference(name), name: familiarName(name), labels: labelsOf(this.#store.image(id)) });
      this.#recoding.begin();
      this.#budget.check();
    };
    if (parsed.tag !== undefined || parsed.digest !== undefined) return one(parsed);
    for (const tag of await tagsOf(parsed, this.#registries, options)) await one({ ...parsed, tag });
  }

  async push(reference: string, request: PushRequest = {}): Promise<void> {
    const parsed = parseReference(reference);
    if (parsed.digest !== undefined) throw fail('invalid', 'cannot push a digest reference');
    const { platform, credentials, compression = 'gzip', signal = new AbortController().signal, onHappening = () => undefined } = request;
    onHappening({ what: 'begin', repository: canonicalReference({ domain: parsed.domain, path: parsed.path }) });
    const tags = this.#store.tagsOf(parsed);
    if (tags.length === 0) throw fail('not_found', `An image does not exist locally with the tag: ${familiarName(parsed)}`);
    const wanted = parsed.tag === undefined ? tags : tags.filter(({ tag }) => tag === parsed.tag);
    if (wanted.length === 0) throw fail('not_found', `tag does not exist: ${familiarReference(parsed)}`);
    await this.#sweeper.leasing((lease) => push(wanted, { platform, credentials, compression, signal, onHappening }, { storage: this.#storage, store: this.#store, registries: this.#registries, lease, uploadsMax: this.#uploadsMax }));
    for (const name of wanted) this.#tell({ kind: 'push', id: familiarReference(name), name: familiarName(name), labels: labelsOf(this.#store.named(name)) });
  }

  async tag(nameOrId: string, target: string): Promise<void> {
    const image = this.#find(nameOrId);
    const reference = withDefaultTag(parseReference(target));
    if (reference.digest !== undefined) throw fail('invalid', 'refusing to create a tag with a digest reference');
    this.#store.tag(image, reference, /^(?:sha256:)?[0-9a-f]{64}$/.test(nameOrId) ? undefined : withDefaultTag(parseReference(nameOrId)));
    this.#tell({ kind: 'tag', id: image.id, name: familiarReference(reference), labels: labelsOf(image) });
  }

  async remove(nameOrId: string, { force, platforms = [] }: Parameters<Images['remove']>[1]): Promise<RemovedImage> {
    const images = platforms.length === 0 ? [this.#find(nameOrId)] : platforms.map((platform) => this.#find(nameOrId, platform));
    const removal = platforms.length === 0 ? removeImage(images[0]!, nameOrId, force, this.#store, this.#ports) : removePlatforms(images, nameOrId, force, this.#store, this.#ports);
    for (const _ of removal.untagged) this.#tell({ kind: 'untag', id: images[0]!.id, name: images[0]!.id, labels: labelsOf(images[0]) });
    for (const id of removal.deleted) this.#tell({ kind: 'delete', id, name: id, labels: {} });
    this.#sweeper.sweep();
    return removal;
  }

  async prune(isChosen: (image: Image) => boolean, { all }: { readonly all: boolean }): Promise<PrunedImages> {
    const usedBytes = (): number => {
      const { layerBytes, keptBytes: blobBytes } = this.usage();
      return layerBytes + blobBytes;
    };
    const before = usedBytes();
    // Layers that came for a pull which did not get to its end are nobody's either.
    this.#store.dropArrived('all');
    const removed = await pruneImages(isChosen, all, { images: this, isInUse: (id) => this.#ports.imageInUse(id) !== undefined });
    this.#sweeper.sweep();
    const reclaimedBytes = Math.max(0, before - usedBytes());
    this.#tell({ kind: 'prune', reclaimedBytes });
    return { ...removed, reclaimedBytes };
  }

  async load(archive: AsyncIterable<Uint8Array>, options: LoadOptions = {}): Promise<readonly LoadedImage[]> {
    const loaded = await this.#sweeper.leasing((lease) => loadArchive(archive, this.#storage, this.#store, lease, options));
    for (const { id } of loaded) this.#tellNew('load', id);
    this.#budget.check();
    return loaded;
  }

  async import(archive: AsyncIterable<Uint8Array>, options: ImportOptions): Promise<ImageRecord['id']> {
    const id = await this.#making((lease) => importImage(archive, options, this.#storage, this.#store, lease));
    this.#tellNew('import', id);
    this.#budget.check();
    return id;
  }

  #tellNew(kind: 'import' | 'load', id: ImageRecord['id']): void {
    const image = this.#store.image(id);
    this.#tell({ kind, id, name: id, labels: labelsOf(image) });
  }

  prepareCommit(options: ImageDraft): (tar: AsyncIterable<Uint8Array>) => Promise<ImageRecord['id']> {
    const commit = prepareCommit(options, this.#storage, this.#store);
    return async (tar) => {
      const id = await this.#making((lease) => commit(tar, lease));
      this.#budget.check();
      return id;
    };
  }

  archiveOf(config: ImageConfig, references: readonly string[], options: ArchiveOptions): ReturnType<typeof archiveOf> {
    return archiveOf(config, references, options, this.#storage);
  }

  async putBuilt(config: ImageConfig, references: readonly string[]): Promise<Digest> {
    const id = await this.#making((lease) => putBuilt(config, references, this.#storage, this.#store, lease));
    for (const reference of references) this.#tell({ kind: 'tag', id, name: familiarReference(parseReference(reference)), labels: labelsOf(this.#store.image(id)) });
    this.#budget.check();
    return id;
  }

  whileMaking<R>(make: () => Promise<R>): Promise<R> {
    return this.#sweeper.whileMaking(make);
  }

  history(nameOrId: string, platform?: Platform): readonly HistoryStep[] {
    return historyOf(this.#find(nameOrId, platform), this.#storage, this.#store);
  }

  explore(nameOrId: string, options: ExploreOptions): Promise<Exploration> {
    const image = this.#find(nameOrId);
    return this.#looking([image], () => exploreImage(image, this.#store.namesOf(image.id), this.#storage.snapshots, options));
  }

  differences(before: string, after: string): Promise<readonly ImageDifference[]> {
    const [one, other] = [this.#find(before), this.#find(after)];
    return this.#looking([one, other], () => differencesOf(one, other, this.#storage.snapshots));
  }

  /** Runs `look`, during which the images' layers stay. */
  #looking<R>(images: readonly ImageRecord[], look: () => Promise<R>): Promise<R> {
    return this.#sweeper.leasing((lease) => {
      for (const { config } of images) for (const diffId of config.rootfs.diff_ids) lease.hold(diffId);
      return look();
    });
  }

  manifests(nameOrId: string): ReturnType<Images['manifests']> {
    return manifestsOf(this.#find(nameOrId), this.#store, this.#storage);
  }

  tree(nameOrId: string): ImageTree {
    return treeOf(this.#find(nameOrId), this.#store, this.#storage);
  }

  attestations(nameOrId: string, options: Parameters<Images['attestations']>[1]): ReturnType<Images['attestations']> {
    return attestationsOf(this.#find(nameOrId, options.platform), options, this.#store, this.#storage.content);
  }

  usage(): ImagesUsage {
    const layerBytes = this.#storage.snapshots.layers().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    return { layerBytes, sharedBytes: sharedBytes(this.#store, this.#storage), keptBytes: keptBytes(this.#store, this.#storage.content) };
  }

  async save(namesOrIds: readonly string[], { platforms = [] }: SaveOptions = {}): Promise<AsyncIterable<Uint8Array>> {
    const saved = new Map<ImageRecord['id'], Map<string, Reference>>();
    for (const [image, reference] of namesOrIds.flatMap((nameOrId) => this.#named(nameOrId))) {
      const references = saved.get(image.id) ?? new Map<string, Reference>();
      saved.set(image.id, reference === undefined ? references : references.set(canonicalReference(reference), reference));
    }
    const images = [...saved].map(([id, references]) => ({ images: this.#platformsOf(id, [...references.values()], platforms), references: [...references.values()] }));
    using opened = new DisposableStack();
    const lease = opened.use(this.#sweeper.lease());
    for (const image of images.flatMap((one) => one.images)) for (const digest of [image.id, ...image.config.rootfs.diff_ids]) lease.hold(digest);
    const archive = await saveArchive(images, this.#storage);
    for (const { images: [image] } of images) this.#tell({ kind: 'save', id: image.id, name: image.id, labels: labelsOf(image) });
    opened.move();
    return this.#sweeper.whileReading(archive, lease);
  }

  /** What is saved of an image: it, and the other platforms of its name; or of those only `wanted`. */
  #platformsOf(id: Digest, references: readonly Reference[], wanted: readonly Platform[]): readonly [ImageRecord, ...ImageRecord[]] {
    const named = references[0] === undefined ? undefined : this.#store.targetOf(references[0]);
    const own = this.#find(id);
    const others = (named?.platforms ?? []).flatMap(({ imageId }) => (imageId === id ? [] : this.#store.image(imageId) ?? []));
    const [first, ...rest] = [own, ...others].filter(({ config }) => wanted.length === 0 || wanted.some((platform) => matchesPlatform(config, platform)));
    if (first === undefined) throw fail('not_found', `no suitable export target found for platform ${wanted.map(formatPlatform).join(', ')}`);
    return [first, ...rest];
  }

  /** The image with the name that is meant; all tags of a repository; an id is no name. */
  #named(nameOrId: string): readonly (readonly [ImageRecord, Reference?])[] {
    if (/^(?:sha256:)?[0-9a-f]{64}$/.test(nameOrId)) return [[this.#find(nameOrId)]];
    const reference = parseReference(nameOrId);
    const isRepository = reference.tag === undefined && reference.digest === undefined;
    const names = isRepository ? this.#store.tagsOf(reference) : [];
    if (names.length > 0) return names.map((name) => [this.#find(canonicalReference(name)), name]);
    const image = this.#find(nameOrId);
    const named = this.#store.named(withDefaultTag(reference));
    return [named === undefined || reference.digest !== undefined ? [image] : [image, withDefaultTag(reference)]];
  }

  sweep(): void {
    this.#sweeper.sweep();
    this.#recoding.begin();
    this.#budget.check();
  }

  recoded(): Promise<void> {
    return this.#recoding.done();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#recoding[Symbol.asyncDispose](), this.#budget[Symbol.asyncDispose]()]);
  }

  #find(nameOrId: string, platform?: Platform): ImageRecord {
    const found = this.#search(nameOrId, platform);
    if (platform === undefined || matchesPlatform(found.config, platform)) return found;
    throw fail('not_found', `image with reference ${nameOrId} was found but its platform (${formatPlatform(found.config)}) does not match the specified platform (${formatPlatform(platform)})`);
  }

  /** Names before ids: an image may be called "cafe". The one for `platform`, where there are several. */
  #search(nameOrId: string, platform: Platform | undefined): ImageRecord {
    const hexDigits = /^(?:sha256:)?([0-9a-f]{1,64})$/.exec(nameOrId)?.[1];
    if (hexDigits?.length === 64) {
      const id = parseDigest(`sha256:${hexDigits}`);
      const image = this.#store.image(id);
      if (image === undefined) throw notFound(id);
      return image;
    }
    const reference = withDefaultTag(parseReference(nameOrId));
    const found = this.#store.named(reference, platform) ?? (hexDigits === undefined ? undefined : this.#store.byPrefix(hexDigits)) ?? this.#builtIns.appear(reference, this.#store);
    if (found === undefined) throw notFound(familiarReference(reference));
    return found;
  }

  /** For what learns the digest of its layer at its end. */
  #making<R>(make: (lease: Lease) => Promise<R>): Promise<R> {
    return this.#sweeper.whileMaking(() => this.#sweeper.leasing(make));
  }
}

function keptBlobs(store: ImageStore): readonly Digest[] {
  return [...store.blobs()].filter(({ coding }) => coding.kind === 'kept').map(({ digest }) => digest);
}

function labelsOf(image: ImageRecord | undefined): Readonly<Record<string, string>> {
  return image?.config.config?.Labels ?? {};
}

function notFound(name: string): EstivaError {
  return fail('not_found', `No such image: ${name}`);
}
