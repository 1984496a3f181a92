// Platforms: which image of an index is for this machine. Source: OCI image spec, image-index.md; the order of arm variants as containerd has it.
import { fail } from '../../base/index.ts';
import type { Descriptor, Platform } from './image.ts';

/** The platform of images for this machine: `linux/amd64`, `linux/arm64`. */
export function hostPlatform(): Platform {
  return process.arch === 'arm64' ? { os: 'linux', architecture: 'arm64', variant: 'v8' } : { os: 'linux', architecture: 'amd64' };
}

/** `linux/arm64/v8`, `linux`, `amd64`. @throws `invalid` for anything else. */
export function parsePlatform(text: string): Platform {
  const parts = text.toLowerCase().split('/');
  if (parts.length > 3 || parts.some((part) => !/^[a-z0-9_.-]+$/.test(part))) throw fail('invalid', `${JSON.stringify(text.slice(0, 100))}: cannot parse platform`, { hint: 'Write os/architecture, as in linux/amd64' });
  const host = hostPlatform();
  if (parts.length === 1 && parts[0] === 'linux') return host;
  const [os, architecture, variant] = parts.length === 1 ? ['linux', parts[0]!] : parts;
  if (os !== 'linux') throw fail('unsupported', 'operating system is not supported', { hint: 'Images here are for linux' });
  return { os, architecture: normalArchitecture(architecture!), ...variant === undefined ? {} : { variant } };
}

function normalArchitecture(name: string): string {
  return { x86_64: 'amd64', 'x86-64': 'amd64', aarch64: 'arm64', i386: '386' }[name] ?? name;
}

/** Whether images of `image` are made for `wanted`. A variant that one side does not tell fits. */
export function matchesPlatform(image: Platform, wanted: Platform): boolean {
  if (image.os !== wanted.os || image.architecture !== wanted.architecture) return false;
  return image.variant === undefined || image.variant === '' || wanted.variant === undefined || image.variant === wanted.variant;
}

/** The manifest of an index for `wanted`; attestations (which are no images) never. @throws `not_found` with Docker's text. */
export function chooseManifest(manifests: readonly Descriptor[], wanted: Platform): Descriptor {
  const images = manifests.filter((one) => one.annotations?.['vnd.docker.reference.type'] === undefined);
  const chosen = images.find((one) => one.platform !== undefined && matchesPlatform(one.platform, wanted)) ?? images.find((one) => one.platform === undefined || one.platform.os === '');
  if (chosen === undefined) throw fail('not_found', `no matching manifest for ${formatPlatform(wanted)} in the manifest list entries`);
  return chosen;
}

export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...variant === undefined || variant === '' ? [] : [variant]].join('/');
}
