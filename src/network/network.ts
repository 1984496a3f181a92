// Networks: what containers are connected to. The shapes that the room speaks in, and its verbs.
//
// One owner for each fact. What a network is, is its own record. What a container asks of a network (`Connection`), and what it has of it while it
// runs (`Endpoint`), is kept in the container's record: the two can never disagree with each other, and an endpoint is written down in the same
// transaction as the start. This room keeps the endpoints of running containers in memory only; whoever opens it tells it of them again (`restore`).
import type { Brand, ContainerId } from '../base/index.ts';
import type { Fd } from '../kernel/index.ts';

/** 64 hexadecimal digits. */
export type NetworkId = Brand<string, 'NetworkId'>;

export type Driver = 'bridge' | 'macvlan' | 'ipvlan' | 'host' | 'null';

/** One block of addresses of a network. */
export interface Subnet {
  /** `172.18.0.0/16`, `fd00:1::/64`. */
  readonly subnet: string;
  /** Where addresses are given from; absent: all of it. */
  readonly range?: string | undefined;
  /** Without a prefix length. Absent: there is none (macvlan and ipvlan of one machine only, internal networks still have one). */
  readonly gateway?: string | undefined;
  /** Names of addresses that are never given out. */
  readonly auxiliary: Readonly<Record<string, string>>;
  /** Nobody asked for it: it is one of the engine's pools. Addresses in it cannot be asked for, as in Docker. */
  readonly isAutomatic?: boolean | undefined;
}

/** How full a subnet is. */
export interface SubnetUsage {
  readonly subnet: string;
  /** Those of the gateway, of the auxiliary addresses and of the network itself among them. */
  readonly used: bigint;
  /** What endpoints can still get. */
  readonly free: bigint;
}

export interface NetworkRecord {
  readonly id: NetworkId;
  readonly name: string;
  readonly createdAt: Date;
  readonly driver: Driver;
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  /** Nothing goes out of it, nothing comes in. */
  readonly internal: boolean;
  /** Said back; of meaning only to swarms. */
  readonly attachable: boolean;
  /** Holds settings for others; nobody connects to it. */
  readonly configOnly: boolean;
  /** The config-only network whose settings these are; '' for none. */
  readonly configFrom: string;
  readonly ipam: { readonly driver: string; readonly options: Readonly<Record<string, string>> | null; readonly subnets: readonly Subnet[] };
  /** As they were given: `com.docker.network.bridge.name` and so on. What they mean is read in one place (options.ts). */
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** Its link in the host's network namespace: bridge, or the parent of macvlan and ipvlan; '' for none. */
  readonly link: string;
}

/** What a container asks of one network. Kept in its record. */
export interface Connection {
  /** The name or id that it was asked with; Docker's key in `NetworkSettings.Networks`. */
  readonly network: string;
  readonly aliases: readonly string[];
  /** `container:alias`, for old clients. */
  readonly links: readonly string[];
  /** Addresses that must be these ones. */
  readonly ipv4?: string | undefined;
  readonly ipv6?: string | undefined;
  readonly linkLocal: readonly string[];
  readonly mac?: string | undefined;
  /** `com.docker.network.endpoint.ifname`, `com.docker.network.endpoint.sysctls`. */
  readonly driverOptions: Readonly<Record<string, string>>;
  /** The highest of them is the way out. */
  readonly gatewayPriority: number;
}

/** What a running container has of one network. Kept in its record while it runs. */
export interface Endpoint {
  /** 64 hexadecimal digits. */
  readonly id: string;
  readonly networkId: NetworkId;
  /** The key of its connection. */
  readonly network: string;
  /** Inside: `eth0`. */
  readonly interface: string;
  /** Its other end, in the host's namespace; '' where there is none (macvlan). */
  readonly hostLink: string;
  readonly mac: string;
  /** With prefix length: `172.18.0.2/16`. */
  readonly ipv4?: string | undefined;
  readonly ipv6?: string | undefined;
  readonly linkLocal: readonly string[];
  /** Without prefix length; absent when this is not the container's way out or there is none. */
  readonly gateway4?: string | undefined;
  readonly gateway6?: string | undefined;
  /** Every name it is found by in that network. */
  readonly dnsNames: readonly string[];
}

export type Protocol = 'tcp' | 'udp' | 'sctp';

/** A wish: `-p`. */
export interface PortRequest {
  readonly protocol: Protocol;
  readonly containerPort: number;
  /** '' is every address, of both families. */
  readonly hostAddress: string;
  /** First and last; 0 and 0: any free one. From a range one free port is taken. */
  readonly hostPorts: readonly [first: number, last: number];
}

