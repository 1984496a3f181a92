// A network as Docker's JSON.
import type { NetworkRecord, SubnetUsage } from '../engine/index.ts';
import type { IpamConfig, NetworkView } from '../spec/docker/network.ts';

interface Member {
  readonly containerId: string;
  readonly name: string;
  readonly endpoint: { readonly id: string; readonly mac: string; readonly ipv4?: string | undefined; readonly ipv6?: string | undefined };
}

export function toNetworkView(network: NetworkRecord, members: readonly Member[]): NetworkView {
  const { name, id, createdAt, driver, ipv4, ipv6, ipam, internal, attachable, configFrom, configOnly, options, labels } = network;
  return {
    Name: name, Id: id, Created: createdAt.toISOString(), Scope: 'local', Driver: driver, EnableIPv4: ipv4, EnableIPv6: ipv6,
    IPAM: { Driver: ipam.driver, Options: ipam.options, Config: ipam.subnets.length === 0 ? null : ipam.subnets.map(toIpamConfig) },
    Internal: internal, Attachable: attachable, Ingress: false, ConfigFrom: { Network: configFrom }, ConfigOnly: configOnly,
    Containers: Object.fromEntries(members.map(({ containerId, name: Name, endpoint }) => [containerId, { Name, EndpointID: endpoint.id, MacAddress: endpoint.mac, IPv4Address: endpoint.ipv4 ?? '', IPv6Address: endpoint.ipv6 ?? '' }])),
    Options: options, Labels: labels,
  };
}

function toIpamConfig({ subnet, range, gateway, auxiliary }: NetworkRecord['ipam']['subnets'][number]): IpamConfig {
  return {
    Subnet: subnet,
    ...range === undefined ? {} : { IPRange: range },
    ...gateway === undefined ? {} : { Gateway: gateway },
    ...Object.keys(auxiliary).length === 0 ? {} : { AuxiliaryAddresses: auxiliary },
  };
}

/** `Status` of API 1.52. */
export function toStatus(usage: readonly SubnetUsage[]): object {
  return { IPAM: { Subnets: Object.fromEntries(usage.map(({ subnet, used, free }) => [subnet, { IPsInUse: uint64(used), DynamicIPsAvailable: uint64(free) }])) } };
}

const uint64Max = (1n << 64n) - 1n;

/** A JSON number of 64 bits, at most: a double would round it, beyond what Go reads. */
function uint64(value: bigint): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(String(value > uint64Max ? uint64Max : value));
}
