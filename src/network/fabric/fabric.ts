// The fabric: links and firewall rules of the host that make a network of a record. It decides nothing (names, addresses and ports are given to it)
// and remembers nothing that the kernel does not: asked for the same thing twice, it makes it once.
import type { Fd } from '../../kernel/index.ts';
import type { Endpoint, NetworkRecord, PublishedPort } from '../network.ts';

/** A published port, and where it leads. */
export interface Forward extends PublishedPort {
  /** Of the container; of the same family as `hostAddress`. Without prefix length. */
  readonly containerAddress: string;
  /** The bridge that leads there. */
  readonly link: string;
}

export interface PlugSettings {
  readonly mtu?: number | undefined;
  /** Whether default routes by gateway4 and gateway6 are made. */
  readonly isWayOut: boolean;
  /** `net.ipv4.conf.IFNAME.forwarding` → `1`, written inside. */
  readonly sysctls: Readonly<Record<string, string>>;
}

export interface Fabric extends Disposable {
  /** Bridge, its addresses, its rules; for macvlan and ipvlan the parent. Nothing half-made stays. @throws KernelError, EstivaError */
  makeNetwork(network: NetworkRecord): void;
  removeNetwork(network: NetworkRecord): void;
  /** Makes the endpoint: veth (or macvlan, ipvlan) into the namespace, addresses, routes. Nothing half-made stays. */
  plug(network: NetworkRecord, endpoint: Endpoint, namespace: Fd, settings: PlugSettings): void;
  /** While the container runs. */
  unplug(network: NetworkRecord, endpoint: Endpoint, namespace: Fd): void;
  isPlugged(endpoint: Endpoint, namespace: Fd): boolean;
  /** Its default routes come or go: another endpoint is the way out now. */
  setWayOut(endpoint: Endpoint, namespace: Fd, isWayOut: boolean): void;
  /** The container ended. The link vanishes with the namespace; it must not answer for its address any more, whatever still holds the namespace. */
  abandon(endpoint: Endpoint): void;
  /** All or none, as one change. */
  open(forwards: readonly Forward[]): void;
  close(forwards: readonly Forward[]): void;
  /** Makes the kernel's state this one, whatever it was: links of ours without an owner go, what is missing comes. Called at start, and when somebody flushed our rules. */
  reconcile(state: () => { readonly networks: readonly NetworkRecord[]; readonly endpoints: readonly Endpoint[]; readonly forwards: readonly Forward[] }): void;
}
