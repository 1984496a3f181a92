// Opens the networks of a data root: their records, the addresses and ports that are given, and the verbs.
import { fail, type ContainerId } from '../base/index.ts';
import type { Storage } from '../storage/index.ts';
import { checkConnection } from './check.ts';
import { createNetwork } from './create.ts';
import type { Dns } from './dns/dns.ts';
import { draftEndpoint, namesOf } from './endpoint.ts';
import type { Fabric } from './fabric/fabric.ts';
import { thisHost, type Host } from './host.ts';
import { Ipam } from './ipam/ipam.ts';
import type { Connection, CreateNetworkRequest, Endpoint, Membership, NetworkHappening, NetworkId, NetworkRecord, Networks, PortRequest, PublishedPort, PublishMode, Sandbox, SubnetUsage } from './network.ts';
import { madeNetwork, mend, rearrange, tellNames } from './plug.ts';
import { Ports } from './ports/ports.ts';
import { makePredefined } from './predefined.ts';
import { forwardsOf, wishesWithout } from './publish.ts';
import { pruneNetworks, removeNetwork } from './remove.ts';
import { answersNames, memberOf, membershipOf, membersOf, type Member, type Room, type Wish } from './room.ts';
import { NetworkShelf } from './shelf.ts';
import type { Plugged } from './way-out.ts';

export interface NetworksOptions {
  readonly storage: Pick<Storage, 'records'>;
  readonly engineId: string;
  /** Both are this room's from now on. */
  readonly fabric: Fabric;
  readonly dns: Dns;
  /** Hears of everything that happens to networks, right after it has. Must not throw: the change stands. */
  readonly tell: (happening: NetworkHappening) => void;
  readonly host?: Host;
}

export function openNetworks({ storage, engineId, fabric, dns, tell, host = thisHost }: NetworksOptions): Networks {
  const members = new Map<ContainerId, Member>();
  const room: Room = {
    engineId, fabric, dns, tell, host, members, shelf: new NetworkShelf(storage.records), ipam: new Ipam(), ports: new Ports((id) => members.get(id)?.name), made: new Set(),
  };
  makePredefined(room);
  return new OpenedNetworks(room);
}

class OpenedNetworks implements Networks {
  readonly #room: Room;

  constructor(room: Room) {
    this.#room = room;
  }

