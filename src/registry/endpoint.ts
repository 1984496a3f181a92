// One place that answers: requests go there with what it wants to see (authorization), are sent again when they failed on the way or it was busy, and follow
// it where it sends us. Elsewhere the authorization does not go along.
import { setTimeout as sleep } from 'node:timers/promises';
import { fail, type EstivaError } from '../base/index.ts';
import { isOnlyHere } from './addresses.ts';
import type { Agents } from './agents.ts';
import { Authorization } from './authorization.ts';
import { refusalOf, type Refusal } from './failure.ts';
import type { Credentials } from './registry.ts';
import type { RegistrySettings } from './settings.ts';
import type { Site } from './site.ts';
import { exchange, urlText, WireError, type Reply, type WireRequest } from './wire.ts';

export interface EndpointRequest {
  readonly method: WireRequest['method'];
  /** Relative to the site's address (`v2/…`), or an address that the site gave. */
  readonly path: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: WireRequest['body'];
  /** What must be allowed: `repository:library/busybox:pull`. */
  readonly scopes: readonly string[];
  /** Whether it may be sent again when nobody knows what became of it. */
  readonly isRepeatable?: boolean;
}

export interface EndpointOptions {
  readonly site: Site;
  readonly credentials: Credentials | undefined;
  readonly settings: RegistrySettings;
  readonly agents: Agents;
  readonly signal: AbortSignal | undefined;
  /** Asks for a token that stays, too. */
  readonly isLogin?: boolean;
}

const redirectsMax = 5;
export const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** Worth another try. */
export const busy: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

export class Endpoint {
  readonly site: Site;
  readonly #options: EndpointOptions;
  #base: Promise<URL> | undefined;
  #authorization: Authorization | undefined;

  constructor(options: EndpointOptions) {
    this.site = options.site;
    this.#options = options;
  }

  async authorization(): Promise<Authorization> {
    const registry = await this.base();
    const credentials = this.site.isMirror ? undefined : this.#options.credentials;
    return this.#authorization ??= new Authorization({ registry, credentials, isLogin: this.#options.isLogin === true, ask: (request) => this.#repeat(() => this.#follow(request, true)) });
  }

  /** Where the site's API is: of an insecure site it is found out whether it has TLS. */
  base(): Promise<URL> {
    return this.#base ??= this.site.isInsecure ? this.#probe() : Promise.resolve(this.site.url);
  }

  /** @throws what went wrong on the way; a refusal is a reply like others */
  async send(request: EndpointRequest): Promise<Reply> {
    const base = await this.base();
    const url = new URL(request.path, base);
    const isOwn = url.origin === base.origin;
    const once = (): Promise<Reply> => (isOwn ? this.#authorized(request, url) : this.#follow({ ...request, url: this.#checked(url, base), headers: request.headers ?? {} }, request.isRepeatable !== false));
    return this.#repeat(once, request.isRepeatable !== false);
  }

  /** Reads a refusal; secrets of ours that it may repeat are taken out. */
  async refusal(reply: Reply): Promise<Refusal> {
    return refusalOf(reply, (await this.authorization()).hide);
  }

  async #authorized(request: EndpointRequest, url: URL): Promise<Reply> {
    const authorization = await this.authorization();
    for (let isLast = false; ; isLast = true) {
      const header = await authorization.header(request.scopes);
      const headers = { ...request.headers, ...header === undefined ? {} : { Authorization: header } };
      const reply = await this.#follow({ method: request.method, url, headers, body: request.body }, request.method === 'GET' || request.method === 'HEAD');
      if (reply.status !== 401 || isLast || !authorization.learn(reply, { method: request.method, url }, request.scopes, header)) return reply;
      reply.leave();
    }
  }

