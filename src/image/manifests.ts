// What an image's target lists: which platforms there are, which of them are here, and what they take on the disk.
import type { Digest } from '../base/index.ts';
import type { Descriptor, Platform } from '../spec/oci/image.ts';
import type { Content, Storage } from '../storage/index.ts';
import type { ImageRecord, ImageStore } from './store.ts';
import type { PlatformImage, Target } from './target.ts';

export interface ListedManifest {
  readonly descriptor: Descriptor;
  /** Whether all of it is here. */
  readonly isHere: boolean;
  /** Of its documents and blobs, in the content store. */
  readonly contentBytes: number;
  readonly kind: ManifestKind;
}

export type ManifestKind =
  | { readonly kind: 'image'; readonly platform: Platform; /** Undefined: never fetched. */ readonly imageId: Digest | undefined; readonly unpackedBytes: number }
  | { readonly kind: 'attestation'; readonly about: string }
  | { readonly kind: 'unknown' };

/** Empty for an image that was made here and never pushed. */
export function manifestsOf(image: ImageRecord, store: ImageStore, storage: Storage): { readonly target: Descriptor | undefined; readonly manifests: readonly ListedManifest[] } {
  const target = store.namesOf(image.id).map((name) => store.targetOf(name)).find((one) => one !== undefined) ?? store.targetWith(image.id);
  if (target === undefined) return { target: undefined, manifests: [] };
  const children = target.children.length === 0 ? target.platforms.map(({ manifest }) => manifest) : target.children;
  return { target: target.descriptor, manifests: children.map((descriptor) => describe(descriptor, target, store, storage)) };
}

function describe(descriptor: Descriptor, target: Target, store: ImageStore, { content, snapshots }: Storage): ListedManifest {
  const fetched = target.platforms.find(({ manifest }) => manifest.digest === descriptor.digest);
  const image = fetched === undefined ? undefined : store.image(fetched.imageId);
  const contentBytes = contentOf(descriptor, fetched).reduce((sum, digest) => sum + (content.sizeBytes(digest) ?? 0), 0);
  const unpackedBytes = (image?.config.rootfs.diff_ids ?? []).reduce((sum, diffId) => sum + (snapshots.layer(diffId)?.sizeBytes ?? 0), 0);
  const kind = kindOf(descriptor, fetched, unpackedBytes);
  return { descriptor, isHere: kind.kind === 'image' ? image !== undefined : content.has(descriptor.digest), contentBytes, kind };
}

function contentOf(descriptor: Descriptor, fetched: PlatformImage | undefined): readonly Digest[] {
  return [descriptor.digest, ...fetched === undefined ? [] : [fetched.imageId, ...fetched.blobs.map(({ digest }) => digest)]];
}

function kindOf({ annotations, platform }: Descriptor, fetched: PlatformImage | undefined, unpackedBytes: number): ManifestKind {
  if (annotations?.['vnd.docker.reference.type'] === 'attestation-manifest') return { kind: 'attestation', about: annotations['vnd.docker.reference.digest'] ?? '' };
  const of = fetched?.platform ?? platform;
  return of === undefined ? { kind: 'unknown' } : { kind: 'image', platform: of, imageId: fetched?.imageId, unpackedBytes };
}

/** How many images have a layer. */
export function usersOfLayers(store: ImageStore): ReadonlyMap<Digest, number> {
  const users = new Map<Digest, number>();
  for (const { config } of store.images()) for (const diffId of new Set(config.rootfs.diff_ids)) users.set(diffId, (users.get(diffId) ?? 0) + 1);
  return users;
}

/** Bytes of layers that another image has as well, by image. */
export function sharedBytes(store: ImageStore, storage: Pick<Storage, 'snapshots'>): ReadonlyMap<Digest, number> {
  const users = usersOfLayers(store);
  const layersOf = ({ config }: ImageRecord): readonly Digest[] => [...new Set(config.rootfs.diff_ids)];
  const sizeOf = (diffId: Digest): number => storage.snapshots.layer(diffId)?.sizeBytes ?? 0;
  return new Map([...store.images()].map((image) => [image.id, layersOf(image).filter((diffId) => users.get(diffId)! > 1).reduce((sum, diffId) => sum + sizeOf(diffId), 0)]));
}

/** What the blobs take that are kept because they cannot be made anew. */
export function keptBytes(store: ImageStore, content: Pick<Content, 'sizeBytes'>): number {
  return [...store.blobs()].filter(({ coding }) => coding.kind === 'kept').reduce((sum, { digest }) => sum + (content.sizeBytes(digest) ?? 0), 0);
}
