// An image: a stack of layers with a configuration, addressed by content. The image's id is the digest of its configuration.
import type { Digest } from '../base/index.ts';
import type { Descriptor, ImageConfig, ImageRunConfig, Platform } from '../spec/oci/image.ts';
import type { Credentials } from '../registry/index.ts';
import type { Exploration, ImageDifference, ImageTree } from '../spec/estiva/exploration.ts';
import type { ExploreOptions } from './explore/explore.ts';
import type { HistoryStep } from './history.ts';
import type { Attestation, AttestationOptions } from './attestations.ts';
import type { ListedManifest } from './manifests.ts';
import type { PullHappening } from './pull.ts';
import type { PushHappening } from './push.ts';

export type { Attestation } from './attestations.ts';
export type { ListedManifest } from './manifests.ts';
export type { HistoryStep } from './history.ts';

/** An immutable view of one image for one platform. */
export interface Image {
  readonly id: Digest;
  readonly config: ImageConfig;
  /** The image that it was committed on, while that is there. */
  readonly parent: Digest | undefined;
  /** `name:tag` in familiar form (`busybox:latest`, not `docker.io/library/busybox:latest`). */
  readonly repoTags: readonly string[];
  /** `name@sha256:…`, where a manifest of that digest is stored. */
  readonly repoDigests: readonly string[];
  /** Bytes of all layers, unpacked. */
  readonly sizeBytes: number;
  readonly createdAt: Date;
  /** When a tag last came to it here; undefined for an image that was only ever loaded without one. */
  readonly lastTaggedAt: Date | undefined;
  /** Unpacked layers, lowest first, by diff id: `storage.snapshots` has their directories. */
  readonly layers: readonly Digest[];
}

