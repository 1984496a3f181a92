// Blobs on their way out. What the registry has is not sent, what it has in another repository is mounted. Otherwise one PUT takes the whole blob; where a body
// of that size is refused, or the registry asks for it, it goes in chunks. After a break the registry says how far it got, and that is where it goes on.
import { fail, isFail, type Digest } from '../base/index.ts';
import type { Descriptor } from '../spec/oci/image.ts';
import type { Endpoint } from './endpoint.ts';
import { failureOf } from './failure.ts';
import type { PutBlobOptions } from './registry.ts';
import type { Reply } from './wire.ts';

export interface Upload {
  readonly endpoint: Endpoint;
  readonly descriptor: Descriptor;
  readonly bytes: (offset: number) => AsyncIterable<Uint8Array>;
  readonly scopes: readonly string[];
  readonly retriesMax: number;
  /** How large a chunk is, where chunks must be. */
  readonly chunkBytes: number;
}

/** Where an upload stands: the address for the next request, and how much is there. */
interface Standing {
  readonly location: URL;
  readonly offset: number;
  /** The largest body that is tried; undefined: all that is left. */
  readonly chunkBytes: number | undefined;
}

const octets = { 'Content-Type': 'application/octet-stream' } as const;

export async function putBlob(upload: Upload, { from, sent }: PutBlobOptions): Promise<'there' | 'mounted' | 'uploaded'> {
  if (await hasBlob(upload.endpoint, upload.descriptor.digest, upload.scopes)) return 'there';
  let standing = await begin(upload, from);
  if (standing === undefined) return 'mounted';
  for (let failures = 0; ;) {
    const began = standing.offset;
    const step = await trySend(upload, standing, sent);
    if (step === 'done') return 'uploaded';
    if ('location' in step) { standing = step; failures = step.offset > began ? 0 : failures; continue; }
    failures += 1;
    if (failures > upload.retriesMax) throw step.error;
    await upload.endpoint.pause(upload.endpoint.backOffMs(failures - 1));
    standing = await whereItStands(upload, standing, step.isTooLarge);
  }
}

export async function hasBlob(endpoint: Endpoint, digest: Digest, scopes: readonly string[]): Promise<boolean> {
  const reply = await endpoint.send({ method: 'HEAD', path: `v2/${endpoint.site.path}/blobs/${digest}`, scopes });
  if (reply.status !== 200 && reply.status !== 404) throw failureOf(await endpoint.refusal(reply));
  reply.leave();
  return reply.status === 200;
}

/** Opens an upload; undefined when the registry had the blob in `from` and mounted it. */
async function begin({ endpoint, descriptor, scopes, chunkBytes }: Upload, from?: string, inChunks = false): Promise<Standing | undefined> {
  const query = from === undefined ? '' : `?mount=${encodeURIComponent(descriptor.digest)}&from=${encodeURIComponent(from)}`;
  const reply = await endpoint.send({ method: 'POST', path: `v2/${endpoint.site.path}/blobs/uploads/${query}`, headers: { 'Content-Length': '0' }, scopes: from === undefined ? scopes : [...scopes, `repository:${from}:pull`] });
  if (reply.status === 201 && from !== undefined) { reply.leave(); return undefined; }
  if (reply.status !== 202) throw failureOf(await endpoint.refusal(reply));
  reply.leave();
  const wanted = Number(reply.headers['oci-chunk-min-length'] ?? 0);
  return { location: locationOf(reply), offset: 0, chunkBytes: wanted > 0 ? Math.max(wanted, chunkBytes) : inChunks ? chunkBytes : undefined };
}

type Step = 'done' | Standing | { readonly error: Error; readonly isTooLarge: boolean };

