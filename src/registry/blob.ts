// Blobs on their way in. What breaks is resumed where it broke; a registry that knows no ranges begins again, and what is there already is skipped.
// The size is the descriptor's: not a byte more is taken, and an end before it is an error. The digest is the reader's to verify.
import { fail, type EstivaError } from '../base/index.ts';
import type { Descriptor } from '../spec/oci/image.ts';
import type { Endpoint } from './endpoint.ts';
import { failureOf } from './failure.ts';
import { urlText, WireError, type Reply } from './wire.ts';

/** Less than this is no progress: a registry that gives a byte a try would be asked for ever. */
const progressBytes = 64 * 1024;

/** The bytes from `offset` on, from `endpoint`. */
export async function* readBlob(endpoint: Endpoint, { digest, size }: Descriptor, offset: number, scopes: readonly string[], retriesMax: number): AsyncGenerator<Uint8Array, void, undefined> {
  let at = offset;
  for (let failures = 0; at < size;) {
    const began = at;
    try {
      const reply = await endpoint.send({ method: 'GET', path: `v2/${endpoint.site.path}/blobs/${digest}`, scopes, headers: at === 0 ? {} : { Range: `bytes=${at}-${size - 1}` } });
      for await (const chunk of bodyFrom(reply, at, size, endpoint)) {
        at += chunk.length;
        yield chunk;
      }
      if (at < size) throw new WireError(tooShort(reply, at, size), { isWorthRetry: true });
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      failures = at - began >= progressBytes ? 1 : failures + 1;
      if (!error.isWorthRetry || failures > retriesMax) throw error;
      await endpoint.pause(endpoint.backOffMs(failures - 1));
    }
  }
}

/** What the reply has from `at` on. @throws `invalid` when it has more than `size`, or is about another range */
async function* bodyFrom(reply: Reply, at: number, size: number, endpoint: Endpoint): AsyncGenerator<Uint8Array, void, undefined> {
  if (reply.status !== 200 && reply.status !== 206) throw await blobFailure(reply, endpoint);
  const encoding = reply.headers['content-encoding']?.toLowerCase() ?? 'identity';
  if (encoding !== 'identity') { reply.leave(); throw fail('invalid', `The registry sends the blob packed once more, with ${JSON.stringify(encoding.slice(0, 40))}: ${urlText(reply.url)}`); }
  const from = reply.status === 206 ? rangeStart(reply, at) : 0;
  const length = Number(reply.headers['content-length'] ?? Number.NaN);
  if (length > size - from) { reply.leave(); throw tooLong(reply, size); }
  let skip = at - from;
  let position = from;
  for await (const chunk of reply.bytes()) {
    position += chunk.length;
    if (position > size) throw tooLong(reply, size);
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

function tooLong(reply: Reply, size: number): EstivaError {
  return fail('invalid', `The blob is larger than the ${size} bytes that the manifest says: ${urlText(reply.url)}`, { hint: 'The registry or something on the way to it is broken; nothing was kept' });
}

function tooShort(reply: Reply, at: number, size: number): EstivaError {
  return fail('unavailable', `The blob ends after ${at} of ${size} bytes: ${urlText(reply.url)}`, { hint: 'The registry or something on the way to it is broken; nothing was kept' });
}

