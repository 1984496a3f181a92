// From one set of endpoints and ports of a container to the next: join, connect, disconnect and publish are all this. What can fail without a trace is
// decided first (addresses, ports); then the kernel is changed, in an order in which no step stands in the way of the next; what was done is undone
// when a later step fails.
import type { Fd } from '../kernel/index.ts';
import type { Forward } from './fabric/fabric.ts';
import { isMarked } from './fabric/mark.ts';
import type { NetworkRecord } from './network.ts';
import { bridgeOptions, parentOptions } from './options.ts';
import { sysctlsOf } from './endpoint.ts';
import { settleDefaultBridge } from './predefined.ts';
import { forwardsOf, settlePorts } from './publish.ts';
import { answersNames, type Member, type Room } from './room.ts';
import { gatewayOf, isWayOut, waysOut, withGateways, type Plugged } from './way-out.ts';

/** Makes `before` into what `wanted` says; its endpoints that are new have their addresses already. `undo` takes back what this does. */
export function rearrange(room: Room, before: Member, wanted: Omit<Member, 'ports'>, namespace: Fd, undo: DisposableStack): Member {
  const settled = { ...wanted, plugged: withGateways(wanted.plugged) };
  const after: Member = { ...settled, ports: settlePorts(room, before.ports, settled, undo) };
  const change = differenceOf(before, after);
  const { fabric } = room;
  fabric.close(change.closed);
  undo.defer(() => { fabric.open(change.closed); });
  for (const { endpoint } of change.waysLost) {
    fabric.setWayOut(endpoint, namespace, false);
    undo.defer(() => { fabric.setWayOut(endpoint, namespace, true); });
  }
  for (const one of change.unplugged) {
    fabric.unplug(one.network, one.endpoint, namespace);
    undo.defer(() => { plugIn(room, one, namespace, isWayOut(one, waysOut(before.plugged))); });
  }
  for (const one of change.plugged) {
    plugIn(room, one, namespace, isWayOut(one, waysOut(after.plugged)));
    undo.defer(() => { fabric.unplug(one.network, one.endpoint, namespace); });
  }
  for (const { endpoint } of change.waysFound) {
    fabric.setWayOut(endpoint, namespace, true);
    undo.defer(() => { fabric.setWayOut(endpoint, namespace, false); });
  }
  fabric.open(change.opened);
  undo.defer(() => { fabric.close(change.opened); });
  return after;
}

/** After a crash in the middle of a change: links that went are made again, and the ways out are those of the records. */
export function mend(room: Room, { plugged }: Member, namespace: Fd): void {
  const { fabric } = room;
  const ways = waysOut(plugged);
  const settle = (one: Plugged, isOut: boolean): void => {
    // One that is no way out has no gateway on record; the kernel may have a route by it.
    const endpoint = isOut ? one.endpoint : { ...one.endpoint, gateway4: gatewayOf(one, 4), gateway6: gatewayOf(one, 6) };
    if (fabric.isPlugged(endpoint, namespace)) fabric.setWayOut(endpoint, namespace, isOut);
    else plugIn(room, one, namespace, isOut);
  };
  const linked = plugged.filter(hasLink);
  // First those that are none: two default routes cannot be there.
  for (const isOut of [false, true]) for (const one of linked) if (isWayOut(one, ways) === isOut) settle(one, isOut);
}

/** The network's own link and rules are made by now, or made here: those of the default network, which wait for their first endpoint. */
export function madeNetwork(room: Room, network: NetworkRecord): NetworkRecord {
  if (room.made.has(network.id) || network.driver === 'host' || network.driver === 'null') return network;
  const isOurs = (link: string): boolean => isMarked(room.engineId, { alias: room.host.aliasOf(link) ?? '' });
  const settled = network.name === 'bridge' ? settleDefaultBridge(room, network, isOurs) : network;
  room.fabric.makeNetwork(settled);
  room.made.add(settled.id);
  return settled;
}

