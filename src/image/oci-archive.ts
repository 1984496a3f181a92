// Images of an OCI image layout in a tar (`skopeo copy … oci-archive:`, umoci, buildx). Every blob is compared with the digest that named it.
//
// Names: the annotation io.containerd.image.name holds a whole reference. org.opencontainers.image.ref.name holds one, too, from some tools, and
// from others only a tag of a repository that nobody names; a bare word is therefore no name, and the image comes without one.
import { decode, fail, hexOf } from '../base/index.ts';
import type { Descriptor, Manifest } from '../spec/oci/image.ts';
import { mediaTypes } from '../spec/oci/image.ts';
import { documentBytesMax, parseManifest } from '../spec/oci/manifest.ts';
import { chooseManifest, hostPlatform } from '../spec/oci/platform.ts';
import { parseReference, withDefaultTag, type Reference } from '../spec/reference.ts';
import type { Archive } from './archive.ts';
import { verified, verifiedBytes, type ImageSource } from './source.ts';

const indexDepthMax = 3;
const layoutBytesMax = 4096;

export async function ociArchiveSources(archive: Archive): Promise<readonly ImageSource[]> {
  const layout = decode.parseJson((await archive.bytes('oci-layout', layoutBytesMax)).toString('utf8'));
  const version = decode.text(decode.fieldOf(layout, 'imageLayoutVersion'), 'imageLayoutVersion');
  if (version !== '1.0.0') throw fail('unsupported', `The OCI layout has version ${JSON.stringify(version)}; 1.0.0 is known`);
  const top = parseManifest((await archive.bytes('index.json', documentBytesMax)).toString('utf8'));
  if (!('index' in top)) throw fail('invalid', 'index.json is no index');
  const sources: ImageSource[] = [];
  for (const descriptor of imagesOf(top.index.manifests)) sources.push(await sourceOf(archive, descriptor));
  if (sources.length === 0) throw fail('invalid', 'index.json names no image');
  return sources;
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

async function sourceOf(archive: Archive, named: Descriptor): Promise<ImageSource> {
  let descriptor = named;
  for (let depth = 0; depth < indexDepthMax; depth++) {
    const bytes = await blob(archive, descriptor);
    const document = parseManifest(bytes.toString('utf8'), descriptor.mediaType);
    if ('manifest' in document) return manifestSource(archive, document.manifest, { bytes, digest: descriptor.digest }, referencesOf(named));
    descriptor = chooseManifest(document.index.manifests, hostPlatform());
  }
  throw fail('invalid', `The index ${named.digest} has indexes within indexes, more than ${indexDepthMax} deep`);
}

async function manifestSource(archive: Archive, manifest: Manifest, own: NonNullable<ImageSource['manifest']>, references: readonly Reference[]): Promise<ImageSource> {
  const type = manifest.config.mediaType;
  if (type !== mediaTypes.ociConfig && type !== mediaTypes.dockerConfig) throw fail('unsupported', `${own.digest} is not a container image: its configuration is of type ${JSON.stringify(type)}`);
  return {
    config: await blob(archive, manifest.config), manifest: own, references,
    layers: manifest.layers.map((layer) => () => verified(archive.stream(blobPath(layer)), layer.digest, layer.size)),
  };
}

async function blob(archive: Archive, descriptor: Descriptor): Promise<Buffer> {
  return verifiedBytes(await archive.bytes(blobPath(descriptor), documentBytesMax), descriptor.digest, descriptor.size);
}

function blobPath(descriptor: Descriptor): string {
  return `blobs/sha256/${hexOf(descriptor.digest)}`;
}
