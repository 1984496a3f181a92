// One HTTP exchange with a registry, on node:http and node:https: each phase (connecting, waiting for the head, each stretch of a body) has its time-out, and
// what goes wrong on the way is said in Docker's words. Redirects, authorization and retries are the endpoint's affair.
import { request as requestPlain, STATUS_CODES, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as requestTls } from 'node:https';
import { gunzipSync } from 'node:zlib';
import { EstivaError, fail, isFail, messageOf } from '../base/index.ts';
import type { Agents } from './agents.ts';
import type { Patience } from './settings.ts';

export interface WireRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Called when the exchange begins: a request that is sent again begins its body again. */
  readonly body?: (() => AsyncIterable<Uint8Array> | Uint8Array) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** TLS is not verified: for sites that the administrator named. */
  readonly isInsecure?: boolean;
}

export interface Reply {
  readonly status: number;
  /** `Not Found`, in the standard's words, whatever the registry calls it. */
  readonly statusText: string;
  readonly headers: IncomingHttpHeaders;
  /** Where it came from, after redirects. */
  readonly url: URL;
  /** The body as it comes, once. @throws `timeout` when it stands still, `unavailable` when the connection breaks */
  bytes(): AsyncGenerator<Uint8Array, void, undefined>;
  /** Without reading on: what is small is read away, so that the connection serves again. */
  leave(): void;
}


const leftoverBytesMax = 64 * 1024;

/** Sends `request`; resolves when the head of the answer is there. @throws WireError, or the signal's reason */
export function exchange(request: WireRequest, agents: Agents, patience: Patience): Promise<Reply> {
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  const { url, method } = request;
  const isTls = url.protocol === 'https:';
  const open = isTls ? requestTls : requestPlain;
  let phase = new Phase();
  let sent: ClientRequest;
  const refuse = (error: unknown): void => {
    phase.end();
    reject(request.signal?.aborted === true ? request.signal.reason : wireError(error, request));
  };
  try {
    sent = open(url, { method, headers: request.headers, agent: agents.of(url, request.isInsecure === true), ...request.signal === undefined ? {} : { signal: request.signal } });
  } catch (error) {
    refuse(error);
    return promise;
  }
  const within = (timeoutMs: number, what: string): void => {
    phase.end();
    phase = new Phase(setTimeout(() => sent.destroy(fail('timeout', `${titleOf(request)}: ${what} within ${timeoutMs / 1000} seconds`)), timeoutMs));
  };
  within(patience.connectMs, 'no connection');
  const connected = (): void => { if (request.body === undefined) within(patience.headMs, 'no answer'); };
  sent.once('socket', (socket) => {
    const isOpen = sent.reusedSocket || (!socket.connecting && !('secureConnecting' in socket && socket.secureConnecting === true));
    if (isOpen) connected();
    else socket.once(isTls ? 'secureConnect' : 'connect', connected);
  });
  sent.once('error', refuse);
  sent.once('response', (message) => {
    phase.end();
    sent.off('error', refuse);
    sent.on('error', () => undefined);
    resolve(replyOf(message, request, patience));
  });
  send(sent, request, patience, within).catch((error: unknown) => { sent.destroy(error instanceof Error ? error : new Error(messageOf(error))); });
  return promise;
}

class Phase {
  readonly #timer: NodeJS.Timeout | undefined;
  constructor(timer?: NodeJS.Timeout) { this.#timer = timer; }
  end(): void { clearTimeout(this.#timer); }
}

/** A registry that answers before it has all (it refuses) is heard at once: the rest is not sent. */
async function send(sent: ClientRequest, request: WireRequest, patience: Patience, within: (timeoutMs: number, what: string) => void): Promise<void> {
  const body = request.body?.();
  if (body === undefined) { sent.end(); return; }
  let isAnswered = false;
  sent.once('response', () => { isAnswered = true; });
  for await (const chunk of body instanceof Uint8Array ? [body] : body) {
    if (sent.destroyed || isAnswered) return;
    within(patience.idleMs, 'the registry took nothing');
    if (!sent.write(chunk)) await drained(sent);
  }
  if (isAnswered) return;
  within(patience.headAfterUploadMs, 'no answer');
  sent.end();
}

function drained(sent: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => { sent.off('drain', done).off('close', done).off('response', done); resolve(); };
    sent.on('drain', done).on('close', done).on('response', done);
  });
}

function replyOf(message: IncomingMessage, request: WireRequest, patience: Patience): Reply {
  message.on('error', () => undefined);
  return {
    status: message.statusCode ?? 0,
    statusText: STATUS_CODES[message.statusCode ?? 0] ?? '',
    headers: message.headers,
    url: request.url,
    bytes: () => bytesOf(message, request, patience),
    leave: () => {
      const length = Number(message.headers['content-length'] ?? Number.NaN);
      if (request.method === 'HEAD' || length <= leftoverBytesMax) message.resume();
      else message.destroy();
    },
  };
}

/** The time that runs is the registry's only: none while whoever reads is busy with a chunk. */
async function* bytesOf(message: IncomingMessage, request: WireRequest, patience: Patience): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks = message.iterator() as AsyncGenerator<Buffer, void>;
  const still = (): EstivaError => fail('timeout', `${titleOf(request)}: the answer stood still for ${patience.idleMs / 1000} seconds`);
  let window = { waitedMs: 0, bytes: 0 };
  try {
    for (;;) {
      const began = performance.now();
      const timer = setTimeout(() => message.destroy(still()), patience.idleMs);
      const { done, value } = await chunks.next().finally(() => clearTimeout(timer));
      if (done === true) return;
      window = { waitedMs: window.waitedMs + performance.now() - began, bytes: window.bytes + value.length };
      if (window.waitedMs > patience.idleMs) {
        if (window.bytes < patience.slowestBytes * patience.idleMs / 1000) throw still();
        window = { waitedMs: 0, bytes: 0 };
      }
      yield value;
    }
  } catch (error) {
    throw request.signal?.aborted === true ? request.signal.reason : wireError(error, request);
  } finally {
    await chunks.return();
  }
}

