// What a container has of networks, as Docker's JSON: `NetworkSettings` and the ports of inspect and list, dockerd 28's fields, order and zero values.
import type { ContainerRecord } from '../engine/index.ts';
import type { ContainerSummary, EndpointView, NetworkSettingsView } from '../spec/docker/container-view.ts';

type Connection = ContainerRecord['connections'][number];
type Membership = NonNullable<Extract<ContainerRecord['state'], { readonly status: 'running' | 'paused' }>['membership']>;
type Endpoint = Membership['endpoints'][number];

/** The id of a network by its name; '' when there is none of that name. */
export type NetworkIds = (name: string) => string;

export function toNetworkSettings(record: ContainerRecord, networkIdOf: NetworkIds): NetworkSettingsView {
  const { state } = record;
  const isOwn = 'pid' in state && record.connections.length > 0;
  const membership = membershipOf(record);
  // Fields from the time when there was one network: they are the default one's.
  const first = addressesOf(membership?.endpoints.find(({ network }) => network === 'bridge'));
  return {
    Bridge: '',
    SandboxID: isOwn ? record.id : '',
    SandboxKey: isOwn ? `/proc/${state.pid}/ns/net` : '',
    Ports: toPorts(record),
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID: first.EndpointID,
    Gateway: first.Gateway,
    GlobalIPv6Address: first.GlobalIPv6Address,
    GlobalIPv6PrefixLen: first.GlobalIPv6PrefixLen,
    IPAddress: first.IPAddress,
    IPPrefixLen: first.IPPrefixLen,
    IPv6Gateway: first.IPv6Gateway,
    MacAddress: first.MacAddress,
    Networks: toNetworks(record, networkIdOf),
  };
}

function membershipOf({ state }: ContainerRecord): Membership | undefined {
  return 'pid' in state ? state.membership : undefined;
}

export function toNetworks(record: ContainerRecord, networkIdOf: NetworkIds): Readonly<Record<string, EndpointView>> {
  const endpoints = new Map(membershipOf(record)?.endpoints.map((endpoint) => [endpoint.network, endpoint]));
  const wasStarted = record.state.status !== 'created';
  return Object.fromEntries(record.connections.map((connection) => {
    const endpoint = endpoints.get(connection.network);
    return [connection.network, toEndpoint(connection, endpoint, endpoint?.networkId ?? (wasStarted ? networkIdOf(connection.network) : ''))];
  }));
}

/** Rows say less than inspect. */
export function toNetworksOfRow(record: ContainerRecord, networkIdOf: NetworkIds): Readonly<Record<string, EndpointView>> {
  return Object.fromEntries(Object.entries(toNetworks(record, networkIdOf)).map(([name, view]) => [name, { ...view, Links: null, Aliases: null, DNSNames: null }]));
}

function toEndpoint({ ipv4, ipv6, linkLocal, links, aliases, mac, driverOptions, gatewayPriority }: Connection, endpoint: Endpoint | undefined, networkId: string): EndpointView {
  const asksForAddress = ipv4 !== undefined || ipv6 !== undefined || linkLocal.length > 0;
  const has = addressesOf(endpoint);
  return {
    IPAMConfig: !asksForAddress ? null : { ...(ipv4 === undefined ? {} : { IPv4Address: ipv4 }), ...(ipv6 === undefined ? {} : { IPv6Address: ipv6 }), ...(linkLocal.length === 0 ? {} : { LinkLocalIPs: linkLocal }) },
    Links: orNull(links),
    Aliases: orNull(aliases),
    MacAddress: endpoint === undefined ? mac ?? '' : has.MacAddress,
    DriverOpts: Object.keys(driverOptions).length === 0 ? null : driverOptions,
    GwPriority: gatewayPriority,
    NetworkID: networkId,
    EndpointID: has.EndpointID,
    Gateway: has.Gateway,
    IPAddress: has.IPAddress,
    IPPrefixLen: has.IPPrefixLen,
    IPv6Gateway: has.IPv6Gateway,
    GlobalIPv6Address: has.GlobalIPv6Address,
    GlobalIPv6PrefixLen: has.GlobalIPv6PrefixLen,
    DNSNames: endpoint === undefined || endpoint.network === 'bridge' ? null : orNull(endpoint.dnsNames),
  };
}

function orNull(texts: readonly string[]): readonly string[] | null {
  return texts.length === 0 ? null : texts;
}

type Addresses = Pick<EndpointView, 'EndpointID' | 'MacAddress' | 'Gateway' | 'IPAddress' | 'IPPrefixLen' | 'IPv6Gateway' | 'GlobalIPv6Address' | 'GlobalIPv6PrefixLen'>;

function addressesOf(endpoint: Endpoint | undefined): Addresses {
  const [ipv4 = '', prefix4 = '0'] = endpoint?.ipv4?.split('/') ?? [];
  const [ipv6 = '', prefix6 = '0'] = endpoint?.ipv6?.split('/') ?? [];
  return {
    EndpointID: endpoint?.id ?? '', MacAddress: endpoint?.mac ?? '',
    Gateway: endpoint?.gateway4 ?? '', IPAddress: ipv4, IPPrefixLen: Number(prefix4),
    IPv6Gateway: endpoint?.gateway6 ?? '', GlobalIPv6Address: ipv6, GlobalIPv6PrefixLen: Number(prefix6),
  };
}

/** Published ports, and exposed ones that are not, of a container that runs and has links. */
function toPorts(record: ContainerRecord): NetworkSettingsView['Ports'] {
  const { exposed, published } = portsOf(record);
  const ports = new Map<string, { readonly HostIp: string; readonly HostPort: string }[] | null>(exposed.map((port) => [port, null]));
  for (const { containerPort, protocol, hostAddress, hostPort } of published) {
    const key = `${containerPort}/${protocol}`;
    ports.set(key, [...ports.get(key) ?? [], { HostIp: hostAddress, HostPort: String(hostPort) }]);
  }
  return Object.fromEntries([...ports].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The PORTS column of `ps`, as data. */
export function toPortRows(record: ContainerRecord): ContainerSummary['Ports'] {
  const { exposed, published } = portsOf(record);
  const only = exposed.filter((port) => !published.some(({ containerPort, protocol }) => `${containerPort}/${protocol}` === port)).map((port) => {
    const [number, Type = 'tcp'] = port.split('/');
    return { PrivatePort: Number(number), Type };
  });
  return [...only, ...published.map(({ hostAddress, containerPort, hostPort, protocol }) => ({ IP: hostAddress, PrivatePort: containerPort, PublicPort: hostPort, Type: protocol }))];
}

function portsOf(record: ContainerRecord): { readonly exposed: readonly string[]; readonly published: Membership['ports'] } {
  const membership = membershipOf(record);
  return membership === undefined ? { exposed: [], published: [] } : { exposed: Object.keys(record.config.ExposedPorts ?? {}), published: membership.ports };
}
