// Digests and ids. A digest is `sha256:` and 64 hex digits, the name of content by what it is. A container's id is 64 random hex digits.
// Source: OCI image spec, descriptor.md (the sha256 algorithm only; sha512 content is refused with a clear sentence).
import { createHash, randomBytes } from 'node:crypto';
import type { Brand } from './brand.ts';
import { fail } from './errors.ts';

export type Digest = Brand<string, 'Digest'>;
export type ContainerId = Brand<string, 'ContainerId'>;

/** @throws `invalid` when `text` is not `sha256:` followed by 64 lower-case hex digits. */
export function parseDigest(text: string): Digest {
  if (/^sha256:[0-9a-f]{64}$/.test(text)) return text as Digest;
  if (/^sha(384|512):[0-9a-f]+$/.test(text)) throw fail('unsupported', `Unsupported digest algorithm: ${JSON.stringify(text.slice(0, 6))}`, { hint: 'Use content addressed by sha256' });
  throw fail('invalid', `Invalid digest: ${JSON.stringify(text.slice(0, 100))}`, { hint: 'A digest is sha256: and 64 hex digits' });
}

/** The 64 hex digits of a digest: what stands behind `sha256:`. */
export function hexOf(digest: Digest): string {
  return digest.slice(7);
}

/** The digest of `bytes` in memory. */
export function digestOf(bytes: Uint8Array | string): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest;
}

/** A new container id (also used for execs): 32 random bytes as hex. */
export function newContainerId(): ContainerId {
  return randomBytes(32).toString('hex') as ContainerId;
}

/** @throws `invalid` when `text` is not 64 lower-case hex digits. */
export function parseContainerId(text: string): ContainerId {
  if (!/^[0-9a-f]{64}$/.test(text)) throw fail('invalid', `Invalid container id: ${JSON.stringify(text.slice(0, 100))}`);
  return text as ContainerId;
}

/** The 12-digit form that people see. */
export function shortId(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12);
}