/** The whole body, unpacked where it is gzip'ed. @throws `too_large` beyond `bytesMax` */
export async function readWhole(reply: Reply, bytesMax: number, documentMs = 60_000): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  const until = performance.now() + documentMs;
  const tooLarge = (): EstivaError => fail('too_large', `The registry's answer is larger than ${bytesMax} bytes: ${urlText(reply.url)}`);
  if (Number(reply.headers['content-length'] ?? 0) > bytesMax) { reply.leave(); throw tooLarge(); }
  for await (const chunk of reply.bytes()) {
    total += chunk.length;
    if (total > bytesMax) throw tooLarge();
    if (performance.now() > until) throw fail('timeout', `The registry's answer took longer than ${documentMs / 1000} seconds: ${urlText(reply.url)}`);
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  const encoding = reply.headers['content-encoding']?.toLowerCase() ?? 'identity';
  if (encoding === 'identity' || bytes.length === 0) return bytes;
  if (encoding !== 'gzip' && encoding !== 'x-gzip') throw fail('invalid', `The registry's answer is encoded with ${JSON.stringify(encoding.slice(0, 40))}, which nobody asked for`);
  try {
    return gunzipSync(bytes, { maxOutputLength: bytesMax });
  } catch (error) {
    throw error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE' ? tooLarge() : fail('invalid', "The registry's answer is said to be gzip, and is not", { cause: error });
  }
}

/** Something broke between us and the registry. */
export class WireError extends EstivaError {
  readonly isWorthRetry: boolean;
  /** The other side does not speak TLS, or nobody listens: at an insecure site, plain HTTP may work. */
  readonly isNoTls: boolean;

  constructor({ kind, message, hint, cause }: EstivaError, { isWorthRetry = false, isNoTls = false }: { readonly isWorthRetry?: boolean; readonly isNoTls?: boolean } = {}) {
    super(kind, message, { hint, cause });
    this.isWorthRetry = isWorthRetry;
    this.isNoTls = isNoTls;
  }
}

const unknownAuthority: ReadonlySet<string> = new Set(['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'CERT_UNTRUSTED']);

function wireError(error: unknown, request: WireRequest): unknown {
  if (error instanceof WireError) return error;
  const title = titleOf(request);
  if (isFail(error)) return new WireError(error, { isWorthRetry: error.kind === 'timeout', isNoTls: error.kind === 'timeout' });
  if (!(error instanceof Error)) return error;
  const code = 'code' in error ? String(error.code) : '';
  const said = (kind: 'unavailable' | 'denied' | 'invalid', text: string, hint?: string): EstivaError => fail(kind, `${title}: ${text}`, { cause: error, ...hint === undefined ? {} : { hint } });
  if (unknownAuthority.has(code)) return new WireError(said('unavailable', 'tls: failed to verify certificate: x509: certificate signed by unknown authority', `Put the authority's certificate into certs.d/${request.url.host}/ca.crt, or name the registry in --insecure-registry`));
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return new WireError(said('unavailable', `tls: failed to verify certificate: x509: certificate is not valid for ${request.url.hostname}`));
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') return new WireError(said('unavailable', 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid'));
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_')) return new WireError(said('unavailable', /wrong version number|packet length too long|http request/i.test(error.message) ? 'http: server gave HTTP response to HTTPS client' : `tls: ${error.message.split('\n', 1)[0] ?? ''}`, `If the registry has no TLS, name it: --insecure-registry ${request.url.host}`), { isNoTls: true });
  if (code.startsWith('HPE_')) return new WireError(said('unavailable', 'the answer is not HTTP'));
  if (code.startsWith('ERR_INVALID_') || code === 'ERR_UNESCAPED_CHARACTERS') return new WireError(said('invalid', error.message));
  return connectionError(error, code, request, said);
}

function connectionError(error: Error, code: string, { url }: WireRequest, said: (kind: 'unavailable', text: string, hint?: string) => EstivaError): WireError {
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  if (code === 'ENOTFOUND') return new WireError(said('unavailable', `dial tcp: lookup ${url.hostname}: no such host`));
  if (code === 'EAI_AGAIN') return new WireError(said('unavailable', `dial tcp: lookup ${url.hostname}: the name servers do not answer`), { isWorthRetry: true });
  if (code === 'ECONNREFUSED') return new WireError(said('unavailable', `dial tcp ${url.hostname}:${port}: connect: connection refused`), { isNoTls: true });
  if (code === 'ENETUNREACH' || code === 'EHOSTUNREACH') return new WireError(said('unavailable', `dial tcp ${url.hostname}:${port}: connect: ${code === 'ENETUNREACH' ? 'network is unreachable' : 'no route to host'}`));
  return new WireError(said('unavailable', code === 'ECONNRESET' || code === 'EPIPE' ? 'the connection broke' : error.message.split('\n', 1)[0] ?? code), { isWorthRetry: true, isNoTls: code === 'ECONNRESET' });
}

/** `Get "https://registry.example/v2/"`, as Go's net/http titles its errors. */
export function titleOf({ method, url }: Pick<WireRequest, 'method' | 'url'>): string {
  return `${method[0]}${method.slice(1).toLowerCase()} "${urlText(url)}"`;
}

/** Without query (signatures and tokens are there), user and password. */
export function urlText(url: URL): string {
  return `${url.origin}${url.pathname}`.slice(0, 300);
}
