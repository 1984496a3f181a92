// A file from anywhere on the web, for builds: the same wire as registries (time-outs of each phase, certificates of certs.d, proxies), sent again when the
// way there failed, followed where it is sent, a limited number of times. It has no credentials but those in the address itself.
import { setTimeout as sleep } from 'node:timers/promises';
import { fail } from '../base/index.ts';
import { Agents } from './agents.ts';
import { backOffMs, busy, redirects } from './endpoint.ts';
import type { ProxySettings, RegistrySettings } from './settings.ts';
import { exchange, urlText, WireError, type Reply } from './wire.ts';

export interface DownloadRequest {
  /** http or https. */
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** What it says about proxies wins over the daemon's own. */
  readonly proxy: Partial<ProxySettings>;
  readonly signal: AbortSignal;
}

/** Disposing closes the connection. */
export interface Download extends Reply, Disposable {}

const redirectsMax = 10;

/** @throws what went wrong on the way; an answer that is a refusal is one like others */
export async function download(request: DownloadRequest, settings: RegistrySettings): Promise<Download> {
  using undo = new DisposableStack();
  const { patience, proxy } = settings;
  const agents = undo.use(new Agents({ ...settings, proxy: { ...proxy, ...request.proxy } }));
  for (let failures = 0; ; failures += 1) {
    try {
      const reply = await follow(request, agents, settings);
      if (!busy.has(reply.status) || failures >= patience.retriesMax) {
        const open = undo.move();
        return { ...reply, [Symbol.dispose]: () => open.dispose() };
      }
      reply.leave();
    } catch (error) {
      if (!(error instanceof WireError) || !error.isWorthRetry || error.kind === 'timeout' || failures >= patience.retriesMax) throw error;
    }
    await sleep(backOffMs(failures, patience), undefined, { signal: request.signal }).catch((error: unknown) => { throw request.signal.aborted ? request.signal.reason : error; });
  }
}

async function follow({ url: first, headers, signal }: DownloadRequest, agents: Agents, { patience, userAgent }: RegistrySettings): Promise<Reply> {
  let url = first;
  for (let followed = 0; ; followed += 1) {
    const reply = await exchange({ method: 'GET', url, headers: { 'User-Agent': userAgent, 'Accept-Encoding': 'identity', ...headers }, signal }, agents, patience);
    const { location } = reply.headers;
    if (!redirects.has(reply.status) || location === undefined) return reply;
    reply.leave();
    if (followed === redirectsMax) throw fail('unavailable', `stopped after ${redirectsMax} redirects: ${urlText(first)}`);
    if (!URL.canParse(location, url)) throw fail('invalid', `${urlText(url)} sends to an address that is none: ${JSON.stringify(location.slice(0, 200))}`);
    const next = new URL(location, url);
    if (next.protocol !== 'http:' && next.protocol !== 'https:') throw fail('denied', `${urlText(url)} sends to ${JSON.stringify(next.protocol)}, which is no address of the web`);
    if (url.protocol === 'https:' && next.protocol === 'http:') throw fail('denied', `${urlText(url)} sends to ${urlText(next)}, without TLS`, { hint: 'Name the file by its last address, if it may come without TLS' });
    url = next;
  }
}
