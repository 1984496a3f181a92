// Registries, as the daemon asks them.
import type { LoginAnswer, RegistryCredentials, SearchItem } from '../spec/docker/registry.ts';
import { filtersText, type Filters } from './containers.ts';
import type { Docker } from './docker.ts';

export function loginToRegistry(docker: Docker, credentials: RegistryCredentials): Promise<LoginAnswer> {
  return docker.json('POST', '/auth', { body: credentials });
}

export function searchRegistry(docker: Docker, term: string, options: { readonly limit: number | undefined; readonly filters: Filters | undefined; readonly headers: Readonly<Record<string, string>> }): Promise<readonly SearchItem[]> {
  return docker.json('GET', '/images/search', { query: { term, limit: options.limit, filters: filtersText(options.filters) }, headers: options.headers });
}
