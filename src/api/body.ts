// Request bodies, with their limits: a body that stands still or a JSON that never ends holds up nobody.
import type { IncomingMessage } from 'node:http';
import { decode, fail, giveBack } from '../base/index.ts';

/** The longest JSON body. Arguments and environment of a program are far below (the kernel takes 2 MiB); archives are streamed and have no such limit. */
export const bodyBytesMax = 4 << 20;
/** How long a client may pause within a body. */
export const bodyIdleMs = 60_000;

/** The body in chunks as they come. @throws `timeout` when the client stands still for `idleMs`, `invalid` when it hangs up in the middle. */
export async function* bodyOf(request: IncomingMessage, idleMs = bodyIdleMs): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks = request.iterator({ destroyOnReturn: false }) as AsyncGenerator<Buffer, void>;
  try {
    for (;;) {
      const { done, value } = await within(idleMs, request, chunks.next());
      if (done === true) return;
      yield value;
    }
  } catch (error) {
    throw isHangUp(error) ? fail('invalid', 'The client hung up in the middle of the request', { cause: error }) : error;
  } finally {
    await chunks.return();
  }
}

/** As bodyOf, for bodies that are passed on: a piece is valid until the next one is asked for. */
export async function* passingBodyOf(request: IncomingMessage): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of bodyOf(request)) {
    yield piece;
    giveBack(piece);
  }
}

/** The time that runs is the client's only: none while whoever reads is busy with a chunk. */
async function within<T>(idleMs: number, request: IncomingMessage, next: Promise<T>): Promise<T> {
  const timer = setTimeout(() => request.destroy(fail('timeout', `The request's body stood still for ${idleMs / 1000} seconds`)), idleMs);
  try {
    return await next;
  } finally {
    clearTimeout(timer);
  }
}

function isHangUp(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ECONNRESET';
}

/** Reads and decodes a JSON body. @throws `invalid` for other content and for what does not decode, `too_large` beyond `bytesMax`. */
export async function readJson<T>(request: IncomingMessage, decoder: decode.Decode<T>, bytesMax = bodyBytesMax): Promise<T> {
  const bytes = await readWhole(request, bytesMax);
  if (bytes.length === 0) throw fail('invalid', 'invalid JSON: got EOF while reading request body');
  const type = (request.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();
  if (type !== 'application/json') throw fail('invalid', `unsupported Content-Type header (${type.slice(0, 100)}): must be 'application/json'`);
  return decode.decodeJson(bytes.toString('utf8'), decoder);
}

/** A body that may be missing, `null` or an object without fields: then undefined. */
export async function readOptionalJson<T>(request: IncomingMessage, decoder: decode.Decode<T>): Promise<T | undefined> {
  const text = (await readWhole(request)).toString('utf8');
  if (text.trim() === '') return undefined;
  return decode.decodeJson(text, (value, path) => (value === null || (typeof value === 'object' && !Array.isArray(value) && Object.keys(value).length === 0) ? undefined : decoder(value, path)));
}

async function readWhole(request: IncomingMessage, bytesMax = bodyBytesMax): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of bodyOf(request)) {
    total += chunk.length;
    if (total > bytesMax) throw fail('too_large', `The request's body is larger than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
