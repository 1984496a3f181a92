// A target: what a name points to when a registry or an archive gave it, the manifest or index itself (docs/decisions/0013). The documents lie in the
// content store, byte for byte; the record is what must be known of them without reading.
import { decode, parseDigest, type Digest } from '../base/index.ts';
import type { Descriptor, Platform } from '../spec/oci/image.ts';
import { decodeDescriptor } from '../spec/oci/manifest.ts';
import type { Reference } from '../spec/reference.ts';

export interface Target {
  readonly descriptor: Descriptor;
  /** What an index lists; empty for a manifest. */
  readonly children: readonly Descriptor[];
  /** The platforms that were fetched. Their images may have been removed since. */
  readonly platforms: readonly PlatformImage[];
  /** Other content that is kept with it: the statements of attestations. */
  readonly attached: readonly Digest[];
}

/** One platform of a target. */
export interface PlatformImage {
  /** With the platform as the index, else the configuration, says it. */
  readonly manifest: Descriptor;
  readonly platform: Platform;
  readonly imageId: Digest;
  /** Lowest first, as the diff ids of the image. */
  readonly blobs: readonly Descriptor[];
}

/** What is known of a blob that is a layer's tar, compressed. */
export interface Blob {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly mediaType: string;
  readonly diffId: Digest;
  readonly coding: Coding;
  /** Canonical names of repositories that have it, the last used first: a push to the same registry mounts it from there. */
  readonly repositories: readonly string[];
}

/** How the blob is had again: from the content store, or made anew from the tar. `absent`: not at all; the layer came another way. */
export type Coding =
  | { readonly kind: 'absent' }
  /** `isFinal`: it was tried, and cannot be made anew. */
  | { readonly kind: 'kept'; readonly isFinal?: boolean }
  | { readonly kind: 'plain' }
  | { readonly kind: 'gzip'; readonly level: number; /** Header, as hex. */ readonly header: string }
  | { readonly kind: 'zstd'; readonly level: number };

const digest = decode.mapped(decode.text, parseDigest);
const platform = decode.object<Platform>({ architecture: decode.text, os: decode.text, variant: decode.optional(decode.text) });

export const decodeTarget: decode.Decode<Target> = decode.object<Target>({
  descriptor: decodeDescriptor, children: decode.list(decodeDescriptor),
  platforms: decode.list(decode.object<PlatformImage>({ manifest: decodeDescriptor, platform, imageId: digest, blobs: decode.list(decodeDescriptor) })),
  attached: decode.list(digest),
});

const decodeCoding: decode.Decode<Coding> = (value, path) => {
  const kind = decode.word(['absent', 'kept', 'plain', 'gzip', 'zstd'])(decode.fieldOf(value, 'kind'), `${path}.kind`);
  const level = decode.integer(decode.fieldOf(value, 'level'), `${path}.level`);
  if (kind === 'gzip') return { kind, level, header: decode.text(decode.fieldOf(value, 'header'), `${path}.header`) };
  if (kind === 'kept') return { kind, isFinal: decode.flag(decode.fieldOf(value, 'isFinal'), `${path}.isFinal`) };
  return kind === 'zstd' ? { kind, level } : { kind };
};

export const decodeBlob: decode.Decode<Blob> = decode.object<Blob>({
  digest, sizeBytes: decode.integer, mediaType: decode.text, diffId: digest, coding: decodeCoding, repositories: decode.list(decode.text),
});

/** The same target, with what both know of platforms: the newer one's say counts. */
export function joinTargets(older: Target | undefined, newer: Target): Target {
  if (older === undefined) return newer;
  const kept = older.platforms.filter(({ manifest }) => !newer.platforms.some((other) => other.manifest.digest === manifest.digest));
  return { ...newer, platforms: [...kept, ...newer.platforms], attached: [...new Set([...older.attached, ...newer.attached])] };
}

const repositoriesMax = 8;

/** The same blob, of which `repository` is known to have it. */
export function withRepository(blob: Blob, { domain, path }: Reference): Blob {
  const name = `${domain}/${path}`;
  return { ...blob, repositories: [name, ...blob.repositories.filter((other) => other !== name)].slice(0, repositoriesMax) };
}

/** The documents of which the content store has one copy each while the target is there. */
export function documentsOf({ descriptor, platforms, children, attached }: Target): readonly Digest[] {
  return [descriptor.digest, ...children.map((child) => child.digest), ...platforms.flatMap(({ manifest, imageId }) => [manifest.digest, imageId]), ...attached];
}