function plugIn({ fabric }: Room, { network, endpoint, connection }: Plugged, namespace: Fd, isWayOut: boolean): void {
  const options = network.driver === 'bridge' ? bridgeOptions(network.options) : parentOptions(network.options);
  fabric.plug(network, endpoint, namespace, { mtu: options.mtu, isWayOut, sysctls: sysctlsOf(connection) });
}

interface Difference {
  readonly closed: readonly Forward[];
  readonly opened: readonly Forward[];
  readonly plugged: readonly Plugged[];
  readonly unplugged: readonly Plugged[];
  /** As they were, and as they are. */
  readonly waysLost: readonly Plugged[];
  readonly waysFound: readonly Plugged[];
}

function differenceOf(before: Member, after: Member): Difference {
  const [old, next] = [new Map(before.plugged.filter(hasLink).map((one) => [one.endpoint.id, one])), new Map(after.plugged.filter(hasLink).map((one) => [one.endpoint.id, one]))];
  const stays = [...next.values()].filter(({ endpoint }) => old.has(endpoint.id) && wayOf(old.get(endpoint.id)!, before) !== wayOf(next.get(endpoint.id)!, after));
  const [closed, opened] = [forwardsOf(before), forwardsOf(after)].map((forwards) => new Map(forwards.map((forward) => [JSON.stringify(forward), forward])));
  return {
    closed: [...closed!].filter(([key]) => !opened!.has(key)).map(([, forward]) => forward),
    opened: [...opened!].filter(([key]) => !closed!.has(key)).map(([, forward]) => forward),
    plugged: [...next.values()].filter(({ endpoint }) => !old.has(endpoint.id)),
    unplugged: [...old.values()].filter(({ endpoint }) => !next.has(endpoint.id)),
    waysLost: stays.map(({ endpoint }) => old.get(endpoint.id)!).filter((one) => isWayOut(one, waysOut(before.plugged))),
    waysFound: stays.filter((one) => isWayOut(one, waysOut(after.plugged))),
  };
}

function hasLink({ network: { driver } }: Plugged): boolean {
  return driver !== 'host' && driver !== 'null';
}

/** What its default routes are, as text: they change when this does. */
function wayOf(one: Plugged, { plugged }: Member): string {
  return isWayOut(one, waysOut(plugged)) ? `${one.endpoint.gateway4 ?? ''} ${one.endpoint.gateway6 ?? ''}` : 'none';
}

/** What containers are found by: told to the resolver, and taken back. Links that name this container by name are answered from now on. */
export function tellNames(room: Room, before: Member | undefined, after: Member): void {
  const answered = after.plugged.filter(answersNames);
  for (const { network } of before?.plugged.filter(answersNames) ?? []) if (!answered.some((one) => one.network.id === network.id)) room.dns.remove(after.containerId, network.id);
  for (const one of answered) addName(room, after, one);
  room.dns.isClosedOff(after.containerId, after.plugged.every(({ network }) => network.internal));
  for (const member of room.members.values()) for (const one of member.plugged) if (member.containerId !== after.containerId && answersNames(one) && one.connection.links.some((link) => nameOfLink(link) === after.name)) addName(room, member, one);
}

function addName(room: Room, { containerId }: Member, { network, endpoint, connection }: Plugged): void {
  const links = connection.links.flatMap((link) => {
    const name = nameOfLink(link);
    const target = [...room.members.values()].find((member) => member.name === name || member.containerId === name || member.containerId.startsWith(name));
    return target === undefined ? [] : [[link.slice(link.indexOf(':') + 1) || name, target.containerId] as const];
  });
  room.dns.add({ containerId, networkId: network.id, endpoint, links: new Map(links) });
}

/** `container:alias`. */
function nameOfLink(link: string): string {
  return link.split(':', 1)[0]!.replace(/^\//, '');
}
