// A fabric, a resolver and a host that only remember, for tests of what is decided above them. `failAt` makes the fabric fail at that call, once.
import { parseContainerId, type ContainerId } from '../base/index.ts';
import type { Fd } from '../kernel/index.ts';
import type { Records } from '../storage/index.ts';
import type { Client, Dns, Named } from './dns/dns.ts';
import type { Fabric, Forward } from './fabric/fabric.ts';
import type { Host } from './host.ts';
import { blockOf } from './ipam/block.ts';
import type { Connection, CreateNetworkRequest, NetworkHappening, Networks, Sandbox } from './network.ts';
import { openNetworks } from './open.ts';

export class FakeFabric implements Fabric {
  readonly calls: string[] = [];
  readonly networks = new Set<string>();
  readonly links = new Map<string, boolean>();
  readonly forwards = new Set<string>();
  failAt = '';

  #note(call: string): void {
    if (call === this.failAt) {
      this.failAt = '';
      throw new Error(`failed at ${call}`);
    }
    this.calls.push(call);
  }

  makeNetwork: Fabric['makeNetwork'] = ({ link }) => { this.#note(`make ${link}`); this.networks.add(link); };
  removeNetwork: Fabric['removeNetwork'] = ({ link }) => { this.#note(`remove ${link}`); this.networks.delete(link); };
  plug: Fabric['plug'] = (_network, { interface: name, ipv4, ipv6 }, _namespace, { isWayOut }) => { this.#note(`plug ${name}`); this.links.set(`${name} ${ipv4 ?? ipv6 ?? ''}`, isWayOut); };
  unplug: Fabric['unplug'] = (_network, { interface: name, ipv4, ipv6 }) => { this.#note(`unplug ${name}`); this.links.delete(`${name} ${ipv4 ?? ipv6 ?? ''}`); };
  isPlugged: Fabric['isPlugged'] = ({ interface: name, ipv4, ipv6 }) => this.links.has(`${name} ${ipv4 ?? ipv6 ?? ''}`);
  setWayOut: Fabric['setWayOut'] = ({ interface: name, ipv4, ipv6 }, _namespace, isWayOut) => { this.#note(`way ${name} ${isWayOut}`); this.links.set(`${name} ${ipv4 ?? ipv6 ?? ''}`, isWayOut); };
  abandon: Fabric['abandon'] = ({ interface: name, ipv4, ipv6 }) => { this.#note(`abandon ${name}`); this.links.delete(`${name} ${ipv4 ?? ipv6 ?? ''}`); };
  open: Fabric['open'] = (forwards) => { this.#note('open'); for (const one of forwards) this.forwards.add(textOf(one)); };
  close: Fabric['close'] = (forwards) => { this.#note('close'); for (const one of forwards) this.forwards.delete(textOf(one)); };
  reconcile: Fabric['reconcile'] = (state) => { const { networks, endpoints, forwards } = state(); this.#note(`reconcile ${networks.map(({ name }) => name).join()} ${endpoints.length} ${forwards.length}`); };
  [Symbol.dispose](): void { this.#note('dispose'); }
}

function textOf({ hostAddress, hostPort, containerAddress, containerPort, protocol, link, mode }: Forward): string {
  return `${hostAddress} ${hostPort} > ${containerAddress} ${containerPort} ${protocol} ${link.replace(/^br-.*/, 'br')}${mode === 'nat' ? '' : ` ${mode}`}`;
}

export class FakeDns implements Dns {
  readonly served = new Map<ContainerId, readonly string[]>();
  readonly named: Named[] = [];
  readonly closedOff = new Map<ContainerId, boolean>();

  serve({ containerId, servers }: Client): void { this.served.set(containerId, servers); }
  dismiss(containerId: ContainerId): void { this.served.delete(containerId); }
  add(named: Named): void { this.remove(named.containerId, named.networkId); this.named.push(named); }
  remove(containerId: ContainerId, networkId: string): void {
    const index = this.named.findIndex((one) => one.containerId === containerId && one.networkId === networkId);
    if (index >= 0) this.named.splice(index, 1);
  }
  isClosedOff(containerId: ContainerId, closedOff: boolean): void { this.closedOff.set(containerId, closedOff); }
  [Symbol.dispose](): void { this.served.clear(); }
}

export interface FakeHost extends Host {
  taken: string[];
  /** Blocks of links. */
  links: Map<string, string>;
  aliases: Map<string, string>;
  /** `tcp 8080`. */
  listening: Set<string>;
}

export function fakeHost(): FakeHost {
  const host: FakeHost = {
    taken: [], links: new Map(), aliases: new Map(), listening: new Set(),
    blocks: (isOurs) => [...host.taken, ...[...host.links].filter(([link]) => !isOurs(link)).map(([, block]) => block)].map(blockOf),
    aliasOf: (link) => host.aliases.get(link),
    ports: () => ({ isTaken: (protocol, _address, port) => host.listening.has(`${protocol} ${port}`), isOurs: (address) => !address.startsWith('9.'), ephemeral: () => [40_000, 40_003] }),
  };
  return host;
}

export interface FakeNetworks extends AsyncDisposable {
  readonly networks: Networks;
  readonly fabric: FakeFabric;
  readonly dns: FakeDns;
  readonly host: FakeHost;
  readonly told: NetworkHappening[];
  /** As a daemon that was killed and started again finds it. */
  reopen(): FakeNetworks;
}

export function fakeNetworks(tables: Tables = new Map(), host = fakeHost()): FakeNetworks {
  const [fabric, dns, told] = [new FakeFabric(), new FakeDns(), [] as NetworkHappening[]];
  const networks = openNetworks({ storage: { records: recordsIn(tables) }, engineId: 'e1', fabric, dns, host, tell: (happening) => void told.push(happening) });
  return { networks, fabric, dns, host, told, reopen: () => fakeNetworks(tables, host), [Symbol.asyncDispose]: () => networks[Symbol.asyncDispose]() };
}

type Tables = Map<string, Map<string, string>>;

/** As text, so that what is read is what can be written. */
function recordsIn(tables: Tables): Records {
  return {
    table: (name, revive) => {
      const rows = tables.get(name) ?? new Map<string, string>();
      tables.set(name, rows);
      const read = (text: string | undefined): ReturnType<typeof revive> | undefined => (text === undefined ? undefined : revive(JSON.parse(text)));
      return { get: (key) => read(rows.get(key)), all: () => [...rows.values()].map((text) => read(text)!), put: (key, value) => void rows.set(key, JSON.stringify(value)), delete: (key) => void rows.delete(key) };
    },
    transaction: (change) => change(),
    [Symbol.dispose]: () => undefined,
  };
}

export function request(name: string, more: Partial<CreateNetworkRequest> = {}): CreateNetworkRequest {
  return { name, driver: '', ipv4: true, ipv6: undefined, internal: false, attachable: false, configOnly: false, configFrom: '', ipam: { driver: '', options: null, subnets: [] }, options: {}, labels: {}, ...more };
}

export function subnets(...given: readonly (string | Partial<CreateNetworkRequest['ipam']['subnets'][number]>)[]): CreateNetworkRequest['ipam'] {
  return { driver: '', options: null, subnets: given.map((one) => ({ subnet: '', range: '', gateway: '', auxiliary: {}, ...typeof one === 'string' ? { subnet: one } : one })) };
}

export function sandbox(number: number, name = `c${number}`): Sandbox {
  const containerId = parseContainerId(String(number).repeat(64).slice(0, 64));
  return { containerId, name, hostname: containerId.slice(0, 12), namespace: {} as Fd, dnsServers: [] };
}

export function connection(network: string, more: Partial<Connection> = {}): Connection {
  return { network, aliases: [], links: [], linkLocal: [], driverOptions: {}, gatewayPriority: 0, ...more };
}