export interface LoadOptions {
  /** Of an image for several platforms, only these; all that the archive has unless given. */
  readonly platforms?: readonly Platform[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface SaveOptions {
  /** Of an image for several platforms, only these. */
  readonly platforms?: readonly Platform[] | undefined;
}

export interface ImagesUsage {
  /** All layers, each once. */
  readonly layerBytes: number;
  /** Of an image's layers, those that another one has as well, by image. */
  readonly sharedBytes: ReadonlyMap<Digest, number>;
  /** Blobs kept beside their layers because their compression cannot be done again. */
  readonly keptBytes: number;
}

export interface LoadedImage {
  readonly id: Digest;
  /** The tags that it came with; none: Docker prints its id. */
  readonly repoTags: readonly string[];
}

export interface ImportOptions {
  /** `repo[:tag]`. */
  readonly reference?: string | undefined;
  readonly message?: string | undefined;
  /** Dockerfile instructions: CMD ENTRYPOINT ENV EXPOSE LABEL STOPSIGNAL USER VOLUME WORKDIR ONBUILD HEALTHCHECK. */
  readonly changes?: readonly string[] | undefined;
  readonly platform?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ImageDraft {
  readonly parent: Digest;
  /** Those below the new one, lowest first. */
  readonly layers: readonly Digest[];
  readonly platform: Platform;
  readonly config: ImageRunConfig;
  readonly changes: readonly string[];
  readonly author: string;
  readonly message: string;
  readonly createdBy: string;
  /** `repo[:tag]` */
  readonly reference: string | undefined;
  readonly signal: AbortSignal;
}

export interface PrunedImages extends RemovedImage {
  readonly reclaimedBytes: number;
}

export interface RemovedImage {
  readonly untagged: readonly string[];
  readonly deleted: readonly Digest[];
}

export type { PullHappening } from './pull.ts';
export type { PushHappening } from './push.ts';

export interface PullRequest {
  /** Undefined: the host's. */
  readonly platform?: Platform | undefined;
  readonly credentials?: Credentials | undefined;
  /** Aborted: what has come whole stays for a day, for another pull. */
  readonly signal?: AbortSignal | undefined;
  readonly onHappening?: ((happening: PullHappening) => void) | undefined;
}

export interface PushRequest {
  /** Only this platform of an index. */
  readonly platform?: Platform | undefined;
  readonly credentials?: Credentials | undefined;
  /** Of layers that were made here; gzip unless given. */
  readonly compression?: 'gzip' | 'zstd' | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onHappening?: ((happening: PushHappening) => void) | undefined;
}

/**
 * The images of one data root. `nameOrId` is a reference, a full id or an unambiguous prefix of one; a `platform` chooses
 * among those that a name leads to.
 * @throws `not_found` "No such image: x:latest" (Docker's text), also when it is not here for the platform.
 */
export interface Images {
  get(nameOrId: string, platform?: Platform): Image;
  /** What the image's name points to, and lists. */
  manifests(nameOrId: string): { readonly target: Descriptor | undefined; readonly manifests: readonly ListedManifest[] };
  /** The same down to the layers: which platforms are here, what made each layer, and how many other images have it. */
  tree(nameOrId: string): ImageTree;
  /** The in-toto statements that came with it. */
  attestations(nameOrId: string, options: AttestationOptions & { readonly platform?: Platform | undefined }): Promise<readonly Attestation[]>;
  /** What the disk is used for. */
  usage(): ImagesUsage;
  /** Newest first, the untagged ones too. */
  list(): readonly Image[];
  /**
   * Brings an image here; of a reference without tag and digest, all tags of the repository. What is here already is not fetched.
   * @throws `not_found`, `unauthorized`, `denied` in Docker's words; `invalid` for content that is not what was promised; `unsupported` for what is no image.
   */
  pull(reference: string, request?: PullRequest): Promise<void>;
  /**
   * Sends what the name points to, byte for byte where it was pulled; of a reference without a tag, all tags of the repository.
   * @throws `not_found` when there is no such tag, and what the registry says.
   */
  push(reference: string, request?: PushRequest): Promise<void>;
  tag(nameOrId: string, target: string): Promise<void>;
  /** @throws `conflict` with Docker's text when a container uses it or several repositories name it (and not `force`). With `platforms`, only those of the name's. `prune` is Docker's wish to remove untagged parents too: images here have none. */
  remove(nameOrId: string, options: { readonly force: boolean; readonly prune: boolean; readonly platforms?: readonly Platform[] }): Promise<RemovedImage>;
  /** Removes the images that no container has and that have no tag; with `all`, those with tags, too. */
  prune(isChosen: (image: Image) => boolean, options: { readonly all: boolean }): Promise<PrunedImages>;
  /** Reads a docker-archive or OCI archive (plain, gzip or zstd). One transaction an image: a broken archive leaves nothing. */
  load(archive: AsyncIterable<Uint8Array>, options?: LoadOptions): Promise<readonly LoadedImage[]>;
  /** Makes an image of one layer from a tar of a root filesystem. */
  import(archive: AsyncIterable<Uint8Array>, options: ImportOptions): Promise<Digest>;
  /** Checks all words at once; what it gives takes the tar of the new layer and makes the image. @throws `invalid` for a bad name or change. */
  prepareCommit(options: ImageDraft): (tar: AsyncIterable<Uint8Array>) => Promise<Digest>;
  /** The steps that made the image, newest first. */
  history(nameOrId: string, platform?: Platform): readonly HistoryStep[];
  /** What is in its layers, who made it, and what of it nobody sees. */
  explore(nameOrId: string, options: ExploreOptions): Promise<Exploration>;
  /** What is another in the finished tree of `after` than in that of `before`. */
  differences(before: string, after: string): Promise<readonly ImageDifference[]>;
  /**
   * An archive of the images, docker-archive and OCI layout at once; each with the name that it is asked for by, with all its tags when that is a
   * repository, without a name when it is an id. Of an image for several platforms, all that are here.
   * @throws `not_found`, `unsupported` for layers that cannot be written again.
   */
  save(namesOrIds: readonly string[], options?: SaveOptions): Promise<AsyncIterable<Uint8Array>>;
}
