// What a registry says about an image that is not here: its digest, and the platforms that it is for.
import { decode, digestOf, fail } from '../base/index.ts';
import type { Descriptor, Platform } from '../spec/oci/image.ts';
import { documentBytesMax, parseManifest } from '../spec/oci/manifest.ts';
import type { Repository } from './registry.ts';

const platformIn = decode.object<Platform>({ architecture: decode.text, os: decode.text, variant: decode.optional(decode.text) });

/** @throws `not_found` in the registry's own words when there is no such tag or digest */
export async function describeImage(repository: Repository, tagOrDigest: string): Promise<{ readonly descriptor: Descriptor; readonly platforms: readonly Platform[] }> {
  const descriptor = await repository.exists(tagOrDigest);
  if (descriptor === undefined) throw fail('not_found', 'manifest unknown: manifest unknown');
  const { bytes } = await repository.document(descriptor.digest);
  const parsed = parseManifest(Buffer.from(bytes).toString('utf8'), descriptor.mediaType);
  if ('index' in parsed) return { descriptor, platforms: parsed.index.manifests.flatMap(({ platform }) => (platform === undefined ? [] : [platform])) };
  const platform = decode.decodeJson((await configOf(parsed.manifest.config, repository)).toString('utf8'), platformIn);
  return { descriptor, platforms: platform.os === '' && platform.architecture === '' ? [] : [platform] };
}

/** The configuration that a manifest names, verified. */
export async function configOf(descriptor: Descriptor, repository: Repository): Promise<Buffer> {
  if (descriptor.size > documentBytesMax) throw fail('too_large', `The configuration ${descriptor.digest} is larger than ${documentBytesMax} bytes`);
  const bytes = Buffer.concat(await Array.fromAsync(repository.blob(descriptor)));
  if (digestOf(bytes) !== descriptor.digest) throw fail('invalid', `The registry sent other bytes for the configuration ${descriptor.digest}`);
  return bytes;
}
