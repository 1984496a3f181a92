// An endpoint of a bridge network: a pair of virtual ethernet links, one end a port of the bridge, the other made right inside the container's network
// namespace. Two requests to the kernel for the pair, two inside for the rest.
import { inNetwork, Netlink, NETLINK_ROUTE, route, type Fd } from '../../kernel/index.ts';
import type { Endpoint, NetworkRecord } from '../network.ts';
import { bridgeSettings } from './bridge-settings.ts';
import { findLink, retire } from './bridge.ts';
import type { PlugSettings } from './fabric.ts';
import { readSysctl, writeInterfaceSysctls, writeSysctlIfThere } from './sysctl.ts';

/** Makes the pair. @throws KernelError */
export function makePair(netlink: Netlink, network: NetworkRecord, endpoint: Endpoint, namespace: Fd, mark: string): void {
  const { isTalking, mtu } = bridgeSettings(network);
  const master = route.linkNamed(netlink, network.link).index;
  netlink.send([
    route.newVeth({ name: endpoint.hostLink, master, mtu, up: isTalking }, { name: endpoint.interface, mac: endpoint.mac, mtu, namespace }),
    route.setLink(endpoint.hostLink, { alias: mark }),
    // Not a frame passes before it is apart from the others.
    ...isTalking ? [] : [route.setPort(endpoint.hostLink, { isIsolated: true }), route.setLink(endpoint.hostLink, { up: true })],
    ...isFilteringBridges() ? [route.setPort(endpoint.hostLink, { isHairpin: true })] : [],
  ]);
}

/** On a machine where frames within a bridge run through the firewall (br_netfilter), those of a container to its own published port turn around there. */
function isFilteringBridges(): boolean {
  return readSysctl(['net', 'bridge', 'bridge-nf-call-iptables']) === '1';
}

/** Gives the interface its addresses and routes, and brings it up. @throws KernelError, `invalid` for sysctls */
export function configureInside(endpoint: Endpoint, namespace: Fd, settings: PlugSettings): void {
  using inside = inNetwork(namespace, () => {
    writeDefaults(endpoint);
    return new Netlink(NETLINK_ROUTE);
  });
  writeInterfaceSysctls(namespace, endpoint.interface, settings.sysctls);
  const { index } = route.linkNamed(inside, endpoint.interface);
  const addresses = [endpoint.ipv4, endpoint.ipv6, ...endpoint.linkLocal.map(withPrefix)].filter((address) => address !== undefined);
  inside.send([
    ...addresses.map((address) => route.newAddress(index, address)), route.setLink(index, { up: true, mtu: settings.mtu }),
    ...settings.isWayOut ? defaultRoutes(endpoint).map((one) => route.newRoute({ ...one, link: index })) : [],
    route.lookAt(index),
  ]);
}

/**
 * Both ends are up now. The kernel notices in a thread of its own, some milliseconds later, and until then drops what is sent: the first question for an
 * address would be asked again after a second. Looked at, a link notices at once (rtnl_getlink, Linux 6.8 and later).
 */
export function settle(netlink: Netlink, { hostLink }: Endpoint): void {
  netlink.send([route.lookAt(hostLink)]);
}

/** In the namespace. Neighbours hear of a new address at once: it may have been another container's a moment ago. */
function writeDefaults({ interface: name, ipv6 }: Endpoint): void {
  const ipv6Settings = ipv6 === undefined ? { disable_ipv6: '1' } : { disable_ipv6: '0', accept_ra: '0', ndisc_notify: '1' };
  writeSysctlIfThere(['net', 'ipv4', 'conf', name, 'arp_notify'], '1');
  for (const [key, value] of Object.entries(ipv6Settings)) writeSysctlIfThere(['net', 'ipv6', 'conf', name, key], value);
}

function withPrefix(address: string): string {
  return address.includes('/') ? address : `${address}/${address.includes(':') ? 64 : 16}`;
}

/** Its name is free for the next one at once; the link itself goes with its other end. */
export function retireInside(endpoint: Endpoint, namespace: Fd): void {
  using inside = Netlink.inNamespace(namespace, NETLINK_ROUTE);
  const found = findLink(inside, endpoint.interface);
  if (found !== undefined) inside.send([retire(found.index)]);
}

function defaultRoutes({ gateway4, gateway6 }: Endpoint): readonly route.RouteSettings[] {
  return [gateway4, gateway6].filter((via) => via !== undefined).map((via) => ({ to: 'default', via }));
}

/** Its default routes come or go. Those that are there, or gone, already are as they should be. */
export function setWayOut(endpoint: Endpoint, namespace: Fd, isWayOut: boolean): void {
  using inside = Netlink.inNamespace(namespace, NETLINK_ROUTE);
  const { index } = route.linkNamed(inside, endpoint.interface);
  for (const one of defaultRoutes(endpoint)) {
    const family = one.via!.includes(':') ? 10 : 2;
    const isThere = route.listRoutes(inside, family).some(({ to, link }) => to === 'default' && link === index);
    if (isThere !== isWayOut) inside.send([isWayOut ? route.newRoute({ ...one, link: index }) : route.deleteRoute({ ...one, link: index })]);
  }
}
