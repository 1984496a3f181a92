// The way out: of several networks one is where packets go that belong to none of them, for each family of addresses. Ports are published there.
import type { Connection, Endpoint, NetworkRecord, Subnet } from './network.ts';
import { addressOf, blockOf, isWithin, type Family } from './ipam/block.ts';
import { bare } from './ipam/ipam.ts';
import { bridgeOptions, parentOptions, type GatewayMode } from './options.ts';

/** One network of a container: what it asked for, and what it has. */
export interface Plugged {
  readonly network: NetworkRecord;
  readonly connection: Connection;
  readonly endpoint: Endpoint;
}

export interface WaysOut {
  readonly ipv4: Plugged | undefined;
  readonly ipv6: Plugged | undefined;
}

/** The highest priority wins; of equals one that has both families, then the one whose network's name comes first: as in Docker. */
export function waysOut(plugged: readonly Plugged[]): WaysOut {
  const ranked = plugged.filter(leadsOut).sort(compare);
  return { ipv4: ranked.find(({ endpoint }) => endpoint.ipv4 !== undefined), ipv6: ranked.find(({ endpoint }) => endpoint.ipv6 !== undefined) };
}

/** The same endpoints, with gateways where they are the way out and nowhere else. */
export function withGateways(plugged: readonly Plugged[]): readonly Plugged[] {
  const { ipv4, ipv6 } = waysOut(plugged);
  return plugged.map((one) => ({
    ...one,
    endpoint: { ...one.endpoint, gateway4: one === ipv4 ? gatewayOf(one, 4) : undefined, gateway6: one === ipv6 ? gatewayOf(one, 6) : undefined },
  }));
}

export function isWayOut(one: Plugged, { ipv4, ipv6 }: WaysOut): boolean {
  return one === ipv4 || one === ipv6;
}

function leadsOut({ network: { driver, internal, options } }: Plugged): boolean {
  if (internal || driver === 'host' || driver === 'null') return false;
  return driver === 'bridge' || parentOptions(options).parent !== '';
}

function compare(a: Plugged, b: Plugged): number {
  const both = ({ endpoint }: Plugged): number => (endpoint.ipv4 !== undefined && endpoint.ipv6 !== undefined ? 1 : 0);
  return b.connection.gatewayPriority - a.connection.gatewayPriority || both(b) - both(a) || (a.network.name < b.network.name ? -1 : 1);
}

/** The router that the network's containers use; a bridge's can be another than its own address. */
export function gatewayOf({ network, endpoint }: Pick<Plugged, 'network' | 'endpoint'>, family: Family): string | undefined {
  const address = addressOf(bare((family === 4 ? endpoint.ipv4 : endpoint.ipv6) ?? ''));
  const subnet = address && network.ipam.subnets.find((one) => isWithin(blockOf(one.subnet), address));
  return subnet && (otherRouter(network, subnet, family) ?? subnet.gateway);
}

function otherRouter({ driver }: NetworkRecord, { auxiliary }: Subnet, family: Family): string | undefined {
  return driver === 'bridge' ? auxiliary[`DefaultGatewayIPv${family}`] : undefined;
}

export function gatewayModeOf({ options }: NetworkRecord, family: Family): GatewayMode {
  const { gatewayMode4, gatewayMode6 } = bridgeOptions(options);
  return family === 4 ? gatewayMode4 : gatewayMode6;
}
