// Images of an OCI image layout in a tar (`skopeo copy … oci-archive:`, umoci, buildx). Every blob is compared with the digest that named it.
//
// Names: the annotation io.containerd.image.name holds a whole reference. org.opencontainers.image.ref.name holds one, too, from some tools, and
// from others only a tag of a repository that nobody names; a bare word is therefore no name, and the image comes without one.
import { decode, fail, hexOf } from '../base/index.ts';
import type { Descriptor, Manifest } from '../spec/oci/image.ts';
import { mediaTypes } from '../spec/oci/image.ts';
import { documentBytesMax, parseManifest } from '../spec/oci/manifest.ts';
import { chooseManifest, hostPlatform, matchesPlatform } from '../spec/oci/platform.ts';
import { parseReference, withDefaultTag, type Reference } from '../spec/reference.ts';
import type { Archive } from './archive.ts';
import { verified, verifiedBytes, type ImageSource, type SourceTarget } from './source.ts';

const layoutBytesMax = 4096;

export async function ociArchiveSources(archive: Archive): Promise<readonly ImageSource[]> {
  const sources: ImageSource[] = [];
  for (const descriptor of imagesOf(await topOf(archive))) sources.push(...await sourcesOf(archive, descriptor));
  if (sources.length === 0) throw fail('invalid', 'index.json names no image');
  return sources;
}

/** Whether one of its names leads to an index. */
export async function hasPlatforms(archive: Archive): Promise<boolean> {
  return (await topOf(archive)).some(({ mediaType }) => mediaType === mediaTypes.ociIndex || mediaType === mediaTypes.dockerIndex);
}

async function topOf(archive: Archive): Promise<readonly Descriptor[]> {
  const layout = decode.parseJson((await archive.bytes('oci-layout', layoutBytesMax)).toString('utf8'));
  const version = decode.text(decode.fieldOf(layout, 'imageLayoutVersion'), 'imageLayoutVersion');
  if (version !== '1.0.0') throw fail('unsupported', `The OCI layout has version ${JSON.stringify(version)}; 1.0.0 is known`);
  const top = parseManifest((await archive.bytes('index.json', documentBytesMax)).toString('utf8'));
  if (!('index' in top)) throw fail('invalid', 'index.json is no index');
  return top.index.manifests;
}

/** One descriptor for each name; several of one name are the same image for several platforms. */
function imagesOf(descriptors: readonly Descriptor[]): readonly Descriptor[] {
  const groups = Map.groupBy(descriptors, nameOf);
  return [...groups.values()].flatMap((group) => {
    if (group.length === 1 || group.some((one) => one.platform === undefined)) return group;
    return [chooseManifest(group, hostPlatform())];
  });
}

function nameOf(descriptor: Descriptor): string {
  return descriptor.annotations?.['io.containerd.image.name'] ?? descriptor.annotations?.['org.opencontainers.image.ref.name'] ?? '';
}

function referencesOf(descriptor: Descriptor): readonly Reference[] {
  const name = nameOf(descriptor);
  if (!/[:/]/.test(name)) return [];
  const reference = withDefaultTag(parseReference(name));
  return reference.digest === undefined ? [reference] : [];
}

/** The images of a name: of an index, those whose manifest the archive has, the host's last. @throws `not_found` when it has none */
async function sourcesOf(archive: Archive, named: Descriptor): Promise<readonly ImageSource[]> {
  const bytes = await blob(archive, named);
  const document = parseManifest(bytes.toString('utf8'), named.mediaType);
  const references = referencesOf(named);
  if ('manifest' in document) {
    const target: SourceTarget = { descriptor: withoutName(named), children: [], manifest: withoutName(named), blobs: document.manifest.layers, documents: [bytes] };
    return [await manifestSource(archive, document.manifest, target, references)];
  }
  const children = document.index.manifests;
  const here = children.filter((child) => child.annotations?.['vnd.docker.reference.type'] === undefined && archive.has(blobPath(child)));
  if (here.length === 0) throw fail('not_found', `The archive has no manifest of the index ${named.digest}`);
  const sources: ImageSource[] = [];
  for (const child of here.toSorted((a, b) => Number(isHosts(a)) - Number(isHosts(b)))) {
    const childBytes = await blob(archive, child);
    const inner = parseManifest(childBytes.toString('utf8'), child.mediaType);
    if ('index' in inner) throw fail('unsupported', `The index ${named.digest} has an index within it: ${child.digest}`);
    sources.push(await manifestSource(archive, inner.manifest, { descriptor: withoutName(named), children, manifest: child, blobs: inner.manifest.layers, documents: [bytes, childBytes] }, references));
  }
  return sources;
}

function isHosts({ platform }: Descriptor): boolean {
  return platform !== undefined && matchesPlatform(platform, hostPlatform());
}

/** As a registry would describe it: the names that an archive notes are no part of it. */
function withoutName({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}

async function manifestSource(archive: Archive, manifest: Manifest, target: SourceTarget, references: readonly Reference[]): Promise<ImageSource> {
  const type = manifest.config.mediaType;
  if (type !== mediaTypes.ociConfig && type !== mediaTypes.dockerConfig) throw fail('unsupported', `${target.manifest.digest} is not a container image: its configuration is of type ${JSON.stringify(type)}`);
  const isPlain = manifest.layers.every(({ mediaType }) => mediaType === mediaTypes.ociLayer);
  return {
    config: await blob(archive, manifest.config), references, ...target.children.length > 0 || isPlain ? { target } : {},
    layers: manifest.layers.map((layer) => () => verified(archive.stream(blobPath(layer)), layer.digest, layer.size)),
  };
}

async function blob(archive: Archive, descriptor: Descriptor): Promise<Buffer> {
  return verifiedBytes(await archive.bytes(blobPath(descriptor), documentBytesMax), descriptor.digest, descriptor.size);
}

function blobPath(descriptor: Descriptor): string {
  return `blobs/sha256/${hexOf(descriptor.digest)}`;
}
