// The bridge of a network: a link of the host with the network's gateway addresses. It is ours when it carries our mark; one that somebody else made and
// that a network was told to use (`com.docker.network.bridge.name`) gets addresses that it lacks, and stays when the network goes.
import { isKernelError, KernelError, Netlink, NETLINK_ROUTE, route, type Message } from '../../kernel/index.ts';
import type { NetworkRecord } from '../network.ts';
import { bridgeOptions, type BridgeOptions } from '../options.ts';
import { isMarked } from './mark.ts';
import { writeSysctlIfThere } from './sysctl.ts';

/** Undefined: there is none of that name. */
export function findLink(netlink: Netlink, name: string): route.Link | undefined {
  try {
    return route.linkNamed(netlink, name);
  } catch (error) {
    if (isKernelError(error, 'ENODEV')) return undefined;
    throw error;
  }
}

/** Makes it, or what is missing of it. @throws KernelError, and then nothing new of it stays */
export function makeBridge(netlink: Netlink, network: NetworkRecord, mark: string, failed: Failed): void {
  const settings = bridgeOptions(network.options);
  const found = findLink(netlink, network.link);
  if (found !== undefined && found.kind !== 'bridge') throw new KernelError('netlink', `use ${network.link} as a bridge: it is ${found.kind === '' ? 'an interface of this machine' : `a ${found.kind}`}`, EEXIST);
  if (found === undefined) netlink.send([route.newBridge({ name: network.link, mac: macOf(network), mtu: settings.mtu }), route.setLink(network.link, { alias: mark })]);
  try {
    configure(netlink, network, settings);
  } catch (error) {
    if (found === undefined) removeLinkElsewhere(netlink, network.link, failed);
    throw error;
  }
}

const EEXIST = 17;

/** Locally administered, and its own for every network: with one of the kernel's it would change with the first container. */
function macOf({ id }: NetworkRecord): string {
  return `02:${/^(..)(..)(..)(..)(..)/.exec(id)!.slice(1).join(':')}`;
}

function configure(netlink: Netlink, network: NetworkRecord, settings: BridgeOptions): void {
  const ipv6 = ['net', 'ipv6', 'conf', network.link] as const;
  // What containers say of routers, the host does not believe. Nobody else has the bridge's own address, and while the kernel asked around for two seconds
  // whether somebody does, it could not look for a container on behalf of another host.
  for (const [key, value] of network.ipv6 ? [['disable_ipv6', '0'], ['accept_ra', '0'], ['accept_dad', '0']] as const : [['disable_ipv6', '1']] as const) writeSysctlIfThere([...ipv6, key], value);
  const { index } = route.linkNamed(netlink, network.link);
  const wanted = gatewayAddresses(network, settings);
  const there = new Set(wanted.length === 0 ? [] : route.listAddresses(netlink).filter(({ link }) => link === index).map(({ address }) => address));
  netlink.send([...wanted.filter((address) => !there.has(address)).map((address) => route.newAddress(index, address)), route.setLink(index, { up: true })]);
}

/** With prefix lengths, as the kernel writes them. */
function gatewayAddresses({ ipam, ipv4, ipv6 }: NetworkRecord, { gatewayMode4, gatewayMode6, inhibit4 }: BridgeOptions): readonly string[] {
  return ipam.subnets.flatMap(({ subnet, gateway }) => {
    const version = subnet.includes(':') ? 6 : 4;
    const isWanted = gateway !== undefined && (version === 4 ? ipv4 && !inhibit4 && gatewayMode4 !== 'isolated' : ipv6 && gatewayMode6 !== 'isolated');
    return isWanted ? [`${gateway}/${subnet.split('/')[1]!}`] : [];
  });
}

/** The network is removed: its own bridge goes, one that was there before stays. */
export function removeBridge(netlink: Netlink, name: string, engineId: string, failed: Failed): void {
  const found = findLink(netlink, name);
  if (found !== undefined && isMarked(engineId, found)) removeLinkElsewhere(netlink, found.name, failed);
}

/**
 * The kernel waits for tens of milliseconds until nobody looks at a link any more. So it only goes down and gets a name that nobody uses, at once; another
 * thread does the rest. If this process ends before, the mark is still on it and the next `reconcile` finds it.
 */
export function removeLinkElsewhere(netlink: Netlink, name: string, failed: Failed): void {
  const index = findLink(netlink, name)?.index;
  if (index === undefined) return;
  netlink.send([retire(index)]);
  removeByIndex(new Netlink(NETLINK_ROUTE), index).catch(failed);
}

/** Hears of what went wrong after the answer was given. The link keeps its mark, and the next `reconcile` tries again. */
export type Failed = (error: unknown) => void;

/** Down, and with a name that nobody asks for. */
export function retire(index: number): Message {
  return route.setLink(index, { up: false, name: `evx${index.toString(36)}` });
}

/** Closes `own`, a socket of the namespace where the link is. */
export async function removeByIndex(own: Netlink, index: number): Promise<void> {
  using _closed = own;
  try {
    await own.sendElsewhere(route.deleteLink(index));
  } catch (error) {
    // It went by another way, with its namespace or its other end.
    if (!isKernelError(error, 'ENODEV')) throw error;
  }
}
