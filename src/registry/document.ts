// Manifests and indexes, as bytes. What a document is, is said by the answer's Content-Type where that is a type of ours, else by the document itself.
import { decode, digestOf, fail, parseDigest, type Digest } from '../base/index.ts';
import { mediaTypes, type Descriptor } from '../spec/oci/image.ts';
import { documentBytesMax } from '../spec/oci/manifest.ts';
import type { Document } from './registry.ts';
import { readWhole, urlText, type Reply } from './wire.ts';

const known: ReadonlySet<string> = new Set([mediaTypes.ociManifest, mediaTypes.ociIndex, mediaTypes.dockerManifest, mediaTypes.dockerIndex]);
/** In the order of preference: an index before the manifests in it. */
export const acceptedTypes = [mediaTypes.ociIndex, mediaTypes.dockerIndex, mediaTypes.ociManifest, mediaTypes.dockerManifest].join(', ');

/** Reads an answer as the document that `wanted` named. @throws `invalid` when it is another one, `unsupported` when it is none of ours */
export async function readDocument(reply: Reply, wanted: Digest | undefined, documentMs: number): Promise<Document> {
  const bytes = await readWhole(reply, documentBytesMax, documentMs);
  const digest = digestOf(bytes);
  if (wanted !== undefined && digest !== wanted) throw fail('invalid', `manifest verification failed for digest ${wanted}: the registry sent ${digest}`, { hint: 'The registry or something on the way to it is broken; nothing was kept' });
  const said = saidDigest(reply);
  if (said !== undefined && said !== digest) throw fail('invalid', `manifest verification failed: the registry says ${said} and sent ${digest}`, { hint: 'The registry or something on the way to it is broken; nothing was kept' });
  return { descriptor: { mediaType: typeOf(reply, bytes), digest, size: bytes.length }, bytes };
}

/** What the head of an answer says of a document; undefined when it does not say enough. */
export function describedBy(reply: Reply): Descriptor | undefined {
  const digest = saidDigest(reply);
  const size = Number(reply.headers['content-length'] ?? Number.NaN);
  const mediaType = contentType(reply);
  return digest === undefined || !Number.isSafeInteger(size) || size < 0 || size > documentBytesMax || !known.has(mediaType) ? undefined : { mediaType, digest, size };
}

/** A digest of another algorithm proves nothing to us: as if there was none. */
function saidDigest(reply: Reply): Digest | undefined {
  const header = reply.headers['docker-content-digest'];
  return typeof header === 'string' && /^sha256:[0-9a-f]{64}$/.test(header) ? parseDigest(header) : undefined;
}

function contentType(reply: Reply): string {
  return (reply.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
}

function typeOf(reply: Reply, bytes: Uint8Array): string {
  const said = contentType(reply);
  if (known.has(said)) return said;
  if (/manifest\.v1\+(json|prettyjws)$/.test(said)) throw schemaOne();
  const value = jsonIn(bytes);
  const own = decode.fieldOf(value, 'mediaType');
  if (typeof own === 'string' && known.has(own)) return own;
  if (decode.fieldOf(value, 'schemaVersion') === 1) throw schemaOne();
  if (decode.fieldOf(value, 'schemaVersion') === 2 && Array.isArray(decode.fieldOf(value, 'manifests'))) return mediaTypes.ociIndex;
  if (decode.fieldOf(value, 'schemaVersion') === 2 && decode.fieldOf(value, 'config') !== undefined) return mediaTypes.ociManifest;
  throw fail('unsupported', `The registry's answer is no manifest: its type is ${JSON.stringify(said.slice(0, 100))}`, { hint: `Is there a registry at ${urlText(reply.url)}?` });
}

function jsonIn(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

function schemaOne(): Error {
  return fail('unsupported', 'The image is stored as "Docker Image Format v1" or "Docker Image manifest version 2, schema 1", which nobody reads any more', { hint: 'Pull and push it again with a tool of the last years' });
}
