// What the verbs of networks share: a record of services and of what is live. No verb keeps anything else.
import { fail, type ContainerId } from '../base/index.ts';
import type { Dns } from './dns/dns.ts';
import type { Fabric } from './fabric/fabric.ts';
import type { Ipam } from './ipam/ipam.ts';
import type { Membership, NetworkHappening, NetworkId, PortRequest, PublishedPort, PublishMode, Sandbox } from './network.ts';
import type { Host } from './host.ts';
import { isPredefined } from './names.ts';
import type { Ports } from './ports/ports.ts';
import type { NetworkShelf } from './shelf.ts';
import type { Plugged } from './way-out.ts';

export interface Wish extends PortRequest {
  /** Undefined: as the network says. */
  readonly mode: PublishMode | undefined;
}

/** A running container: where it is plugged in, and what is published of it. */
export interface Member extends Omit<Sandbox, 'namespace'> {
  readonly plugged: readonly Plugged[];
  readonly wishes: readonly Wish[];
  readonly ports: readonly PublishedPort[];
}

export interface Room {
  readonly engineId: string;
  readonly shelf: NetworkShelf;
  readonly ipam: Ipam;
  readonly ports: Ports;
  readonly fabric: Fabric;
  readonly dns: Dns;
  readonly host: Host;
  readonly members: Map<ContainerId, Member>;
  /** Networks whose links and rules are there. */
  readonly made: Set<NetworkId>;
  readonly tell: (happening: NetworkHappening) => void;
}

/** @throws `conflict` */
export function memberOf(room: Room, { containerId, name }: Pick<Sandbox, 'containerId' | 'name'>): Member {
  const member = room.members.get(containerId);
  if (member === undefined) throw fail('conflict', `Container ${JSON.stringify(name)} is in no network: it does not run`);
  return member;
}

/** In the order in which they came. */
export function membersOf(room: Room, network: NetworkId): readonly { readonly member: Member; readonly plugged: Plugged }[] {
  return [...room.members.values()].flatMap((member) => member.plugged.filter((one) => one.network.id === network).map((plugged) => ({ member, plugged })));
}

export function membershipOf({ plugged, ports }: Member): Membership {
  return { endpoints: plugged.map(({ endpoint }) => endpoint), ports, hasResolver: plugged.some(answersNames) };
}

/** Names are answered in the networks that users made. */
export function answersNames({ network: { name, driver } }: Plugged): boolean {
  return !isPredefined(name) && driver !== 'host' && driver !== 'null';
}
