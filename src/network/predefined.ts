// The networks that are always there. Their records are made when the engine is opened for the first time; the link of `bridge` only when a container
// is to be in it, and only then it is decided for good which name and addresses it has: others may have taken them meanwhile.
import { newNetworkId } from './names.ts';
import { freeSubnet4 } from './ipam/default-pools.ts';
import { AddressPool } from './ipam/pool.ts';
import { blockOf, overlap, type Block } from './ipam/block.ts';
import type { Driver, NetworkRecord, Subnet } from './network.ts';
import { defaultBridgeOptions } from './options.ts';
import type { Room } from './room.ts';

const bridgeNames = Array.from({ length: 100 }, (_, number) => `estiva${number}`);

export function makePredefined({ shelf, host, ipam }: Pick<Room, 'shelf' | 'host' | 'ipam'>): void {
  if (shelf.named('host') === undefined) shelf.put(withoutAddresses('host', 'host'));
  if (shelf.named('none') === undefined) shelf.put(withoutAddresses('none', 'null'));
  if (shelf.named('bridge') === undefined) shelf.put({ ...withoutAddresses('bridge', 'bridge'), ...bridgeParts(bridgeNames[0]!, freeSubnet(host.blocks(() => false), [])) });
  for (const network of shelf.list()) ipam.add(network);
}

/** For its first endpoint: another engine or a person may have its name or its addresses by now. */
export function settleDefaultBridge({ shelf, host, ipam }: Pick<Room, 'shelf' | 'host' | 'ipam'>, network: NetworkRecord, isOurs: (link: string) => boolean): NetworkRecord {
  const [subnet] = network.ipam.subnets;
  const taken = host.blocks(isOurs);
  const link = isFree(host, network.link, isOurs) ? network.link : bridgeNames.find((name) => isFree(host, name, isOurs));
  const hasRoom = taken.every((block) => !overlap(block, blockOf(subnet!.subnet)));
  if (link === network.link && hasRoom) return network;
  const others = shelf.list().filter(({ id }) => id !== network.id).flatMap(({ id }) => ipam.blocksOf(id));
  const settled = { ...network, ...bridgeParts(link ?? network.link, hasRoom ? subnet! : freeSubnet(taken, others)) };
  shelf.put(settled);
  ipam.add(settled);
  return settled;
}

function isFree(host: Room['host'], link: string, isOurs: (link: string) => boolean): boolean {
  return host.aliasOf(link) === undefined || isOurs(link);
}

function withoutAddresses(name: string, driver: Driver): NetworkRecord {
  return {
    id: newNetworkId(), name, createdAt: new Date(), driver, ipv4: true, ipv6: false, internal: false, attachable: false, configOnly: false, configFrom: '',
    ipam: { driver: 'default', options: null, subnets: [] }, options: {}, labels: {}, link: '',
  };
}

function bridgeParts(link: string, subnet: Subnet): Pick<NetworkRecord, 'link' | 'ipam' | 'options'> {
  return { link, ipam: { driver: 'default', options: null, subnets: [subnet] }, options: defaultBridgeOptions(link) };
}

/** With nothing free Docker's own is as good as any: that it is taken is said when it is used. */
function freeSubnet(host: readonly Block[], others: readonly Block[]): Subnet {
  const subnet = freeSubnet4([...host, ...others]) ?? '172.17.0.0/16';
  const gateway = new AddressPool({ subnet, auxiliary: {} }).take();
  return { subnet, gateway, auxiliary: {}, isAutomatic: true };
}
