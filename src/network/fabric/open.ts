// The fabric of one engine: its links and its table, by two netlink sockets that stay open.
import { isKernelError, Netlink, NETLINK_ROUTE, route, type Fd, type Readiness } from '../../kernel/index.ts';
import type { Endpoint, NetworkRecord } from '../network.ts';
import { isMarked, makeBridge, markOf, removeBridge, removeLinkElsewhere, type Failed } from './bridge.ts';
import { configureInside, makePair, retireInside, settle, setWayOut } from './endpoint.ts';
import type { Fabric, Forward, PlugSettings } from './fabric.ts';
import { entriesOfNetwork, entryOfForward } from './firewall/entries.ts';
import { Firewall } from './firewall/firewall.ts';
import { writeSysctl } from './sysctl.ts';

export interface FabricSettings {
  /** Tells the links and rules of this engine from those of others on the same machine. */
  readonly engineId: string;
  readonly readiness: Readiness;
  /** Hears of what went wrong where nobody waits for an answer. */
  readonly failed?: Failed;
}

export type FabricState = ReturnType<Parameters<Fabric['reconcile']>[0]>;

/** @throws KernelError where this process may not change the network, or the kernel has no nf_tables */
export function openFabric(settings: FabricSettings): Fabric {
  return new HostFabric(settings);
}

class HostFabric implements Fabric {
  readonly #engineId: string;
  readonly #failed: Failed;
  readonly #opened = new DisposableStack();
  readonly #netlink: Netlink;
  readonly #firewall: Firewall;

  constructor({ engineId, failed = rethrow }: FabricSettings) {
    using undo = new DisposableStack();
    this.#engineId = engineId;
    this.#failed = failed;
    this.#netlink = undo.use(new Netlink(NETLINK_ROUTE));
    this.#firewall = undo.use(new Firewall(engineId));
    this.#opened = undo.move();
  }

  makeNetwork(network: NetworkRecord): void {
    if (network.driver !== 'bridge') return;
    using undo = new DisposableStack();
    const entries = entriesOfNetwork(network);
    this.#firewall.add(entries);
    undo.defer(() => this.#firewall.remove(entries));
    makeBridge(this.#netlink, network, markOf(this.#engineId, `network ${network.id}`), this.#failed);
    if (!network.internal) this.#forward(network);
    undo.move();
  }

  #forward({ ipv4, ipv6 }: NetworkRecord): void {
    if (ipv4) this.#firewall.forward(4);
    if (ipv6) this.#firewall.forward(6);
  }

  removeNetwork(network: NetworkRecord): void {
    if (network.driver !== 'bridge') return;
    removeBridge(this.#netlink, network.link, this.#engineId, this.#failed);
    this.#firewall.remove(entriesOfNetwork(network));
  }

  plug(network: NetworkRecord, endpoint: Endpoint, namespace: Fd, settings: PlugSettings): void {
    using undo = new DisposableStack();
    makePair(this.#netlink, network, endpoint, namespace, markOf(this.#engineId, `endpoint ${endpoint.id}`));
    undo.defer(() => this.#removeLink(endpoint.hostLink));
    configureInside(endpoint, namespace, settings);
    settle(this.#netlink, endpoint);
    undo.move();
  }

  unplug(_network: NetworkRecord, endpoint: Endpoint, namespace: Fd): void {
    retireInside(endpoint, namespace);
    this.#removeLink(endpoint.hostLink);
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
    for (const link of new Set(forwards.filter(isForLoopback).map(({ link }) => link))) writeSysctl(['net', 'ipv4', 'conf', link, 'route_localnet'], '1');
    this.#firewall.add(forwards.map(entryOfForward));
  }

  close(forwards: readonly Forward[]): void {
    this.#firewall.remove(forwards.map(entryOfForward));
  }

  reconcile(state: () => FabricState): void {
    const { networks, endpoints, forwards } = state();
    const bridges = networks.filter(({ driver }) => driver === 'bridge');
    const links = route.listLinks(this.#netlink).filter((link) => isMarked(this.#engineId, link));
    const wanted = new Set([...bridges.map(({ link }) => link), ...endpoints.map(({ hostLink }) => hostLink)]);
    if (bridges.length > 0 || this.#firewall.isNeeded) this.#firewall.replace([...bridges.flatMap(entriesOfNetwork), ...forwards.map(entryOfForward)]);
    for (const { name } of links.filter(({ name }) => !wanted.has(name))) this.#removeLink(name);
    for (const network of bridges) this.makeNetwork(network);
    if (bridges.length === 0) this.#firewall.clearIfIdle();
  }

  [Symbol.dispose](): void {
    this.#opened[Symbol.dispose]();
  }
}

/** Programs of this machine reach it at 127.0.0.1. */
function isForLoopback({ hostAddress, hostPort }: Forward): boolean {
  return hostPort !== 0 && (hostAddress === '0.0.0.0' || hostAddress.startsWith('127.'));
}

function rethrow(error: unknown): never {
  throw error;
}