  create(request: CreateNetworkRequest): { readonly id: NetworkId; readonly warning: string } {
    return createNetwork(this.#room, request);
  }

  get(nameOrId: string): NetworkRecord {
    return this.#room.shelf.get(nameOrId);
  }

  list(): readonly NetworkRecord[] {
    return this.#room.shelf.list();
  }

  remove(nameOrId: string): void {
    removeNetwork(this.#room, this.get(nameOrId));
  }

  prune(isChosen: (network: NetworkRecord) => boolean, isNeeded: (network: NetworkRecord) => boolean): readonly string[] {
    return pruneNetworks(this.#room, isChosen, isNeeded);
  }

  members(network: NetworkId): readonly { readonly containerId: ContainerId; readonly name: string; readonly endpoint: Endpoint }[] {
    return membersOf(this.#room, network).map(({ member: { containerId, name }, plugged: { endpoint } }) => ({ containerId, name, endpoint }));
  }

  usage(network: NetworkId): readonly SubnetUsage[] {
    return this.#room.ipam.usage(network);
  }

  check(connection: Connection): NetworkRecord {
    return checkConnection(this.#room, connection);
  }

  async join(sandbox: Sandbox, connections: readonly Connection[], ports: readonly PortRequest[], mode?: PublishMode): Promise<Membership> {
    using undo = new DisposableStack();
    const nobody = newMember(sandbox);
    const plugged: Plugged[] = [];
    for (const connection of connections) plugged.push(this.#draft(sandbox, connection, plugged, undo));
    const joined = this.#change(nobody, { ...nobody, plugged, wishes: ports.map((port) => ({ ...port, mode })) }, sandbox, undo);
    undo.move();
    for (const { network } of joined.plugged) this.#room.tell({ kind: 'connect', network, containerId: sandbox.containerId });
    return membershipOf(joined);
  }

  async connect(sandbox: Sandbox, connection: Connection): Promise<Membership> {
    using undo = new DisposableStack();
    const before = this.#room.members.get(sandbox.containerId) ?? newMember(sandbox);
    const one = this.#draft(sandbox, connection, before.plugged, undo);
    const after = this.#change(before, { ...before, plugged: [...before.plugged, one] }, sandbox, undo);
    undo.move();
    this.#room.tell({ kind: 'connect', network: one.network, containerId: sandbox.containerId });
    return membershipOf(after);
  }

  async disconnect(sandbox: Sandbox, networkId: NetworkId): Promise<Membership> {
    const before = memberOf(this.#room, sandbox);
    const gone = before.plugged.find(({ network }) => network.id === networkId);
    if (gone === undefined) throw fail('conflict', `container ${sandbox.containerId} is not connected to network ${this.#room.shelf.find(networkId)?.name ?? networkId}`);
    using undo = new DisposableStack();
    const after = this.#change(before, { ...before, plugged: before.plugged.filter((one) => one !== gone) }, sandbox, undo);
    undo.move();
    this.#releaseAddresses(gone);
    this.#room.tell({ kind: 'disconnect', network: gone.network, containerId: sandbox.containerId });
    return membershipOf(after);
  }

  async publish(sandbox: Sandbox, ports: readonly PortRequest[], mode?: PublishMode): Promise<Membership> {
    const before = memberOf(this.#room, sandbox);
    return this.#rewish(before, sandbox, [...before.wishes, ...ports.map((port) => ({ ...port, mode }))]);
  }

  async unpublish(sandbox: Sandbox, ports: readonly PublishedPort[]): Promise<Membership> {
    const before = memberOf(this.#room, sandbox);
    const isClosed = (port: PublishedPort): boolean => ports.some((one) => one.protocol === port.protocol && one.containerPort === port.containerPort && one.hostAddress === port.hostAddress && one.hostPort === port.hostPort);
    return this.#rewish(before, sandbox, wishesWithout(before, isClosed));
  }

  #rewish(before: Member, sandbox: Sandbox, wishes: readonly Wish[]): Membership {
    using undo = new DisposableStack();
    const after = this.#change(before, { ...before, wishes }, sandbox, undo);
    undo.move();
    return membershipOf(after);
  }

  rename(containerId: ContainerId, name: string): Membership | undefined {
    const before = this.#room.members.get(containerId);
    if (before === undefined) return undefined;
    const renamed = { ...before, name };
    const plugged = before.plugged.map((one) => (answersNames(one) ? { ...one, endpoint: { ...one.endpoint, dnsNames: namesOf(renamed, one.connection) } } : one));
    const after = { ...renamed, plugged };
    this.#room.members.set(containerId, after);
    tellNames(this.#room, before, after);
    return membershipOf(after);
  }

  leave(containerId: ContainerId): void {
    const { members, fabric, dns, ports, tell } = this.#room;
    const member = members.get(containerId);
    if (member === undefined) return;
    // Each of these is done, whatever becomes of the others; the last one first.
    using steps = new DisposableStack();
    for (const { network } of member.plugged.toReversed()) steps.defer(() => { tell({ kind: 'disconnect', network, containerId }); });
    steps.defer(() => { members.delete(containerId); });
    for (const one of member.plugged) steps.defer(() => { this.#releaseAddresses(one); });
    for (const port of member.ports) steps.defer(() => { ports.release(containerId, port); });
    steps.defer(() => { dns.dismiss(containerId); });
    for (const { network } of member.plugged.filter(answersNames)) steps.defer(() => { dns.remove(containerId, network.id); });
    for (const { endpoint } of member.plugged) if (endpoint.interface !== '') steps.defer(() => { fabric.abandon(endpoint); });
    steps.defer(() => { fabric.close(forwardsOf(member)); });
  }

  restore(sandbox: Sandbox, connections: readonly Connection[], ports: readonly PortRequest[], { endpoints, ports: published, hasResolver }: Membership): void {
    const { shelf, ipam, members, dns } = this.#room;
    const plugged = endpoints.flatMap((endpoint) => {
      const network = shelf.find(endpoint.networkId);
      return network === undefined ? [] : [{ network, endpoint, connection: connections.find((one) => one.network === endpoint.network) ?? bareConnection(endpoint.network) }];
    });
    const member: Member = { ...newMember(sandbox), plugged, ports: published, wishes: ports.map((port) => ({ ...port, mode: published.find(({ protocol, containerPort }) => protocol === port.protocol && containerPort === port.containerPort)?.mode })) };
    for (const { network, endpoint } of plugged) ipam.reclaim(network.id, endpoint);
    for (const port of published) this.#room.ports.hold(sandbox.containerId, port);
    members.set(sandbox.containerId, member);
    if (hasResolver) dns.serve({ containerId: sandbox.containerId, namespace: sandbox.namespace, servers: sandbox.dnsServers });
    tellNames(this.#room, undefined, member);
  }

  mend(sandbox: Sandbox): void {
    mend(this.#room, memberOf(this.#room, sandbox), sandbox.namespace);
  }

  reconcile(): void {
    const { shelf, members, fabric, made } = this.#room;
    fabric.reconcile(() => {
      const plugged = [...members.values()].flatMap((member) => member.plugged);
      const isWanted = ({ id, name, driver, configOnly }: NetworkRecord): boolean => !configOnly && driver !== 'host' && driver !== 'null' && (name !== 'bridge' || made.has(id) || plugged.some(({ network }) => network.id === id));
      const networks = shelf.list().filter(isWanted);
      for (const { id } of networks) made.add(id);
      return { networks, endpoints: plugged.map(({ endpoint }) => endpoint).filter((endpoint) => endpoint.interface !== ''), forwards: [...members.values()].flatMap(forwardsOf) };
    });
  }

  /** A new endpoint, with its addresses; `undo` gives them back. */
  #draft(sandbox: Sandbox, connection: Connection, plugged: readonly Plugged[], undo: DisposableStack): Plugged {
    const asked = this.check(connection);
    if (plugged.some(({ network }) => network.id === asked.id)) throw fail('denied', `endpoint with name ${sandbox.name} already exists in network ${asked.name}`);
    const one = draftEndpoint(this.#room, sandbox, madeNetwork(this.#room, asked), connection, plugged.map(({ endpoint }) => endpoint));
    undo.defer(() => { this.#releaseAddresses(one); });
    return one;
  }

  #releaseAddresses({ network, endpoint }: Plugged): void {
    for (const address of [endpoint.ipv4, endpoint.ipv6]) if (address !== undefined) this.#room.ipam.release(network.id, address);
  }

  #change(before: Member, wanted: Omit<Member, 'ports'>, { containerId, namespace, dnsServers }: Sandbox, undo: DisposableStack): Member {
    const { dns, members } = this.#room;
    const after = rearrange(this.#room, before, wanted, namespace, undo);
    if (after.plugged.some(answersNames) && !before.plugged.some(answersNames)) {
      dns.serve({ containerId, namespace, servers: dnsServers });
      undo.defer(() => { dns.dismiss(containerId); });
    }
    members.set(containerId, after);
    tellNames(this.#room, before, after);
    return after;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    using _dns = this.#room.dns;
    using _fabric = this.#room.fabric;
  }
}

function newMember({ containerId, name, hostname, dnsServers }: Sandbox): Member {
  return { containerId, name, hostname, dnsServers, plugged: [], wishes: [], ports: [] };
}

function bareConnection(network: string): Connection {
  return { network, aliases: [], links: [], linkLocal: [], driverOptions: {}, gatewayPriority: 0 };
}
