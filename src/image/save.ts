// save: an archive of images, as Docker writes them since 25: a docker-archive (manifest.json) and an OCI layout (index.json) in one, which share their
// blobs. Layers are stored as they are hashed, uncompressed. The same images give the same bytes. Several platforms of one name lie under an index of their
// own; the docker-archive, which knows no platforms, has the one that the name means.
import { digestOf, hexOf, type Digest } from '../base/index.ts';
import { mediaTypes, type Descriptor, type ImageConfig, type Index, type Manifest } from '../spec/oci/image.ts';
import { documentBytesMax } from '../spec/oci/manifest.ts';
import { canonicalReference, familiarName, familiarReference, parseReference, type Reference } from '../spec/reference.ts';
import { byteString, tarHeader, writeTar, type TarMember } from '../spec/tar/index.ts';
import type { Storage } from '../storage/index.ts';
import type { ImageRecord } from './store.ts';

export interface SavedImage {
  /** For its platforms; the first is what its name means. */
  readonly images: readonly [ImageRecord, ...ImageRecord[]];
  readonly references: readonly Reference[];
}

/** @throws `unsupported` for a layer that cannot be written again, before the first byte. */
export async function saveArchive(saved: readonly SavedImage[], storage: Storage): Promise<AsyncIterable<Uint8Array>> {
  const images = await Promise.all(saved.map(async ({ images: [first, ...others], references }): Promise<Described> => {
    const parts: [Part, ...Part[]] = [await describe(first, storage)];
    for (const other of others) parts.push(await describe(other, storage));
    return { parts, references, index: parts.length > 1 ? indexOfParts(parts) : undefined };
  }));
  return writeTar(members(images, storage));
}

export interface ArchiveOptions {
  /** Otherwise it is an OCI layout alone. */
  readonly isForDocker: boolean;
  /** Of the manifest. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** Of one image that only its configuration says. @throws `unsupported` as saveArchive */
export function archiveOf(config: ImageConfig, references: readonly string[], { isForDocker, annotations }: ArchiveOptions, storage: Storage): { readonly bytes: AsyncIterable<Uint8Array>; readonly manifest: Digest } {
  const document = Buffer.from(JSON.stringify(config));
  const part = partOf({ id: digestOf(document), config }, document, storage, annotations);
  return { bytes: writeTar(members([{ parts: [part], references: references.map(parseReference), index: undefined }], storage, isForDocker)), manifest: digestOf(part.manifest) };
}

interface Described {
  readonly parts: readonly [Part, ...Part[]];
  /** Of several platforms. */
  readonly index: Buffer | undefined;
  readonly references: readonly Reference[];
}

/** One platform. */
interface Part {
  readonly image: Pick<ImageRecord, 'id' | 'config'>;
  readonly config: Uint8Array;
  readonly layers: readonly Descriptor[];
  readonly manifest: Buffer;
  readonly createdSeconds: number;
}

async function describe(image: ImageRecord, storage: Storage): Promise<Part> {
  return partOf(image, await storage.content.read(image.id, documentBytesMax), storage);
}

function partOf(image: Part['image'], config: Uint8Array, storage: Storage, annotations: ArchiveOptions['annotations'] = {}): Part {
  const layers = image.config.rootfs.diff_ids.map((diffId) => ({ mediaType: mediaTypes.ociLayer, size: storage.snapshots.tarBytes(diffId), digest: diffId }));
  const manifest: Manifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config: { mediaType: mediaTypes.ociConfig, digest: image.id, size: config.length }, layers, ...Object.keys(annotations).length === 0 ? {} : { annotations } };
  const createdMs = Date.parse(image.config.created ?? '');
  return { image, config, layers, manifest: Buffer.from(JSON.stringify(manifest)), createdSeconds: Number.isNaN(createdMs) ? 0 : Math.max(0, Math.floor(createdMs / 1000)) };
}

function indexOfParts(parts: readonly Part[]): Buffer {
  const manifests = parts.map(({ image: { config: { os, architecture, variant } }, manifest }): Descriptor => (
    { mediaType: mediaTypes.ociManifest, digest: digestOf(manifest), size: manifest.length, platform: { os, architecture, ...variant === undefined ? {} : { variant } } }));
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests } satisfies Index));
}

async function* members(images: readonly Described[], storage: Storage, isForDocker = true): AsyncGenerator<TarMember, void, undefined> {
  const written = new Set<Digest>();
  const isNew = (digest: Digest): boolean => !written.has(digest) && written.add(digest).size > 0;
  yield { header: tarHeader({ type: 'directory', path: 'blobs/' }) };
  yield { header: tarHeader({ type: 'directory', path: 'blobs/sha256/' }) };
  for (const { parts, index } of images) {
    for (const part of parts) {
      for (const { digest, size } of part.layers) if (isNew(digest)) yield* layerMember(digest, size, part.createdSeconds, storage);
      for (const document of [part.config, part.manifest]) if (isNew(digestOf(document))) yield file(blobPath(digestOf(document)), document, part.createdSeconds);
    }
    if (index !== undefined && isNew(digestOf(index))) yield file(blobPath(digestOf(index)), index, parts[0].createdSeconds);
  }
  yield file('index.json', indexOf(images));
  if (isForDocker) yield file('manifest.json', dockerManifestOf(images));
  yield file('oci-layout', '{"imageLayoutVersion": "1.0.0"}');
  const repositories = isForDocker ? repositoriesOf(images) : undefined;
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
  const manifests = images.flatMap(({ parts, index, references }) => {
    const document = index ?? parts[0].manifest;
    const descriptor: Descriptor = { mediaType: index === undefined ? mediaTypes.ociManifest : mediaTypes.ociIndex, digest: digestOf(document), size: document.length };
    if (references.length === 0) return [descriptor];
    return references.map((name) => ({ ...descriptor, annotations: { 'io.containerd.image.name': canonicalReference(name), 'org.opencontainers.image.ref.name': name.tag ?? '' } }));
  });
  return JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests } satisfies Index);
}

function dockerManifestOf(images: readonly Described[]): string {
  return JSON.stringify(images.map(({ parts: [{ image, layers }], references }) => ({
    Config: blobPath(image.id), RepoTags: references.length === 0 ? null : references.map(familiarReference), Layers: layers.map(({ digest }) => blobPath(digest)),
    LayerSources: Object.fromEntries(layers.map((layer) => [layer.digest, layer])),
  })));
}

/** For readers of the oldest kind. */
function repositoriesOf(images: readonly Described[]): string | undefined {
  const repositories: Record<string, Record<string, string>> = {};
  for (const { references, parts } of images) {
    const top = parts[0].layers.at(-1);
    if (top !== undefined) for (const name of references) (repositories[familiarName(name)] ??= {})[name.tag ?? ''] = hexOf(top.digest);
  }
  return Object.keys(repositories).length === 0 ? undefined : JSON.stringify(repositories);
}
