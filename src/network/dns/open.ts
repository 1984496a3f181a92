// One resolver for all containers: each has a counter in its own namespace (counter.ts), behind them is one directory of names, one store of answers and one way
// to ask others. A question is looked up among the names of containers first; what nobody there is called goes to the host's servers, or to the container's own
// (`--dns`), those asked from inside of its namespace, because that is where they can be reached.
import type { ContainerId } from '../../base/index.ts';
import { inNetwork, Readiness } from '../../kernel/index.ts';
import type { NetworkId } from '../network.ts';
import type { Place, Transport } from './ask.ts';
import { Counter } from './counter.ts';
import { Directory } from './directory.ts';
import type { Client, Dns, Named } from './dns.ts';
import { Forwarder, type Route } from './forward.ts';
import { HostServers, parseServer } from './host-servers.ts';
import { CLASS_IN, encodeAnswer, RCODE, TYPE, type Query } from './message.ts';
import { answerOwn } from './own-names.ts';

export interface DnsOptions {
  /** The host's; absent: /etc/resolv.conf. */
  readonly resolvConf?: string | undefined;
}

export function openDns({ resolvConf = '/etc/resolv.conf' }: DnsOptions = {}): Dns {
  return new Resolver(resolvConf);
}

/** A container that is answered. */
interface Served extends Disposable {
  /** Its own servers and where they are asked from; undefined: the host's. */
  readonly route: Route | undefined;
}

const onHost: Place = (make) => make();

class Resolver implements Dns {
  readonly #readiness = new Readiness();
  readonly #directory = new Directory();
  readonly #served = new Map<ContainerId, Served>();
  readonly #closedOff = new Set<ContainerId>();
  readonly #forwarder = new Forwarder(this.#readiness);
  readonly #hostServers: HostServers;
  readonly #closing = new AbortController();

  constructor(resolvConf: string) {
    this.#hostServers = new HostServers(resolvConf);
  }

  serve(client: Client): void {
    const { containerId } = client;
    if (this.#served.has(containerId)) return;
    using undo = new DisposableStack();
    const route = client.servers.length === 0 ? undefined : ownRoute(client, undo);
    undo.use(new Counter(client.namespace, this.#readiness, (query, transport) => this.#answer(containerId, query, transport)));
    const owned = undo.move();
    this.#served.set(containerId, { route, [Symbol.dispose]: () => owned.dispose() });
  }

  dismiss(containerId: ContainerId): void {
    this.#served.get(containerId)?.[Symbol.dispose]();
    this.#served.delete(containerId);
    this.#closedOff.delete(containerId);
  }

  add(named: Named): void {
    this.#directory.add(named);
  }

  remove(containerId: ContainerId, networkId: NetworkId): void {
    this.#directory.remove(containerId, networkId);
  }

  isClosedOff(containerId: ContainerId, closedOff: boolean): void {
    if (closedOff) this.#closedOff.add(containerId);
    else this.#closedOff.delete(containerId);
  }

  #answer(asker: ContainerId, query: Query, transport: Transport): Buffer | Promise<Buffer> {
    if (query.class !== CLASS_IN || query.type === TYPE.AXFR || query.type === TYPE.IXFR) return encodeAnswer(query, RCODE.notImplemented);
    const own = answerOwn(this.#directory, asker, query);
    if (own !== undefined) return own;
    // Not "no such name": a search list must not end here, and nobody may keep it for when the network is open again.
    if (this.#closedOff.has(asker)) return encodeAnswer(query, RCODE.serverFailure);
    return this.#forwarder.answer(asker, query, transport, this.#served.get(asker)?.route ?? this.#hostRoute());
  }

  #hostRoute(): Route {
    return { servers: this.#hostServers.current(), place: onHost, shared: `host ${this.#hostServers.version}`, signal: this.#closing.signal };
  }

  [Symbol.dispose](): void {
    for (const containerId of this.#served.keys()) this.dismiss(containerId);
    this.#closing.abort();
    this.#readiness[Symbol.dispose]();
  }
}

/** What a container's own servers answer is kept for it alone: they may be others behind the same address. */
function ownRoute({ containerId, namespace, servers }: Client, undo: DisposableStack): Route {
  const held = undo.use(namespace.duplicate());
  const over = new AbortController();
  undo.defer(() => over.abort());
  return { servers: servers.flatMap(parseServer), place: (make) => inNetwork(held, make), shared: containerId, signal: over.signal };
}
