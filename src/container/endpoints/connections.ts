// What a container asks of networks, from the words of a request: which ones, and what of each.
import { EstivaError, fail, isFail } from '../../base/index.ts';
import type { Connection, NetworkRecord, Networks } from '../../network/index.ts';
import type { EndpointSettings, HostConfig } from '../../spec/docker/container.ts';
import type { ContainerRecord } from '../container.ts';

/** Docker's own networks without links: their containers have no other. */
const withoutLinks: readonly string[] = ['none', 'host'];

/** Whether a start makes links: not for loopback alone, and not in another's namespace. */
export function hasLinks({ connections }: Pick<ContainerRecord, 'connections'>): boolean {
  return connections.some(({ network }) => !withoutLinks.includes(network));
}

export interface AskedConnections {
  readonly hostConfig: Pick<HostConfig, 'NetworkMode'>;
  readonly endpoints: Readonly<Record<string, EndpointSettings>>;
  /** `Config.MacAddress`. */
  readonly mac: string;
}

/** The network of `NetworkMode` first, then those that endpoints were given for. What could never start is refused. @throws in dockerd's words */
export function connectionsOf(networks: Networks, { hostConfig: { NetworkMode: mode }, endpoints, mac }: AskedConnections): readonly Connection[] {
  const asked = Object.entries(endpoints).map(([name, settings]) => [nameOf(networks, name === 'default' ? 'bridge' : name), settings] as const);
  if (mode.startsWith('container:')) {
    if (asked.length > 0) throw sharesNetwork();
    return [];
  }
  const first = nameOf(networks, mode);
  const others = asked.filter(([name]) => name !== first);
  if (others.length > 0 && first === 'host') throw sharesNetwork();
  if (others.length > 0 && [first, ...others.map(([name]) => name)].includes('none')) throw inPrivateMode();
  const ofFirst = connectionOf(first, asked.find(([name]) => name === first)?.[1] ?? noSettings);
  const connections = [ofFirst.mac === undefined && mac !== '' ? { ...ofFirst, mac } : ofFirst, ...others.map(([name, settings]) => connectionOf(name, settings))];
  for (const connection of connections) checkNow(networks, connection);
  return connections;
}

export const sharesNetwork = (): EstivaError => fail('conflict', 'container sharing network namespace with another container or host cannot be connected to any other network');
export const inPrivateMode = (): EstivaError => fail('invalid', 'container cannot be connected to multiple networks with one of the networks in private (none) mode');

const noSettings: EndpointSettings = { IPAMConfig: null, Links: [], Aliases: [], MacAddress: '', DriverOpts: {}, GwPriority: 0 };

export function connectionOf(network: string, { IPAMConfig, Links, Aliases, MacAddress, DriverOpts, GwPriority }: EndpointSettings): Connection {
  return {
    network,
    aliases: Aliases,
    links: Links,
    ipv4: orUndefined(IPAMConfig?.IPv4Address),
    ipv6: orUndefined(IPAMConfig?.IPv6Address),
    linkLocal: IPAMConfig?.LinkLocalIPs ?? [],
    mac: orUndefined(MacAddress),
    driverOptions: DriverOpts,
    gatewayPriority: GwPriority,
  };
}

function orUndefined(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

/** Undefined when there is none: it may be there when the container starts, as dockerd has it. */
export function findNetwork(networks: Networks, nameOrId: string): NetworkRecord | undefined {
  try {
    return networks.get(nameOrId);
  } catch (error) {
    if (isFail(error, 'not_found')) return undefined;
    throw error;
  }
}

/** Records name networks by their names: an id would be of one network only, a name is also of the next one that is made like it. */
function nameOf(networks: Networks, nameOrId: string): string {
  return findNetwork(networks, nameOrId)?.name ?? nameOrId;
}

function checkNow(networks: Networks, connection: Connection): void {
  if (findNetwork(networks, connection.network) === undefined) return;
  try {
    networks.check(connection);
  } catch (error) {
    throw isFail(error, 'invalid') ? new EstivaError('invalid', `invalid config for network ${connection.network}: ${error.message}`, { hint: error.hint, cause: error }) : error;
  }
}

/** Settings that would be another's to decide. @throws `invalid` in dockerd's words */
export function checkSharedNetwork(hostConfig: HostConfig, asked: { readonly hostname: string; readonly exposes: boolean; readonly mac: string }): void {
  const isHost = hostConfig.NetworkMode === 'host';
  if (hostConfig.NetworkMode.startsWith('container:')) {
    const conflict = conflictsInShared(hostConfig, asked).find(([isThere]) => isThere)?.[1];
    if (conflict !== undefined) throw fail('invalid', `conflicting options: ${conflict}`);
  }
  if (isHost && (hostConfig.Links ?? []).length > 0) throw fail('invalid', 'conflicting options: host type networking can\'t be used with links. This would result in undefined behavior');
}

function conflictsInShared(hostConfig: HostConfig, { hostname, exposes, mac }: { readonly hostname: string; readonly exposes: boolean; readonly mac: string }): readonly (readonly [boolean, string])[] {
  const publishes = Object.keys(hostConfig.PortBindings).length > 0 || hostConfig.PublishAllPorts;
  return [
    [hostname !== '', 'hostname and the network mode'],
    [(hostConfig.Links ?? []).length > 0, 'container type network can\'t be used with links. This would result in undefined behavior'],
    [hostConfig.Dns.length > 0, 'dns and the network mode'],
    [(hostConfig.ExtraHosts ?? []).length > 0, 'custom host-to-IP mapping and the network mode'],
    [mac !== '', 'mac-address and the network mode'],
    [publishes, 'port publishing and the container type network mode'],
    [exposes, 'port exposing and the container type network mode'],
  ];
}
