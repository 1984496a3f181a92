// The documents of an image on their way from a repository: from what a name is there to the manifest of a platform and its configuration. What the
// content store has already is read from there; what comes is verified by its digest and stored, held by the lease until a record names it.
import { fail, type Digest } from '../base/index.ts';
import type { Document, Repository } from '../registry/index.ts';
import { parseImageConfig } from '../spec/oci/config.ts';
import { mediaTypes, type Descriptor, type ImageConfig, type Index, type Manifest, type Platform } from '../spec/oci/image.ts';
import { documentBytesMax, parseManifest } from '../spec/oci/manifest.ts';
import { chooseManifest, formatPlatform, hostPlatform, matchesPlatform } from '../spec/oci/platform.ts';
import type { Content } from '../storage/index.ts';
import { one } from './source.ts';
import type { Lease } from './sweeper.ts';

const indexDepthMax = 3;
const attachedBytesMax = 64 * 2 ** 20;
const attachedBlobsMax = 64;

export interface Resolved {
  readonly target: Descriptor;
  /** What the target lists, when it is an index. */
  readonly children: readonly Descriptor[];
  readonly manifest: Descriptor;
  readonly platform: Platform;
  readonly layers: readonly Descriptor[];
  readonly imageId: Digest;
  readonly config: ImageConfig;
}

export class Documents {
  readonly #repository: Pick<Repository, 'document' | 'blob'>;
  readonly #content: Content;
  readonly #lease: Lease;

  constructor(repository: Pick<Repository, 'document' | 'blob'>, content: Content, lease: Lease) {
    this.#repository = repository;
    this.#content = content;
    this.#lease = lease;
  }

  /** @throws `not_found` when there is nothing for `platform`, `unsupported` for what is no container image. */
  async resolve(target: Document, platform: Platform | undefined): Promise<Resolved> {
    await this.#store(target.descriptor.digest, target.bytes);
    let descriptor = target.descriptor;
    let bytes = target.bytes;
    let children: readonly Descriptor[] = [];
    for (let depth = 0; depth <= indexDepthMax; depth++) {
      const document = parse(bytes, descriptor);
      if ('manifest' in document) return this.#image(target.descriptor, children, descriptor, document.manifest, platform);
      children = [...children, ...document.index.manifests];
      descriptor = chooseManifest(document.index.manifests, platform ?? hostPlatform());
      bytes = await this.document(descriptor);
    }
    throw fail('invalid', `The index ${target.descriptor.digest} has indexes within indexes, more than ${indexDepthMax} deep`);
  }

  async #image(target: Descriptor, children: readonly Descriptor[], manifest: Descriptor, { config, layers }: Manifest, platform: Platform | undefined): Promise<Resolved> {
    if (!configTypes.has(config.mediaType)) throw noImage(manifest.digest, config.mediaType);
    const image = parseImageConfig(Buffer.from(await this.small(config, documentBytesMax)).toString('utf8'));
    if (image.rootfs.diff_ids.length !== layers.length) throw fail('invalid', `invalid manifest ${manifest.digest}: ${layers.length} layers, and ${image.rootfs.diff_ids.length} in the configuration`);
    const found: Platform = { os: image.os === '' ? 'linux' : image.os, architecture: image.architecture, ...(image.variant === undefined || image.variant === '' ? {} : { variant: image.variant }) };
    if (platform !== undefined && !matchesPlatform(found, platform)) throw fail('not_found', `image with reference ${manifest.digest} was found but its platform (${formatPlatform(found)}) does not match the specified platform (${formatPlatform(platform)})`);
    return { target, children, manifest, platform: manifest.platform ?? found, layers, imageId: config.digest, config: image };
  }

  /** A manifest or index, from here or from there. */
  async document(descriptor: Descriptor): Promise<Uint8Array> {
    if (descriptor.size > documentBytesMax) throw fail('too_large', `The manifest ${descriptor.digest} has ${descriptor.size} bytes, more than ${documentBytesMax}`);
    this.#lease.hold(descriptor.digest);
    if (this.#content.has(descriptor.digest)) return this.#content.read(descriptor.digest, documentBytesMax);
    const { bytes } = await this.#repository.document(descriptor.digest);
    await this.#store(descriptor.digest, bytes);
    return bytes;
  }

  /** A blob that is read whole. */
  async small(descriptor: Descriptor, bytesMax: number): Promise<Uint8Array> {
    if (descriptor.size > bytesMax) throw fail('too_large', `The content ${descriptor.digest} has ${descriptor.size} bytes, more than ${bytesMax}`);
    this.#lease.hold(descriptor.digest);
    if (!this.#content.has(descriptor.digest)) await this.#content.write(this.#repository.blob(descriptor), { digest: descriptor.digest, sizeBytes: descriptor.size });
    return this.#content.read(descriptor.digest, bytesMax);
  }

  /** The attestations among `children` that are about `manifest`: their manifests and all that those name. */
  async attestations(children: readonly Descriptor[], manifest: Digest): Promise<readonly Digest[]> {
    const about = children.filter(({ annotations }) => annotations?.['vnd.docker.reference.type'] === 'attestation-manifest' && annotations['vnd.docker.reference.digest'] === manifest);
    const attached: Digest[] = [];
    let left = attachedBytesMax;
    for (const descriptor of about) {
      const document = parse(await this.document(descriptor), descriptor);
      if (!('manifest' in document)) continue;
      const blobs = [document.manifest.config, ...document.manifest.layers];
      if (blobs.length > attachedBlobsMax) throw fail('too_large', `The attestation ${descriptor.digest} has more than ${attachedBlobsMax} parts`);
      for (const blob of blobs) {
        await this.small(blob, left);
        left -= blob.size;
        attached.push(blob.digest);
      }
    }
    return attached;
  }

  async #store(digest: Digest, bytes: Uint8Array): Promise<void> {
    this.#lease.hold(digest);
    if (!this.#content.has(digest)) await this.#content.write(one(bytes), { digest });
  }
}

const configTypes: ReadonlySet<string> = new Set([mediaTypes.ociConfig, mediaTypes.dockerConfig]);

function parse(bytes: Uint8Array, descriptor: Descriptor): { readonly manifest: Manifest } | { readonly index: Index } {
  return parseManifest(Buffer.from(bytes).toString('utf8'), descriptor.mediaType);
}

function noImage(digest: Digest, type: string): Error {
  return fail('unsupported', `${digest} is not a container image: its configuration is of type ${JSON.stringify(type.slice(0, 200))}`, { hint: 'Artifacts are fetched by the tools that made them' });
}
