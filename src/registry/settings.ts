// What the administrator says about registries, and how long a registry is waited for.
import { defaultParts, type PartSettings } from './parts.ts';

export interface RegistrySettings {
  /** Registry (`docker.io`, `ghcr.io`) → where to look first, in order. Reading only; whoever a mirror is, the user's credentials do not go there. */
  readonly mirrors: ReadonlyMap<string, readonly URL[]>;
  /** `host`, `host:port` or a block of addresses, compared with the name as it is written, letter by letter: there TLS is not verified, and plain HTTP is used where there is no TLS. Loopback is so without being named. */
  readonly insecure: ReadonlySet<string>;
  /** The registry that names without one mean; undefined: Docker Hub. */
  readonly defaultRegistry: string | undefined;
  /** Directories with a folder for each registry: `<host>/{*.crt, *.cert, *.key}`. */
  readonly certsDirs: readonly string[];
  readonly proxy: ProxySettings;
  readonly userAgent: string;
  readonly patience: Patience;
  /** The size of the pieces in which a blob goes out where it cannot go in one. */
  readonly chunkBytes: number;
  readonly parts: PartSettings;
}

/** As the environment has them: HTTP_PROXY, HTTPS_PROXY, NO_PROXY. */
export interface ProxySettings {
  readonly http: string | undefined;
  readonly https: string | undefined;
  /** Hosts, .domains, addresses and CIDR blocks that are reached directly, with commas between them; `*` for all. */
  readonly none: string;
}

/** How long a registry is waited for, and how often it is asked again. */
export interface Patience {
  /** From the first attempt to an open connection, TLS and proxy included. */
  readonly connectMs: number;
  /** From the whole request to the head of the answer. */
  readonly headMs: number;
  /** The same after an upload: the registry may hash and move what it got. */
  readonly headAfterUploadMs: number;
  /** Without enough bytes of a body in either direction. */
  readonly idleMs: number;
  /** A body that is slower than this, in bytes a second over `idleMs`, counts as standing still. */
  readonly slowestBytes: number;
  /** For a whole document: manifest, token, list of tags. */
  readonly documentMs: number;
  /** How often a request that failed on the way is sent again; for a blob, how often without a byte of progress in between. */
  readonly retriesMax: number;
  /** The first pause; each next one is twice as long, up to `pauseMaxMs`, and shortened at random by up to a half. */
  readonly pauseMs: number;
  readonly pauseMaxMs: number;
  /** A registry that wants a longer pause (Retry-After) is not waited for. */
  readonly retryAfterMaxMs: number;
}

export const defaultPatience: Patience = {
  connectMs: 20_000, headMs: 60_000, headAfterUploadMs: 300_000, idleMs: 60_000, slowestBytes: 256, documentMs: 60_000,
  retriesMax: 5, pauseMs: 250, pauseMaxMs: 8_000, retryAfterMaxMs: 60_000,
};

/** Proxies as every program reads them: in lower case first. HTTP_PROXY in capitals too, since there is no CGI here. */
function proxyOf(environment: Readonly<Record<string, string | undefined>>): ProxySettings {
  const value = (name: string): string | undefined => environment[name.toLowerCase()] || environment[name] || undefined;
  return { http: value('HTTP_PROXY'), https: value('HTTPS_PROXY'), none: value('NO_PROXY') ?? '' };
}

/** What is not given: no mirrors, no insecure registries, the environment's proxies. */
export function completeSettings(given: Partial<RegistrySettings>): RegistrySettings {
  return {
    mirrors: new Map(), insecure: new Set(), defaultRegistry: undefined, certsDirs: ['/etc/estiva/certs.d', '/etc/docker/certs.d'], proxy: proxyOf(process.env),
    userAgent: 'estiva', patience: defaultPatience, chunkBytes: 32 << 20, parts: defaultParts, ...given,
  };
}
