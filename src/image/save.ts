// save: an archive of images, as Docker writes them since 25: a docker-archive (manifest.json) and an OCI layout (index.json) in one, which share their
// blobs. Layers are stored as they are hashed, uncompressed. The same images give the same bytes.
import { digestOf, hexOf, type Digest } from '../base/index.ts';
import { mediaTypes, type Descriptor, type Index, type Manifest } from '../spec/oci/image.ts';
import { documentBytesMax } from '../spec/oci/manifest.ts';
import { canonicalReference, familiarName, familiarReference, type Reference } from '../spec/reference.ts';
import { byteString, tarHeader, writeTar, type TarMember } from '../spec/tar/index.ts';
import type { Storage } from '../storage/index.ts';
import type { ImageRecord } from './store.ts';

export interface SavedImage {
  readonly image: ImageRecord;
  readonly references: readonly Reference[];
}

/** @throws `unsupported` for a layer that cannot be written again, before the first byte. */
export async function saveArchive(saved: readonly SavedImage[], storage: Storage): Promise<AsyncIterable<Uint8Array>> {
  const images = await Promise.all(saved.map((one) => describe(one, storage)));
  return writeTar(members(images, storage));
}

interface Described extends SavedImage {
  readonly config: Uint8Array;
  readonly layers: readonly Descriptor[];
  readonly manifest: Buffer;
  readonly createdSeconds: number;
}

async function describe({ image, references }: SavedImage, storage: Storage): Promise<Described> {
  const config = await storage.content.read(image.id, documentBytesMax);
  const layers = image.config.rootfs.diff_ids.map((diffId) => ({ mediaType: mediaTypes.ociLayer, size: storage.snapshots.tarBytes(diffId), digest: diffId }));
  const manifest: Manifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config: { mediaType: mediaTypes.ociConfig, digest: image.id, size: config.length }, layers };
  const createdMs = Date.parse(image.config.created ?? '');
  return { image, references, config, layers, manifest: Buffer.from(JSON.stringify(manifest)), createdSeconds: Number.isNaN(createdMs) ? 0 : Math.max(0, Math.floor(createdMs / 1000)) };
}

async function* members(images: readonly Described[], storage: Storage): AsyncGenerator<TarMember, void, undefined> {
  const written = new Set<Digest>();
  const isNew = (digest: Digest): boolean => !written.has(digest) && written.add(digest).size > 0;
  yield { header: tarHeader({ type: 'directory', path: 'blobs/' }) };
  yield { header: tarHeader({ type: 'directory', path: 'blobs/sha256/' }) };
  for (const image of images) {
    for (const { digest, size } of image.layers) if (isNew(digest)) yield* layerMember(digest, size, image.createdSeconds, storage);
    for (const document of [image.config, image.manifest]) if (isNew(digestOf(document))) yield file(blobPath(digestOf(document)), document, image.createdSeconds);
  }
  yield file('index.json', indexOf(images));
  yield file('manifest.json', dockerManifestOf(images));
  yield file('oci-layout', '{"imageLayoutVersion": "1.0.0"}');
  const repositories = repositoriesOf(images);
  if (repositories !== undefined) yield file('repositories', repositories);
}

async function* layerMember(digest: Digest, sizeBytes: number, mtimeSeconds: number, storage: Storage): AsyncGenerator<TarMember, void, undefined> {
  await using tar = storage.snapshots.layerTar(digest);
  yield { header: tarHeader({ type: 'file', path: blobPath(digest), sizeBytes, mtimeSeconds }), data: tar.bytes };
}

function file(path: string, content: Uint8Array | string, mtimeSeconds = 0): TarMember {
  const bytes = Buffer.from(content);
  return { header: { ...tarHeader({ type: 'file', path, sizeBytes: bytes.length, mtimeSeconds }), path: byteString(path) }, data: [bytes] };
}

function blobPath(digest: Digest): string {
  return `blobs/sha256/${hexOf(digest)}`;
}

function indexOf(images: readonly Described[]): string {
  const manifests = images.flatMap(({ manifest, references }) => {
    const descriptor: Descriptor = { mediaType: mediaTypes.ociManifest, digest: digestOf(manifest), size: manifest.length };
    if (references.length === 0) return [descriptor];
    return references.map((name) => ({ ...descriptor, annotations: { 'io.containerd.image.name': canonicalReference(name), 'org.opencontainers.image.ref.name': name.tag ?? '' } }));
  });
  return JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests } satisfies Index);
}

function dockerManifestOf(images: readonly Described[]): string {
  return JSON.stringify(images.map(({ image, references, layers }) => ({
    Config: blobPath(image.id), RepoTags: references.length === 0 ? null : references.map(familiarReference), Layers: layers.map(({ digest }) => blobPath(digest)),
    LayerSources: Object.fromEntries(layers.map((layer) => [layer.digest, layer])),
  })));
}

/** For readers of the oldest kind. */
function repositoriesOf(images: readonly Described[]): string | undefined {
  const repositories: Record<string, Record<string, string>> = {};
  for (const { references, layers } of images) {
    const top = layers.at(-1);
    if (top !== undefined) for (const name of references) (repositories[familiarName(name)] ??= {})[name.tag ?? ''] = hexOf(top.digest);
  }
  return Object.keys(repositories).length === 0 ? undefined : JSON.stringify(repositories);
}
