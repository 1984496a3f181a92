// Connections, kept for the next request: one agent for each origin, with the certificates of its folder in certs.d and the proxy that the environment names.
import { Agent as PlainAgent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { secureContextFor } from './certificates.ts';
import { goesThroughProxy } from './proxy.ts';
import type { RegistrySettings } from './settings.ts';

const socketsMax = 16;
const keepOptions = { keepAlive: true, keepAliveMsecs: 15_000, maxSockets: socketsMax, maxFreeSockets: 4 } as const;

export class Agents implements Disposable {
  readonly #settings: RegistrySettings;
  readonly #agents = new Map<string, PlainAgent>();

  constructor(settings: RegistrySettings) {
    this.#settings = settings;
  }

  /** `isInsecure`: certificates are not verified. @throws `invalid` when its certificates cannot be read */
  of(url: URL, isInsecure: boolean): PlainAgent {
    const key = `${url.origin} ${isInsecure}`;
    const known = this.#agents.get(key);
    if (known !== undefined) return known;
    const agent = this.#open(url, isInsecure);
    this.#agents.set(key, agent);
    return agent;
  }

  #open(url: URL, isInsecure: boolean): PlainAgent {
    const { proxy, certsDirs } = this.#settings;
    const proxyEnv = goesThroughProxy(url, proxy.none) ? { HTTP_PROXY: proxy.http, HTTPS_PROXY: proxy.https } : {};
    if (url.protocol === 'http:') return new PlainAgent({ ...keepOptions, proxyEnv });
    return new TlsAgent({ ...keepOptions, proxyEnv, rejectUnauthorized: !isInsecure, secureContext: secureContextFor(url.host, certsDirs, isInsecure) });
  }

  [Symbol.dispose](): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }
}
