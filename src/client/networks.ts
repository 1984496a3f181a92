// Networks: the typed calls of /networks.
import type { EndpointSettings } from '../spec/docker/container.ts';
import type { NetworkCreateBody, NetworkView } from '../spec/docker/network.ts';
import { filtersText, type Filters } from './containers.ts';
import { textOf, type Docker } from './docker.ts';

const at = (network: string, rest = ''): string => `/networks/${encodeURIComponent(network)}${rest}`;

export function listNetworks(docker: Docker, filters?: Filters): Promise<readonly NetworkView[]> {
  return docker.json('GET', '/networks', { query: { filters: filtersText(filters) } });
}

/** Inspect as the daemon wrote it, for showing it unchanged. */
export async function inspectNetworkText(docker: Docker, network: string, options: { readonly verbose?: boolean } = {}): Promise<string> {
  return textOf(await docker.call('GET', at(network), { query: { verbose: options.verbose } }));
}

export function createNetwork(docker: Docker, body: NetworkCreateBody): Promise<{ readonly Id: string; readonly Warning: string }> {
  return docker.json('POST', '/networks/create', { body });
}

export async function removeNetwork(docker: Docker, network: string): Promise<void> {
  await textOf(await docker.call('DELETE', at(network)));
}

export function pruneNetworks(docker: Docker, filters: Filters): Promise<{ readonly NetworksDeleted: readonly string[] | null }> {
  return docker.json('POST', '/networks/prune', { query: { filters: filtersText(filters) } });
}

export async function connectNetwork(docker: Docker, network: string, container: string, settings: Partial<EndpointSettings>): Promise<void> {
  await textOf(await docker.call('POST', at(network, '/connect'), { body: { Container: container, EndpointConfig: settings } }));
}

export async function disconnectNetwork(docker: Docker, network: string, container: string, options: { readonly force: boolean }): Promise<void> {
  await textOf(await docker.call('POST', at(network, '/disconnect'), { body: { Container: container, Force: options.force } }));
}
