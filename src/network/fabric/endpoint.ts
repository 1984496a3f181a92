// An endpoint of a bridge network: a pair of virtual ethernet links, one end a port of the bridge, the other made right inside the container's network
// namespace. Two requests to the kernel for the pair, two inside for the rest.
import { inNetwork, isKernelError, Netlink, NETLINK_ROUTE, parseAddress, route, type Fd } from '../../kernel/index.ts';
import type { Endpoint, NetworkRecord } from '../network.ts';
import { bridgeOptions, parentOptions } from '../options.ts';
import { findLink, removeByIndex, retire, type Failed } from './bridge.ts';
import type { PlugSettings } from './fabric.ts';
import { noModule, parentOf } from './parent.ts';
import { readSysctl, writeInterfaceSysctls, writeSysctl, writeSysctlIfThere } from './sysctl.ts';

/** Makes the pair. @throws KernelError */
export function makePair(netlink: Netlink, network: NetworkRecord, endpoint: Endpoint, namespace: Fd, mark: string): void {
  const { icc, mtu } = bridgeOptions(network.options);
  const master = netlink.linkIndex(network.link);
  using _born = bornWithoutIpv6(endpoint, namespace);
  netlink.send([
    route.newVeth({ name: endpoint.hostLink, master, mtu, up: icc }, { name: endpoint.interface, mac: endpoint.mac, mtu, namespace }),
    route.setLink(endpoint.hostLink, { alias: mark }),
    // Not a frame passes before it is apart from the others.
    ...icc ? [] : [route.setPort(endpoint.hostLink, { isIsolated: true }), route.setLink(endpoint.hostLink, { up: true })],
    ...isFilteringBridges() ? [route.setPort(endpoint.hostLink, { isHairpin: true })] : [],
  ]);
}

/** Of a macvlan or ipvlan network: one link, made in the container's namespace on top of one of this machine's. @throws KernelError, `unsupported` */
export function makeUpper(netlink: Netlink, network: NetworkRecord, endpoint: Endpoint, namespace: Fd): void {
  const { macvlanMode, ipvlanMode, mtu } = parentOptions(network.options);
  const parent = netlink.linkIndex(parentOf(network));
  const link = { name: endpoint.interface, mtu, namespace };
  using _born = bornWithoutIpv6(endpoint, namespace);
  try {
    netlink.send([network.driver === 'macvlan' ? route.newMacvlan({ ...link, mac: endpoint.mac }, parent, macvlanMode) : route.newIpvlan(link, parent, ipvlanMode)]);
  } catch (error) {
    if (isKernelError(error, 'EOPNOTSUPP')) throw noModule(network.driver, `an endpoint of ${network.name}`, error);
    throw error;
  }
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
  const index = inside.linkIndex(endpoint.interface);
  const addresses = [endpoint.ipv4, endpoint.ipv6, ...endpoint.linkLocal.map(withPrefix)].filter((address) => address !== undefined);
  inside.send([
    ...addresses.map((address) => route.newAddress(index, address)), route.setLink(index, { up: true, mtu: settings.mtu }),
    ...settings.isWayOut ? defaultRoutes(endpoint, index).map(route.newRoute) : [],
    route.lookAt(index),
  ]);
}

/**
 * Both ends are up now. The kernel notices in a thread of its own, some milliseconds later, and until then drops what is sent: the first question for an
 * address would be asked again after a second. Looked at, a link notices at once (rtnl_getlink, Linux 6.8 and later); the bridge last, whose first port it may be.
 */
export function settle(netlink: Netlink, { link }: NetworkRecord, { hostLink }: Endpoint): void {
  netlink.send([route.lookAt(hostLink), route.lookAt(link)]);
}

/**
 * While this lasts, links of the namespace come without IPv6 if the endpoint has none. To turn it off at a link that is there, the kernel asks for the lock of all
 * links again and again, and does nothing else on this thread, as long as it takes an earlier namespace down: some milliseconds. Source: addrconf_disable_ipv6() in net/ipv6/addrconf.c.
 */
function bornWithoutIpv6({ ipv6 }: Endpoint, namespace: Fd): Disposable {
  const name = ['net', 'ipv6', 'conf', 'default', 'disable_ipv6'];
  const isNew = ipv6 === undefined && inNetwork(namespace, () => {
    if (readSysctl(name) !== '0') return false;
    writeSysctl(name, '1');
    return true;
  });
  return { [Symbol.dispose]: () => { if (isNew) inNetwork(namespace, () => { writeSysctl(name, '0'); }); } };
}

/** In the namespace. Neighbours hear of a new address at once: it may have been another container's a moment ago. */
function writeDefaults({ interface: name, ipv6 }: Endpoint): void {
  writeSysctlIfThere(['net', 'ipv4', 'conf', name, 'arp_notify'], '1');
  if (ipv6 === undefined) return;
  if (readSysctl(['net', 'ipv6', 'conf', name, 'disable_ipv6']) === '1') writeSysctl(['net', 'ipv6', 'conf', name, 'disable_ipv6'], '0');
  for (const [key, value] of [['accept_ra', '0'], ['ndisc_notify', '1']] as const) writeSysctlIfThere(['net', 'ipv6', 'conf', name, key], value);
}

function withPrefix(address: string): string {
  return address.includes('/') ? address : `${address}/${address.includes(':') ? 64 : 16}`;
}

/** Its name is free for the next one at once. A pair goes with its other end; a link without one is removed in here. */
export function retireInside(endpoint: Endpoint, namespace: Fd, failed: Failed): void {
  const inside = Netlink.inNamespace(namespace, NETLINK_ROUTE);
  const found = findLink(inside, endpoint.interface);
  if (found !== undefined) inside.send([retire(found.index)]);
  if (found === undefined || endpoint.hostLink !== '') return inside[Symbol.dispose]();
  removeByIndex(inside, found.index).catch(failed);
}

function defaultRoutes({ gateway4, gateway6 }: Endpoint, link: number): readonly route.RouteSettings[] {
  return [gateway4, gateway6].filter((via) => via !== undefined).map((via) => ({ to: 'default', via, link }));
}

/** Its default routes come or go. Those that are there, or gone, already are as they should be. */
export function setWayOut(endpoint: Endpoint, namespace: Fd, isWayOut: boolean): void {
  using inside = Netlink.inNamespace(namespace, NETLINK_ROUTE);
  const index = inside.linkIndex(endpoint.interface);
  for (const one of defaultRoutes(endpoint, index)) {
    const isThere = route.listRoutes(inside, parseAddress(one.via!).family).some(({ to, link }) => to === 'default' && link === index);
    if (isThere !== isWayOut) inside.send([isWayOut ? route.newRoute(one) : route.deleteRoute(one)]);
  }
}