/** Sends the next stretch: the last one closes the upload. */
async function trySend(upload: Upload, standing: Standing, sent: PutBlobOptions['sent']): Promise<Step> {
  const { endpoint, descriptor: { size }, scopes } = upload;
  const end = Math.min(size, standing.offset + (standing.chunkBytes ?? size));
  const isLast = end === size && (standing.offset === 0 || end === standing.offset);
  const range = standing.offset === 0 && isLast ? {} : { 'Content-Range': `${standing.offset}-${end - 1}` };
  const length = String(end - standing.offset);
  const body = end === standing.offset ? undefined : () => stretch(upload, standing.offset, end, sent);
  try {
    const reply = isLast
      ? await endpoint.send({ method: 'PUT', path: withDigest(standing.location, upload.descriptor.digest), headers: { ...octets, 'Content-Length': length }, body, scopes, isRepeatable: false })
      : await endpoint.send({ method: 'PATCH', path: standing.location, headers: { ...octets, ...range, 'Content-Length': length }, body, scopes, isRepeatable: false });
    if (isLast ? reply.status === 201 || reply.status === 204 : reply.status === 202) {
      reply.leave();
      return isLast ? 'done' : { ...standing, location: locationOf(reply), offset: takenBytes(reply) ?? end };
    }
    const refusal = await endpoint.refusal(reply);
    if (!isPassing(reply.status) && reply.status !== 413) throw failureOf(refusal);
    if (reply.status === 413 && (standing.chunkBytes ?? size) <= upload.chunkBytes) throw failureOf(refusal);
    return { error: failureOf(refusal), isTooLarge: reply.status === 413 };
  } catch (error) {
    if (!isFail(error, 'unavailable') && !isFail(error, 'timeout')) throw error;
    return { error, isTooLarge: false };
  }
}

/** Worth another try: it was busy, or it and we disagree about what is there. */
function isPassing(status: number): boolean {
  return status >= 500 || status === 408 || status === 429 || status === 416 || status === 409;
}

/** Asks how far the registry got; an upload that it has forgotten is begun anew. */
async function whereItStands(upload: Upload, standing: Standing, isTooLarge: boolean): Promise<Standing> {
  const chunkBytes = isTooLarge ? upload.chunkBytes : standing.chunkBytes;
  const reply = await upload.endpoint.send({ method: 'GET', path: standing.location, scopes: upload.scopes });
  reply.leave();
  const offset = reply.status === 204 || reply.status === 200 || reply.status === 202 ? takenBytes(reply) : undefined;
  if (offset !== undefined && offset <= upload.descriptor.size) return { location: reply.headers.location === undefined ? standing.location : locationOf(reply), offset, chunkBytes };
  const fresh = await begin(upload, undefined, chunkBytes !== undefined);
  if (fresh === undefined) throw new Error('Nothing was to be mounted');
  return fresh;
}

/** `Range: 0-99` says a hundred bytes; `0-0` is how registries say none (or one: then it is sent again). */
function takenBytes(reply: Reply): number | undefined {
  const last = /^(?:bytes=)?0-(\d+)$/.exec(reply.headers['range'] ?? '')?.[1];
  if (last === undefined) return undefined;
  return Number(last) === 0 ? 0 : Number(last) + 1;
}

async function* stretch({ bytes, descriptor }: Upload, offset: number, end: number, sent: PutBlobOptions['sent']): AsyncGenerator<Uint8Array, void, undefined> {
  let at = offset;
  for await (const chunk of bytes(offset)) {
    const rest = chunk.length > end - at ? chunk.subarray(0, end - at) : chunk;
    at += rest.length;
    if (rest.length > 0) yield rest;
    sent?.(at);
    if (at === end) return;
  }
  throw fail('internal', `The content of ${descriptor.digest} ends after ${at} of ${descriptor.size} bytes`);
}

function locationOf(reply: Reply): URL {
  const { location } = reply.headers;
  if (location === undefined || !URL.canParse(location, reply.url)) throw fail('invalid', `The registry ${reply.url.host} does not say where to upload to`);
  return new URL(location, reply.url);
}

/** The address is the registry's affair, and may be signed: what is in it stays as it is. */
function withDigest(location: URL, digest: string): URL {
  const url = new URL(location);
  url.search = `${url.search === '' ? '?' : `${url.search}&`}digest=${encodeURIComponent(digest)}`;
  return url;
}
