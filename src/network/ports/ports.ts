// Which ports of the host are whose. A port belongs to a container per protocol and address; `0.0.0.0` is every IPv4 address, `::` every IPv6 one.
//
// Nothing is bound for a port that the kernel's rules publish, so this is also where programs of the host are asked for: a container must not take over
// the port at which one of them listens.
import { fail, type ContainerId, type EstivaError } from '../../base/index.ts';
import type { Protocol } from '../network.ts';

/** What the host itself does with its ports. */
export interface HostPorts {
  isTaken(protocol: Protocol, address: string, port: number): boolean;
  /** Whether the host has that address. */
  isOurs(address: string): boolean;
  /** The first and the last of the ports that are given to whoever asks for none in particular. */
  ephemeral(): readonly [first: number, last: number];
}

export interface Holding {
  readonly protocol: Protocol;
  readonly hostAddress: string;
  readonly hostPort: number;
}

/** What is to be held: one port number, the same at all of these addresses. */
export interface WantedPort {
  readonly protocol: Protocol;
  readonly hostAddresses: readonly string[];
  /** 0 and 0: any free one. */
  readonly hostPorts: readonly [first: number, last: number];
  /** For messages: where it leads to, `172.17.0.2:80`. */
  readonly target: string;
}

export class Ports {
  readonly #holders = new Map<string, { readonly hostAddress: string; readonly containerId: ContainerId }[]>();
  readonly #nameOf: (id: ContainerId) => string | undefined;
  #lastFree = 0;

  constructor(nameOf: (id: ContainerId) => string | undefined) {
    this.#nameOf = nameOf;
  }

  /** @throws `conflict` for a port that is taken, saying by whom */
  take(containerId: ContainerId, wanted: WantedPort, host: HostPorts): number {
    for (const address of wanted.hostAddresses) if (!host.isOurs(address)) throw cannotBind(wanted, address, wanted.hostPorts[0], 'cannot assign requested address', 'No interface of this machine has that address');
    const port = this.#choose(wanted, host);
    for (const hostAddress of wanted.hostAddresses) this.hold(containerId, { protocol: wanted.protocol, hostAddress, hostPort: port });
    return port;
  }

  /** A port that is known to be that container's. */
  hold(containerId: ContainerId, { protocol, hostAddress, hostPort }: Holding): void {
    const key = keyOf(protocol, hostPort);
    this.#holders.set(key, [...this.#holders.get(key) ?? [], { hostAddress, containerId }]);
  }

  release(containerId: ContainerId, { protocol, hostAddress, hostPort }: Holding): void {
    const key = keyOf(protocol, hostPort);
    const left = (this.#holders.get(key) ?? []).filter((holder) => holder.containerId !== containerId || holder.hostAddress !== hostAddress);
    if (left.length === 0) this.#holders.delete(key);
    else this.#holders.set(key, left);
  }

  #choose(wanted: WantedPort, host: HostPorts): number {
    const [first, last] = wanted.hostPorts;
    if (first === 0) return this.#anyFree(wanted, host);
    let refusal: EstivaError | undefined;
    for (let port = first; port <= last; port += 1) {
      const reason = this.#refusal(wanted, port, host);
      if (reason === undefined) return port;
      refusal ??= reason;
    }
    throw first === last ? refusal! : fail('conflict', `Bind for ${wanted.hostAddresses[0]!}:${first}-${last} failed: port is already allocated`, { hint: 'Every port of the range is taken' });
  }

  /** The next one of those that the kernel takes for connections, too. */
  #anyFree(wanted: WantedPort, host: HostPorts): number {
    const [first, last] = host.ephemeral();
    let port = this.#lastFree < first || this.#lastFree >= last ? first : this.#lastFree + 1;
    for (let tried = first; tried <= last; tried += 1, port = port === last ? first : port + 1) {
      if (this.#refusal(wanted, port, host) !== undefined) continue;
      this.#lastFree = port;
      return port;
    }
    throw fail('conflict', `Bind for ${wanted.hostAddresses[0]!}:0 failed: all ports are allocated`, { hint: `All of ${first} to ${last} are taken: /proc/sys/net/ipv4/ip_local_port_range` });
  }

  #refusal(wanted: WantedPort, port: number, host: HostPorts): EstivaError | undefined {
    for (const address of wanted.hostAddresses) {
      const holder = this.#holders.get(keyOf(wanted.protocol, port))?.find(({ hostAddress }) => meet(hostAddress, address));
      if (holder !== undefined) return fail('conflict', `Bind for ${shown(address)}:${port} failed: port is already allocated`, { hint: `Container ${JSON.stringify(this.#nameOf(holder.containerId) ?? holder.containerId)} has it` });
      if (host.isTaken(wanted.protocol, address, port)) return cannotBind(wanted, address, port, 'address already in use', 'A program of this machine listens there');
    }
    return undefined;
  }
}

function keyOf(protocol: Protocol, port: number): string {
  return `${protocol}:${port}`;
}

function cannotBind({ target, protocol }: WantedPort, address: string, port: number, why: string, hint: string): EstivaError {
  return fail('conflict', `failed to bind host port for ${shown(address)}:${port}:${target}/${protocol}: ${why}`, { hint });
}

function shown(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

/** Whether two sockets at these addresses would be in each other's way. */
export function meet(one: string, other: string): boolean {
  const isSameFamily = one.includes(':') === other.includes(':');
  return isSameFamily && (one === other || isEvery(one) || isEvery(other));
}

export function isEvery(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}