/** A port that is open. Kept in the container's record while it runs. */
export interface PublishedPort {
  readonly protocol: Protocol;
  readonly containerPort: number;
  /** `0.0.0.0`, `::`, `127.0.0.1` … */
  readonly hostAddress: string;
  readonly hostPort: number;
  /** By a rule of the kernel, or by a socket of the daemon. */
  readonly mode: PublishMode;
}

export type PublishMode = 'nat' | 'host-socket';

/** A running (or starting) container, as this room sees it. */
export interface Sandbox {
  readonly containerId: ContainerId;
  /** Without the slash. */
  readonly name: string;
  readonly hostname: string;
  /** Its network namespace, open; the caller's. What this room needs of it for longer it copies. */
  readonly namespace: Fd;
  /** Servers of `--dns`; empty: the host's. */
  readonly dnsServers: readonly string[];
}

/** What a container has got. */
export interface Membership {
  readonly endpoints: readonly Endpoint[];
  readonly ports: readonly PublishedPort[];
  /** Whether names are answered at 127.0.0.11 inside: then /etc/resolv.conf says so. */
  readonly hasResolver: boolean;
}

export interface CreateNetworkRequest {
  readonly name: string;
  readonly driver: string;
  readonly ipv4: boolean;
  readonly ipv6: boolean | undefined;
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly configOnly: boolean;
  readonly configFrom: string;
  readonly ipam: { readonly driver: string; readonly options: Readonly<Record<string, string>> | null; readonly subnets: readonly { readonly subnet: string; readonly range: string; readonly gateway: string; readonly auxiliary: Readonly<Record<string, string>> }[] };
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

/** What happens to networks, told after it has: Docker's event actions. */
export type NetworkHappening =
  | { readonly kind: 'create' | 'destroy'; readonly network: NetworkRecord }
  | { readonly kind: 'connect' | 'disconnect'; readonly network: NetworkRecord; readonly containerId: ContainerId }
  | { readonly kind: 'prune' };

/**
 * Every `nameOrId` is a full id, a name, or an unambiguous prefix of an id.
 * @throws `not_found` "network x not found"; `invalid` when several match
 */
export interface Networks extends AsyncDisposable {
  create(request: CreateNetworkRequest): { readonly id: NetworkId; readonly warning: string };
  get(nameOrId: string): NetworkRecord;
  /** By name; `bridge`, `host` and `none` are always there. */
  list(): readonly NetworkRecord[];
  /** @throws `denied` for a predefined one, `conflict` when somebody is in it */
  remove(nameOrId: string): void;
  /** The names of those that were removed: chosen, not predefined, nobody connected. `isNeeded`: a stopped container's record names it. */
  prune(isChosen: (network: NetworkRecord) => boolean, isNeeded: (network: NetworkRecord) => boolean): readonly string[];
  /** Who is in it, and runs. */
  members(network: NetworkId): readonly { readonly containerId: ContainerId; readonly name: string; readonly endpoint: Endpoint }[];

  usage(network: NetworkId): readonly SubnetUsage[];

  /** What a start would refuse for ever is refused now (an address outside of the subnet, a fixed address in the default network …). @throws in Docker's words */
  check(connection: Connection): NetworkRecord;
  /** A start: all endpoints and ports, or none. @throws `conflict` for a port or address that is taken, saying by whom */
  join(sandbox: Sandbox, connections: readonly Connection[], ports: readonly PortRequest[], mode?: PublishMode): Promise<Membership>;
  /** One more, while it runs. The container's record is the caller's to change; its other endpoints may have changed their gateway. */
  connect(sandbox: Sandbox, connection: Connection): Promise<Membership>;
  disconnect(sandbox: Sandbox, networkId: NetworkId): Promise<Membership>;
  /** Ports that are added and taken while it runs. */
  publish(sandbox: Sandbox, ports: readonly PortRequest[], mode?: PublishMode): Promise<Membership>;
  unpublish(sandbox: Sandbox, ports: readonly PublishedPort[]): Promise<Membership>;
  /** It has another name: found by the new one from now on. Undefined when it does not run. */
  rename(containerId: ContainerId, name: string): Membership | undefined;
  /** The container ended: its ports are closed when this returns, its addresses are free. Its namespace goes with its last process, and its links with that. */
  leave(containerId: ContainerId): void;
  /** A container that runs since before this room was opened: what it asked for, and what it has got. */
  restore(sandbox: Sandbox, connections: readonly Connection[], ports: readonly PortRequest[], membership: Membership): void;
  /** After all `restore`: what belongs to nobody goes away, what is missing of networks, links and rules comes back. */
  reconcile(): void;
  /** After `reconcile`, for who was restored: connections that the kernel lost are made again, what it did beyond the record is undone. @throws KernelError */
  mend(sandbox: Sandbox): void;
}
