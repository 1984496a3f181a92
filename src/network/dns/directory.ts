// Who is called what, network by network: the names of running containers, and their addresses backwards. A container finds those with whom it shares a network.
import type { ContainerId } from '../../base/index.ts';
import { formatAddress, parseAddress } from '../../kernel/index.ts';
import type { NetworkId } from '../network.ts';
import type { Named } from './dns.ts';

/** Addresses without their prefix lengths. */
export interface Addresses {
  readonly ipv4: readonly string[];
  readonly ipv6: readonly string[];
}

/** Who is in one network, in the order in which they came. */
interface Roll {
  readonly members: Map<ContainerId, Named>;
  readonly byName: Map<string, Map<ContainerId, Named>>;
  readonly byAddress: Map<string, Named>;
}

export class Directory {
  readonly #rolls = new Map<NetworkId, Roll>();
  readonly #memberships = new Map<ContainerId, Map<NetworkId, Named>>();

  add(named: Named): void {
    const { containerId, networkId, endpoint } = named;
    const roll = getOrMake(this.#rolls, networkId, () => ({ members: new Map(), byName: new Map(), byAddress: new Map() }));
    const before = roll.members.get(containerId);
    if (before !== undefined) strike(roll, before);
    roll.members.set(containerId, named);
    for (const name of endpoint.dnsNames) getOrMake(roll.byName, name.toLowerCase(), () => new Map<ContainerId, Named>()).set(containerId, named);
    for (const address of addressesOf(named)) roll.byAddress.set(address, named);
    getOrMake(this.#memberships, containerId, () => new Map<NetworkId, Named>()).set(networkId, named);
  }

  remove(containerId: ContainerId, networkId: NetworkId): void {
    const [roll, own] = [this.#rolls.get(networkId), this.#memberships.get(containerId)];
    const named = own?.get(networkId);
    if (roll === undefined || own === undefined || named === undefined) return;
    strike(roll, named);
    roll.members.delete(containerId);
    own.delete(networkId);
    if (roll.members.size === 0) this.#rolls.delete(networkId);
    if (own.size === 0) this.#memberships.delete(containerId);
  }

  /** What `name` means for that container: in the first of its networks that knows it, or in the one that the name ends with (`web.backend`). Undefined: nobody is called so. */
  find(asker: ContainerId, name: string): Addresses | undefined {
    const own = [...this.#memberships.get(asker)?.values() ?? []];
    for (const membership of own) {
      const found = this.#findIn(membership, name);
      if (found.length > 0) return gather(found);
    }
    for (const membership of own) {
      const suffix = `.${membership.endpoint.network.toLowerCase()}`;
      const found = name.endsWith(suffix) ? this.#findIn(membership, name.slice(0, -suffix.length)) : [];
      if (found.length > 0) return gather(found);
    }
    return undefined;
  }

  #findIn(membership: Named, name: string): readonly Named[] {
    const roll = this.#rolls.get(membership.networkId);
    const linked = membership.links.get(name);
    const target = linked === undefined ? undefined : roll?.members.get(linked);
    return target === undefined ? [...roll?.byName.get(name)?.values() ?? []] : [target];
  }

  /** The full name of whoever has that address in a network of the asker: `web.backend`. */
  nameOf(asker: ContainerId, address: string): readonly string[] {
    for (const membership of this.#memberships.get(asker)?.values() ?? []) {
      const named = this.#rolls.get(membership.networkId)?.byAddress.get(address);
      if (named !== undefined) return named.endpoint.dnsNames.map((name) => `${name}.${membership.endpoint.network}`);
    }
    return [];
  }
}

/** Takes its names out; the network's other members keep theirs, also the same ones. */
function strike(roll: Roll, named: Named): void {
  for (const name of named.endpoint.dnsNames) {
    const holders = roll.byName.get(name.toLowerCase());
    holders?.delete(named.containerId);
    if (holders?.size === 0) roll.byName.delete(name.toLowerCase());
  }
  for (const address of addressesOf(named)) if (roll.byAddress.get(address) === named) roll.byAddress.delete(address);
}

function gather(found: readonly Named[]): Addresses {
  return { ipv4: found.flatMap(({ endpoint }) => bare(endpoint.ipv4)), ipv6: found.flatMap(({ endpoint }) => bare(endpoint.ipv6)) };
}

/** As `formatAddress` writes them: one spelling for each. */
function addressesOf({ endpoint }: Named): readonly string[] {
  return [...bare(endpoint.ipv4), ...bare(endpoint.ipv6)].map((address) => formatAddress(parseAddress(address).bytes));
}

function bare(address: string | undefined): readonly string[] {
  return address === undefined ? [] : [address.split('/', 1)[0]!];
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}
