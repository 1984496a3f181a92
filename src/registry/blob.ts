// Blobs on their way in. What breaks is resumed where it broke; a registry that knows no ranges begins again, and what is there already is skipped.
// The size is the descriptor's: not a byte more is taken, and an end before it is an error. The digest is the reader's to verify. Big blobs come in
// several parts at once (parts.ts).
import { fail, type EstivaError } from '../base/index.ts';
import type { Descriptor } from '../spec/oci/image.ts';
import type { Endpoint } from './endpoint.ts';
import { failureOf } from './failure.ts';
import { urlText, WireError, type Reply } from './wire.ts';

/** Less than this is no progress: a registry that gives a byte a try would be asked for ever. */
const progressBytes = 64 * 1024;

/** A blob at one place. */
export interface BlobSource {
  readonly endpoint: Endpoint;
  readonly descriptor: Descriptor;
  readonly scopes: readonly string[];
  /** Without progress in between. */
  readonly retriesMax: number;
}

/** The registry gave the whole blob where a part was asked for. */
export class RangesIgnored extends Error {
  override readonly name = 'RangesIgnored';
}

/** The bytes from `offset` up to `end`. @throws RangesIgnored when that is before the blob's own end */
export async function* readRange({ endpoint, descriptor: { digest, size }, scopes, retriesMax }: BlobSource, offset: number, end: number): AsyncGenerator<Uint8Array, void, undefined> {
  let at = offset;
  for (let failures = 0; at < end;) {
    const began = at;
    try {
      const reply = await endpoint.send({ method: 'GET', path: `v2/${endpoint.site.path}/blobs/${digest}`, scopes, headers: at === 0 && end === size ? {} : { Range: `bytes=${at}-${end - 1}` } });
      if (end < size && reply.status === 200) {
        reply.leave();
        throw new RangesIgnored(`No ranges: ${urlText(reply.url)}`);
      }
      for await (const chunk of bodyFrom(reply, { at, end, size }, endpoint)) {
        at += chunk.length;
        yield chunk;
      }
      if (at < end) throw new WireError(tooShort(reply, at, size), { isWorthRetry: true });
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      failures = at - began >= progressBytes ? 1 : failures + 1;
      if (!error.isWorthRetry || failures > retriesMax) throw error;
      await endpoint.pause(endpoint.backOffMs(failures - 1));
    }
  }
}

interface Wanted {
  readonly at: number;
  readonly end: number;
  /** The whole blob's. */
  readonly size: number;
}

/** What the reply has from `at` on. @throws `invalid` when it has something after `end`, or is about another range */
async function* bodyFrom(reply: Reply, { at, end, size }: Wanted, endpoint: Endpoint): AsyncGenerator<Uint8Array, void, undefined> {
  if (reply.status !== 200 && reply.status !== 206) throw await blobFailure(reply, endpoint);
  const encoding = reply.headers['content-encoding']?.toLowerCase() ?? 'identity';
  if (encoding !== 'identity') { reply.leave(); throw fail('invalid', `The registry sends the blob packed once more, with ${JSON.stringify(encoding.slice(0, 40))}: ${urlText(reply.url)}`); }
  const from = reply.status === 206 ? rangeStart(reply, at) : 0;
  const length = Number(reply.headers['content-length'] ?? Number.NaN);
  if (length > end - from) { reply.leave(); throw tooLong(reply, end === size ? `the ${size} bytes that the manifest says` : 'it was asked for'); }
  let skip = at - from;
  let position = from;
  for await (const chunk of reply.bytes()) {
    position += chunk.length;
    if (position > end) throw tooLong(reply, end === size ? `the ${size} bytes that the manifest says` : 'it was asked for');
    const rest = skip === 0 ? chunk : chunk.subarray(Math.min(skip, chunk.length));
    skip -= chunk.length - rest.length;
    if (rest.length > 0) yield rest;
  }
}

function rangeStart(reply: Reply, at: number): number {
  const start = /^bytes (\d+)-\d+\/(?:\d+|\*)$/.exec(reply.headers['content-range'] ?? '')?.[1];
  if (start !== undefined && Number(start) === at) return at;
  reply.leave();
  throw fail('invalid', `The registry sends another part of the blob than it was asked for: ${urlText(reply.url)}`);
}

async function blobFailure(reply: Reply, endpoint: Endpoint): Promise<EstivaError> {
  const refusal = await endpoint.refusal(reply);
  if (reply.status === 404 && refusal.code === '') return fail('not_found', 'blob unknown: blob unknown to registry');
  return failureOf(refusal);
}

function tooLong(reply: Reply, wanted: string): EstivaError {
  return fail('invalid', `The blob is larger than ${wanted}: ${urlText(reply.url)}`, { hint: 'The registry or something on the way to it is broken; nothing was kept' });
}

function tooShort(reply: Reply, at: number, size: number): EstivaError {
  return fail('unavailable', `The blob ends after ${at} of ${size} bytes: ${urlText(reply.url)}`, { hint: 'The registry or something on the way to it is broken; nothing was kept' });
}