  async #follow(request: Omit<WireRequest, 'signal'>, isReading: boolean): Promise<Reply> {
    let { url, headers } = request;
    for (let followed = 0; ; followed += 1) {
      const reply = await exchange({ ...request, url, headers: { ...headers, ...this.#ownHeaders() }, signal: this.#options.signal, isInsecure: this.#isInsecure(url) }, this.#options.agents, this.#options.settings.patience);
      if (!redirects.has(reply.status) || reply.headers.location === undefined) return reply;
      if (!isReading && reply.status !== 307 && reply.status !== 308) return reply;
      reply.leave();
      if (followed === redirectsMax) throw fail('unavailable', `stopped after ${redirectsMax} redirects: ${urlText(request.url)}`);
      const next = this.#checked(resolved(reply.headers.location, url), url);
      if (next.origin !== url.origin) headers = withoutAuthorization(headers);
      url = next;
    }
  }

  /** @throws `denied` for an address that a registry must not send us to */
  #checked(next: URL, from: URL): URL {
    if (next.protocol !== 'https:' && next.protocol !== 'http:') throw fail('denied', `The registry ${from.host} sends to ${JSON.stringify(next.protocol)}, which is no address of the web`);
    if (from.protocol === 'https:' && next.protocol === 'http:') throw fail('denied', `The registry ${from.host} sends to ${urlText(next)}, without TLS`, { hint: 'Behind a proxy that ends TLS, the registry must be told its own https address' });
    if (isOnlyHere(next) && !isOnlyHere(from)) throw fail('denied', `The registry ${from.host} sends to ${next.host}, an address of this machine or its link`);
    next.username = '';
    next.password = '';
    return next;
  }

  #ownHeaders(): Readonly<Record<string, string>> {
    return { 'User-Agent': this.#options.settings.userAgent, 'Accept-Encoding': 'identity' };
  }

  #isInsecure(url: URL): boolean {
    return this.site.isInsecure && url.host === this.site.url.host;
  }

  /** With TLS, whoever's certificate it is; without, where nobody speaks TLS. */
  async #probe(): Promise<URL> {
    const { url } = this.site;
    const plain = new URL(url);
    plain.protocol = 'http:';
    if (url.protocol === 'http:') return url;
    try {
      (await exchange({ method: 'GET', url: new URL('v2/', url), headers: this.#ownHeaders(), signal: this.#options.signal, isInsecure: true }, this.#options.agents, this.#options.settings.patience)).leave();
      return url;
    } catch (error) {
      if (error instanceof WireError && error.isNoTls) return plain;
      throw error;
    }
  }

  async #repeat(once: () => Promise<Reply>, isRepeatable = true): Promise<Reply> {
    const { patience } = this.#options.settings;
    for (let failures = 0; ; failures += 1) {
      const isLast = failures >= patience.retriesMax;
      try {
        const reply = await once();
        if (isLast || !busy.has(reply.status) || (!isRepeatable && reply.status !== 429)) return reply;
        const pauseMs = pauseOf(reply, failures, patience);
        if (pauseMs === undefined) return reply;
        reply.leave();
        await this.pause(pauseMs);
      } catch (error) {
        if (!(error instanceof WireError) || isLast || !isRepeatable || !error.isWorthRetry || error.kind === 'timeout') throw error;
        await this.pause(backOffMs(failures, patience));
      }
    }
  }

  async pause(pauseMs: number): Promise<void> {
    const { signal } = this.#options;
    await sleep(pauseMs, undefined, signal === undefined ? {} : { signal }).catch((error: unknown) => { throw signal?.aborted === true ? signal.reason : error; });
  }

  /** The pause before the try after `failures` failed ones. */
  backOffMs(failures: number): number {
    return backOffMs(failures, this.#options.settings.patience);
  }
}

type Waiting = RegistrySettings['patience'];

export function backOffMs(failures: number, { pauseMs, pauseMaxMs }: Waiting): number {
  return Math.min(pauseMaxMs, pauseMs * 2 ** failures) * (1 - Math.random() / 2);
}

/** What the registry wants, if it says so; undefined when that is too long to wait for. */
function pauseOf(reply: Reply, failures: number, patience: Waiting): number | undefined {
  const wanted = retryAfterMs(reply.headers['retry-after']);
  if (wanted === undefined) return backOffMs(failures, patience);
  return wanted > patience.retryAfterMaxMs ? undefined : Math.max(wanted, backOffMs(failures, patience));
}

/** Seconds, or a date. */
export function retryAfterMs(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}

function resolved(location: string, from: URL): URL {
  if (!URL.canParse(location, from)) throw fail('invalid', `The registry ${from.host} sends to an address that is none: ${JSON.stringify(location.slice(0, 200))}`) satisfies EstivaError;
  return new URL(location, from);
}

function withoutAuthorization(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization'));
}
