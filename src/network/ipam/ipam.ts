// Who may have which address: the pools of all networks. Kept in memory only, made again from the records of networks and of running containers.
import { fail } from '../../base/index.ts';
import type { NetworkId, NetworkRecord, SubnetUsage } from '../network.ts';
import { blockOf, type Block, type Family } from './block.ts';
import { AddressPool } from './pool.ts';

/** Addresses that must be these ones. */
export interface WantedAddresses {
  readonly ipv4?: string | undefined;
  readonly ipv6?: string | undefined;
}

/** With prefix length. */
export interface GivenAddresses {
  readonly ipv4?: string | undefined;
  readonly ipv6?: string | undefined;
}

export class Ipam {
  readonly #pools = new Map<NetworkId, readonly AddressPool[]>();

  add({ id, ipam, configOnly }: NetworkRecord): void {
    this.#pools.set(id, configOnly ? [] : ipam.subnets.map((subnet) => new AddressPool(subnet)));
  }

  remove(id: NetworkId): void {
    this.#pools.delete(id);
  }

  blocksOf(id: NetworkId): readonly Block[] {
    return this.#poolsOf(id).map(({ block }) => block);
  }

  /** One address of each family that the network has; all or none. @throws `conflict`: `holder` says who has a wanted one */
  give(network: NetworkRecord, wanted: WantedAddresses, holder: (address: string) => string | undefined): GivenAddresses {
    using undo = new DisposableStack();
    const one = (family: Family, asked: string | undefined): string | undefined => {
      const given = this.#giveOne(network, family, asked, holder);
      if (given !== undefined) undo.defer(() => { this.release(network.id, given); });
      return given;
    };
    const given = { ipv4: one(4, wanted.ipv4), ipv6: one(6, wanted.ipv6) };
    undo.move();
    return given;
  }

  /** Of a container that runs since before. Silent about what is not to be had: it has it. */
  reclaim(id: NetworkId, given: GivenAddresses): void {
    for (const address of [given.ipv4, given.ipv6]) if (address !== undefined) this.#poolAt(id, address)?.reclaim(bare(address));
  }

  release(id: NetworkId, address: string): void {
    this.#poolAt(id, address)?.release(bare(address));
  }

  usage(id: NetworkId): readonly SubnetUsage[] {
    return this.#poolsOf(id).map((pool) => pool.usage());
  }

  #giveOne(network: NetworkRecord, family: Family, asked: string | undefined, holder: (address: string) => string | undefined): string | undefined {
    const pools = this.#poolsOf(network.id).filter((pool) => pool.family === family);
    if (pools.length === 0) return undefined;
    for (const pool of pools) {
      const address = asked === undefined ? pool.take() : pool.claim(asked);
      if (address !== undefined) return `${address}/${pool.block.prefix}`;
    }
    if (asked !== undefined) throw fail('conflict', 'Address already in use', { hint: `${asked} of network ${JSON.stringify(network.name)} is held by ${holder(asked) ?? 'the network itself'}` });
    throw fail('conflict', `no available IPv${family} addresses on this network's address pools: ${network.name} (${network.id})`, { hint: 'Remove containers from it, or make a network with a larger subnet' });
  }

  #poolAt(id: NetworkId, address: string): AddressPool | undefined {
    const { first } = blockOf(`${bare(address)}/${address.includes(':') ? 128 : 32}`);
    return this.#poolsOf(id).find(({ block, family }) => family === (address.includes(':') ? 6 : 4) && first >= block.first && first <= block.last);
  }

  #poolsOf(id: NetworkId): readonly AddressPool[] {
    return this.#pools.get(id) ?? [];
  }
}

/** Without its prefix length. */
export function bare(address: string): string {
  return address.replace(/\/\d+$/, '');
}
