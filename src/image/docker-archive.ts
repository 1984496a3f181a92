// Images of a docker-archive (`docker save`, `skopeo copy … docker-archive:`). Its paths that are digests are believed only when they are true.
import { fail, messageOf, parseDigest, type Digest } from '../base/index.ts';
import { parseArchiveManifest, type ArchiveImage } from '../spec/docker/archive.ts';
import { documentBytesMax } from '../spec/oci/manifest.ts';
import { parseReference, withDefaultTag, type Reference } from '../spec/reference.ts';
import type { Archive } from './archive.ts';
import { verified, verifiedBytes, type ImageSource } from './source.ts';

export async function dockerArchiveSources(archive: Archive): Promise<readonly ImageSource[]> {
  const text = (await archive.bytes('manifest.json', documentBytesMax)).toString('utf8');
  const sources: ImageSource[] = [];
  for (const image of parseArchiveManifest(text)) sources.push(await sourceOf(archive, image));
  return sources;
}

async function sourceOf(archive: Archive, image: ArchiveImage): Promise<ImageSource> {
  const config = await archive.bytes(image.Config, documentBytesMax);
  const digest = digestInPath(image.Config);
  if (digest !== undefined) verifiedBytes(config, digest);
  return { config, references: image.RepoTags.map(referenceOf), layers: image.Layers.map((path) => () => layer(archive, path)) };
}

function layer(archive: Archive, path: string): AsyncIterable<Uint8Array> {
  const digest = isBlobPath(path) ? digestInPath(path) : undefined;
  return digest === undefined ? archive.stream(path) : verified(archive.stream(path), digest);
}

function isBlobPath(path: string): boolean {
  return path.startsWith('blobs/sha256/');
}

/** `blobs/sha256/<hex>` and `<hex>.json` name their content; `<hex>/layer.tar` (an id of old Docker's own) and others do not. */
function digestInPath(path: string): Digest | undefined {
  const hex = /^(?:blobs\/sha256\/)?([0-9a-f]{64})(?:\.json)?$/.exec(path)?.[1];
  return hex === undefined ? undefined : parseDigest(`sha256:${hex}`);
}

function referenceOf(text: string): Reference {
  let reference;
  try {
    reference = withDefaultTag(parseReference(text));
  } catch (error) {
    throw fail('invalid', `manifest.json names the image ${JSON.stringify(text.slice(0, 200))}: ${messageOf(error)}`, { cause: error });
  }
  if (reference.digest !== undefined) throw fail('invalid', `manifest.json names the image ${JSON.stringify(text)}: a tag cannot have a digest`);
  return reference;
}
