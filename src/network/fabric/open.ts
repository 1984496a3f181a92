// The fabric of one engine: its links and its table, by two netlink sockets that stay open.
import { isKernelError, Netlink, NETLINK_ROUTE, route, type Fd, type Readiness } from '../../kernel/index.ts';
import type { Endpoint, NetworkRecord } from '../network.ts';
import { findLink, makeBridge, removeBridge, removeLinkElsewhere, type Failed } from './bridge.ts';
import { configureInside, makePair, makeUpper, retireInside, settle, setWayOut } from './endpoint.ts';
import type { Fabric, Forward, PlugSettings } from './fabric.ts';
import { entriesOfNetwork, entryOfForward } from './firewall/entries.ts';
import { Firewall } from './firewall/firewall.ts';
import { TableWatch } from './firewall/watch.ts';
import { isMarked, markOf } from './mark.ts';
import { noFabric } from './no-fabric.ts';
import { makeParent, parentOf, removeParent } from './parent.ts';
import { Relays } from './relay/relays.ts';
import { writeSysctl } from './sysctl.ts';

export interface FabricSettings {
  /** Tells the links and rules of this engine from those of others on the same machine. */
  readonly engineId: string;
  readonly readiness: Readiness;
  /** Hears of what went wrong where nobody waits for an answer. */
  readonly failed?: Failed;
}

export type FabricState = ReturnType<Parameters<Fabric['reconcile']>[0]>;

/** @throws KernelError where this process may not change the network */
export function openFabric(settings: FabricSettings): Fabric {
  try {
    return new HostFabric(settings);
  } catch (error) {
    if (isKernelError(error, 'EPROTONOSUPPORT')) return noFabric(error);
    throw error;
  }
}

/** The removal of a container follows its end within that time. */
const restMs = 20;

class HostFabric implements Fabric {
  readonly #engineId: string;
  readonly #failed: Failed;
  readonly #opened = new DisposableStack();
  readonly #netlink: Netlink;
  readonly #firewall: Firewall;
  readonly #relays: Relays;
  /** What was left for later. */
  readonly #left = new Set<() => void>();
  /** How things should be, asked again when somebody took our rules away. */
  #state: (() => FabricState) | undefined;

