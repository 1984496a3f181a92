// Where a registry is: the name in a reference, as addresses. Docker Hub's name is not its host; loopback may speak plain HTTP, as with Docker;
// everybody else only when the administrator named exactly this host. A suffix or another spelling of a host is another host.
import { fail } from '../base/index.ts';
import type { Reference } from '../spec/reference.ts';
import { isLoopback, isWithin } from './addresses.ts';
import type { RegistrySettings } from './settings.ts';

/** One place that may answer for a repository. */
export interface Site {
  /** Where its API begins, with a slash at the end; of an insecure site the one with TLS, which may turn out not to be there. */
  readonly url: URL;
  readonly isInsecure: boolean;
  /** A copy: it gets no credentials, and what it does not have is asked of the next. */
  readonly isMirror: boolean;
  /** The repository's path there. */
  readonly path: string;
}

const hub = 'docker.io';
const hubHost = 'registry-1.docker.io';
/** Names that people and old configurations use for Docker Hub. */
const hubNames: ReadonlySet<string> = new Set([hub, 'index.docker.io', hubHost]);

/** The mirrors first, then the registry itself. */
export function sitesOf({ domain, path }: Reference, settings: RegistrySettings): readonly Site[] {
  const registry = domain === hub ? settings.defaultRegistry ?? hub : domain;
  // In a registry of one's own, `tool` is called `tool`: the folder library/ is Docker Hub's.
  const own = domain !== registry && path.startsWith('library/') ? path.slice('library/'.length) : path;
  const mirrors = (settings.mirrors.get(registry.toLowerCase()) ?? []).map((url) => ({ url, isInsecure: isInsecure(url.host, settings), isMirror: true, path: own }));
  return [...mirrors, siteOf(registry, own, settings)];
}

/** The site of a registry by its name: `docker.io`, `localhost:5000`. @throws `invalid` for what is no host */
export function siteOf(registry: string, path: string, settings: RegistrySettings): Site {
  const host = registryHost(registry);
  if (!URL.canParse(`https://${host}/`)) throw fail('invalid', `Invalid registry: ${JSON.stringify(registry.slice(0, 200))}`, { hint: 'A registry is a host, with its port where it has one: registry.example:5000' });
  return { url: new URL(`https://${host}/`), isInsecure: isInsecure(host, settings), isMirror: false, path };
}

/** `https://index.docker.io/v1/`, `Ghcr.io`, `http://localhost:5000` → the host that is asked. */
export function registryHost(server: string): string {
  const host = server.trim().replace(/^https?:\/\//i, '').replace(/\/.*$/s, '').toLowerCase();
  return host === '' || hubNames.has(host) ? hubHost : host;
}

function isInsecure(host: string, settings: RegistrySettings): boolean {
  const hostname = hostnameOf(host);
  return isLoopback(hostname) || [...settings.insecure].some((name) => name === host.toLowerCase() || isWithin(hostname, name));
}

function hostnameOf(host: string): string {
  return host.replace(/:\d+$/, '');
}
