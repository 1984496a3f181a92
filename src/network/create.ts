// From a request to a network: checked in dockerd's order and words, its record made, its link and rules, and only then written down.
import { fail } from '../base/index.ts';
import { isMarkedByAnother } from './fabric/mark.ts';
import type { Family } from './ipam/block.ts';
import { keepSubnets, settleSubnets } from './ipam/subnets.ts';
import { prefixedOf } from './ipam/block.ts';
import { isPredefined, newNetworkId } from './names.ts';
import type { CreateNetworkRequest, Driver, NetworkId, NetworkRecord } from './network.ts';
import { bridgeOptions, checkOptions, parentOptions } from './options.ts';
import type { Room } from './room.ts';

/** @throws in dockerd's words */
export function createNetwork(room: Room, request: CreateNetworkRequest): { readonly id: NetworkId; readonly warning: string } {
  const { name } = request;
  checkName(room, name);
  checkConfiguration(request);
  const driver = driverOf(request);
  const { record, warning } = request.configOnly ? { record: configRecord(request), warning: '' } : liveRecord(room, request, driver);
  using undo = new DisposableStack();
  if (!record.configOnly) {
    room.fabric.makeNetwork(record);
    undo.defer(() => { room.fabric.removeNetwork(record); });
  }
  room.shelf.put(record);
  undo.move();
  room.ipam.add(record);
  room.made.add(record.id);
  room.tell({ kind: 'create', network: record });
  return { id: record.id, warning };
}

function checkName({ shelf }: Room, name: string): void {
  if (name.trim() === '') throw fail('invalid', 'invalid name: name is empty');
  if (isPredefined(name) || name === 'default') throw fail('denied', `operation is not permitted on predefined ${name} network `);
  if (shelf.named(name) !== undefined) throw fail('conflict', `network with name ${name} already exists`);
}

const drivers: readonly string[] = ['bridge', 'macvlan', 'ipvlan'] satisfies readonly Driver[];

function driverOf({ driver, configOnly, ipam }: CreateNetworkRequest): Driver {
  if (!['', 'default'].includes(ipam.driver)) throw fail('not_found', `plugin ${JSON.stringify(ipam.driver.slice(0, 100))} not found`, { hint: 'There are no plugins: leave the IPAM driver away' });
  if (configOnly) return 'null';
  const name = driver === '' || driver === 'default' ? 'bridge' : driver;
  if (name === 'host' || name === 'null') throw fail('denied', `only one instance of "${name}" network is allowed`);
  if (name === 'overlay') throw fail('denied', 'This node is not a swarm manager: overlay networks need several machines, and Estiva runs on one', { hint: 'Use the driver bridge, macvlan or ipvlan' });
  if (!drivers.includes(name)) throw fail('not_found', `plugin ${JSON.stringify(name.slice(0, 100))} not found`, { hint: `There are no plugins: use the driver ${drivers.join(', ')}` });
  return name as Driver;
}

/** A config-only network has settings that its users take, and nothing of its own; its users have nothing beside. */
function checkConfiguration({ configOnly, configFrom, internal, attachable, ipam, ipv6, options }: CreateNetworkRequest): void {
  if (configOnly && (internal || attachable)) throw fail('denied', 'configuration network can only contain network specific fields. Network operator fields like [ ingress | internal | attachable | scope ] are not supported.');
  if (configFrom === '') return;
  if (configOnly) throw fail('denied', 'a configuration network cannot depend on another configuration network');
  if (ipam.subnets.length > 0 || ipv6 === true) throw fail('denied', 'user specified configurations are not supported if the network depends on a configuration network');
  if (Object.keys(options).length > 0) throw fail('denied', 'network driver options are not supported if the network depends on a configuration network');
}

function configRecord({ name, ipv4, ipv6, ipam, options, labels }: CreateNetworkRequest): NetworkRecord {
  return {
    id: newNetworkId(), name, createdAt: new Date(), driver: 'null', ipv4, ipv6: ipv6 === true, internal: false, attachable: false, configOnly: true, configFrom: '',
    ipam: { driver: 'default', options: ipam.options, subnets: keepSubnets(ipam.subnets) }, options, labels, link: '',
  };
}