  constructor({ engineId, readiness, failed = rethrow }: FabricSettings) {
    using undo = new DisposableStack();
    this.#engineId = engineId;
    this.#failed = failed;
    this.#netlink = undo.use(new Netlink(NETLINK_ROUTE));
    this.#firewall = undo.use(new Firewall(engineId));
    this.#relays = undo.use(new Relays(readiness));
    undo.use(new TableWatch(readiness, this.#firewall.table, (sender) => this.#firewall.isSender(sender), () => this.#restoreRules()));
    this.#opened = undo.move();
  }

  /** The rules only: links are not touched by who flushes a firewall. */
  #restoreRules(): void {
    try {
      if (this.#state !== undefined) this.#replaceRules(this.#state());
    } catch (error) {
      this.#failed(error);
    }
  }

  #replaceRules({ networks, forwards }: FabricState): void {
    this.#firewall.replace([...networks.filter(isBridge).flatMap(entriesOfNetwork), ...forwards.filter(isByRule).map(entryOfForward)]);
  }

  makeNetwork(network: NetworkRecord): void {
    const mark = markOf(this.#engineId, `network ${network.id}`);
    if (isOnParent(network)) makeParent(this.#netlink, network, mark);
    if (!isBridge(network)) return;
    using undo = new DisposableStack();
    const entries = entriesOfNetwork(network);
    this.#firewall.add(entries);
    undo.defer(() => this.#firewall.remove(entries));
    makeBridge(this.#netlink, network, mark, this.#failed);
    if (!network.internal) this.#forward(network);
    undo.move();
  }

  #forward({ ipv4, ipv6 }: NetworkRecord): void {
    if (ipv4) this.#firewall.forward(4);
    if (ipv6) this.#firewall.forward(6);
  }

  removeNetwork(network: NetworkRecord): void {
    if (isOnParent(network)) removeParent(this.#netlink, network, this.#engineId, this.#failed);
    if (!isBridge(network)) return;
    removeBridge(this.#netlink, network.link, this.#engineId, this.#failed);
    this.#firewall.remove(entriesOfNetwork(network));
  }

  plug(network: NetworkRecord, endpoint: Endpoint, namespace: Fd, settings: PlugSettings): void {
    // Whoever comes may have the address of one that just went.
    this.#catchUp();
    using undo = new DisposableStack();
    if (isBridge(network)) makePair(this.#netlink, network, endpoint, namespace, markOf(this.#engineId, `endpoint ${endpoint.id}`));
    else makeUpper(this.#netlink, network, endpoint, namespace);
    undo.defer(() => this.unplug(network, endpoint, namespace));
    configureInside(endpoint, namespace, settings);
    if (endpoint.hostLink !== '') settle(this.#netlink, network, endpoint);
    undo.move();
  }

  unplug(_network: NetworkRecord, endpoint: Endpoint, namespace: Fd): void {
    retireInside(endpoint, namespace, this.#failed);
    if (endpoint.hostLink !== '') this.#removeLink(endpoint.hostLink);
  }

  isPlugged({ hostLink, interface: name }: Endpoint, namespace: Fd): boolean {
    if (hostLink !== '') return findLink(this.#netlink, hostLink) !== undefined;
    using inside = Netlink.inNamespace(namespace, NETLINK_ROUTE);
    return findLink(inside, name) !== undefined;
  }

  #removeLink(name: string): void {
    removeLinkElsewhere(this.#netlink, name, this.#failed);
  }

  setWayOut(endpoint: Endpoint, namespace: Fd, isWayOut: boolean): void {
    setWayOut(endpoint, namespace, isWayOut);
  }

  abandon({ hostLink }: Endpoint): void {
    if (hostLink === '') return;
    try {
      this.#netlink.send([route.setLink(hostLink, { up: false, master: 0 })]);
    } catch (error) {
      if (!isKernelError(error, 'ENODEV')) throw error;
    }
  }

  open(forwards: readonly Forward[]): void {
    const byRule = forwards.filter(isByRule);
    using undo = new DisposableStack();
    const relayed = forwards.filter((forward) => !isByRule(forward));
    this.#relays.open(relayed);
    undo.defer(() => this.#relays.close(relayed));
    allowLoopback(byRule);
    this.#firewall.add(byRule.map(entryOfForward));
    undo.move();
    this.#afterwards(() => this.#firewall.forgetDatagramsBefore(byRule), 0);
    this.#relays.openSoon(loopbackRelays(byRule));
  }

  close(forwards: readonly Forward[]): void {
    const byRule = forwards.filter(isByRule);
    this.#firewall.remove(byRule.map(entryOfForward));
    this.#afterwards(() => this.#firewall.forgetConnectionsTo(byRule), restMs);
    this.#relays.close([...forwards.filter((forward) => !isByRule(forward)), ...loopbackRelays(forwards)]);
  }

  /** Not at once: the kernel looks through every connection of the machine for it, and what the client asks for next shall not wait for that. */
  #afterwards(work: () => void, afterMs: number): void {
    const left = (): void => {
      clearTimeout(timer);
      this.#left.delete(left);
      try {
        work();
      } catch (error) {
        this.#failed(error);
      }
    };
    const timer = setTimeout(left, afterMs);
    this.#left.add(left);
  }

  #catchUp(): void {
    for (const left of this.#left) left();
  }

  reconcile(state: () => FabricState): void {
    this.#state = state;
    const now = state();
    const bridges = now.networks.filter(isBridge);
    const wanted = new Set([...bridges.map(({ link }) => link), ...now.networks.filter(isOnParent).map(parentOf), ...now.endpoints.map(({ hostLink }) => hostLink)]);
    if (bridges.length > 0 || this.#firewall.isNeeded) this.#replaceRules(now);
    for (const link of route.listLinks(this.#netlink)) if (isMarked(this.#engineId, link) && !wanted.has(link.name)) this.#removeLink(link.name);
    for (const network of now.networks) this.makeNetwork(network);
    allowLoopback(now.forwards.filter(isByRule));
    this.#relays.replace(now.forwards.filter((forward) => !isByRule(forward)), loopbackRelays(now.forwards));
    if (bridges.length === 0) this.#firewall.clearIfIdle();
  }

  [Symbol.dispose](): void {
    this.#catchUp();
    this.#opened[Symbol.dispose]();
  }
}

function isBridge({ driver }: NetworkRecord): boolean {
  return driver === 'bridge';
}

function isOnParent({ driver }: NetworkRecord): boolean {
  return driver === 'macvlan' || driver === 'ipvlan';
}

function isByRule({ mode }: Forward): boolean {
  return mode === 'nat';
}

/** A port that is published by a rule has a socket at [::1] besides: no rule can lead from there into a bridge, as the kernel takes nothing for ::1 from a link. */
function loopbackRelays(forwards: readonly Forward[]): readonly Forward[] {
  const isForLoopback = ({ hostAddress, hostPort, protocol }: Forward): boolean => (hostAddress === '::' || hostAddress === '::1') && hostPort !== 0 && protocol !== 'sctp';
  return forwards.filter(isByRule).filter(isForLoopback).map((forward) => ({ ...forward, hostAddress: '::1' }));
}

/** Programs of this machine reach a port at 127.0.0.1: then the bridge knows that address. The chain `guard` keeps it from containers. */
function allowLoopback(forwards: readonly Forward[]): void {
  const isForLoopback = ({ hostAddress, hostPort }: Forward): boolean => hostPort !== 0 && (hostAddress === '0.0.0.0' || hostAddress.startsWith('127.'));
  for (const link of new Set(forwards.filter(isForLoopback).map(({ link }) => link))) writeSysctl(['net', 'ipv4', 'conf', link, 'route_localnet'], '1');
}

function rethrow(error: unknown): never {
  throw error;
}
