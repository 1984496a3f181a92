// Names inside containers: 127.0.0.11 in each container's network namespace, one resolver behind all of them.
import type { ContainerId } from '../../base/index.ts';
import type { Fd } from '../../kernel/index.ts';
import type { Endpoint, NetworkId } from '../network.ts';

/** Who asks, and what it may know: names of the networks that it is in. */
export interface Client {
  readonly containerId: ContainerId;
  /** Open; the caller's. Sockets are made in it at once. */
  readonly namespace: Fd;
  /** Of `--dns`: asked from inside the namespace. Empty: the host's servers, asked from the host. */
  readonly servers: readonly string[];
}

/** One container in one network. */
export interface Named {
  readonly containerId: ContainerId;
  readonly networkId: NetworkId;
  readonly endpoint: Endpoint;
  /** Links: names that only this container's own questions are answered for, and whom they mean. */
  readonly links: ReadonlyMap<string, ContainerId>;
}

export interface Dns extends Disposable {
  /** Begins to answer in that namespace; nothing when it already does. @throws KernelError */
  serve(client: Client): void;
  /** The container ended. */
  dismiss(containerId: ContainerId): void;
  /** In the order in which they came. Replaces what was said of the same container in the same network. */
  add(named: Named): void;
  remove(containerId: ContainerId, networkId: NetworkId): void;
  /** Only names of internal networks: nothing is asked of servers outside. */
  isClosedOff(containerId: ContainerId, closedOff: boolean): void;
}