function liveRecord(room: Room, request: CreateNetworkRequest, driver: Driver): { readonly record: NetworkRecord; readonly warning: string } {
  const { ipv4, ipv6, ipam, options, labels } = settingsOf(room, request);
  if (!ipv4 && !ipv6) throw fail('invalid', 'IPv4 or IPv6 must be enabled');
  checkOptions(driver, options, request.internal);
  const id = newNetworkId();
  const families: readonly Family[] = [...ipv4 ? [4 as const] : [], ...ipv6 ? [6 as const] : []];
  const subnets = settleSubnets({ subnets: ipam.subnets, driver, families, needsGateway: needsGateway(driver, options) }, {
    engineId: room.engineId,
    networks: room.shelf.list().flatMap((network) => room.ipam.blocksOf(network.id).map((block) => ({ block, network }))),
    host: room.host.blocks((link) => isLinkOfOurs(room, link)),
  });
  const { name, internal, attachable, configFrom } = request;
  const record: NetworkRecord = {
    id, name, createdAt: new Date(), driver, ipv4, ipv6, internal, attachable, configOnly: false, configFrom, ipam: { driver: 'default', options: ipam.options, subnets }, options, labels, link: linkOf(id, driver, options),
  };
  checkLink(room, record);
  return { record, warning: unusedSubnets(ipam.subnets, families) };
}

/** One that a record names. Another engine may have a link of the name that our default network does not have yet. */
function isLinkOfOurs({ shelf, host, engineId }: Room, link: string): boolean {
  return shelf.list().some((network) => network.link !== '' && network.link === link) && !isMarkedByAnother(engineId, { alias: host.aliasOf(link) ?? '' });
}

/** Its own, or those of the network that it takes them from. */
function settingsOf({ shelf }: Room, request: CreateNetworkRequest): Pick<CreateNetworkRequest, 'ipv4' | 'ipam' | 'options' | 'labels'> & { readonly ipv6: boolean } {
  if (request.configFrom === '') return { ...request, ipv6: request.ipv6 === true };
  const from = shelf.list().find(({ name, id, configOnly }) => configOnly && (name === request.configFrom || id === request.configFrom));
  if (from === undefined) throw fail('not_found', `configuration network ${JSON.stringify(request.configFrom.slice(0, 100))} does not exist`, { hint: 'Make it first: estiva network create --config-only NAME' });
  const subnets = from.ipam.subnets.map(({ subnet, range = '', gateway = '', auxiliary }) => ({ subnet, range, gateway, auxiliary }));
  return { ipv4: from.ipv4, ipv6: from.ipv6, options: from.options, labels: { ...from.labels, ...request.labels }, ipam: { ...from.ipam, subnets } };
}

/** Where packets go straight to the link there is no router. */
function needsGateway(driver: Driver, options: CreateNetworkRequest['options']): boolean {
  if (driver === 'bridge') return true;
  const { parent, ipvlanMode } = parentOptions(options);
  return parent !== '' && !(driver === 'ipvlan' && ipvlanMode !== 'l2');
}

function linkOf(id: NetworkId, driver: Driver, options: CreateNetworkRequest['options']): string {
  return driver === 'bridge' ? bridgeOptions(options).bridgeName ?? `br-${id.slice(0, 12)}` : parentOptions(options).parent;
}

function checkLink({ shelf }: Room, { id, driver, link }: NetworkRecord): void {
  const other = driver === 'bridge' ? shelf.list().find((network) => network.driver === 'bridge' && network.link === link) : undefined;
  if (other !== undefined) throw fail('denied', `cannot create network ${id} (${link}): conflicts with network ${other.id} (${link}): networks have same bridge name`, { hint: `Network ${JSON.stringify(other.name)} has it` });
}

function unusedSubnets(subnets: CreateNetworkRequest['ipam']['subnets'], families: readonly Family[]): string {
  const unused = subnets.map(({ subnet }) => subnet).filter((subnet) => !families.includes(prefixedOf(subnet)!.block.family));
  return unused.length === 0 ? '' : `Subnet ${unused.join(', ')} is not used: the network has no IPv${families.includes(4) ? 6 : 4}`;
}
