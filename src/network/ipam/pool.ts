// The addresses of one subnet: which are taken, and which is next.
//
// Next fit: the search goes on where it stopped, so that an address that was just given back is given again as late as can be; what still speaks to
// its former owner then speaks to nobody instead of to a stranger.
import type { Subnet, SubnetUsage } from '../network.ts';
import { addressOf, blockOf, isWithin, textOf, type Address, type Block, type Family } from './block.ts';

export class AddressPool {
  readonly block: Block;
  readonly #range: Block;
  readonly #taken = new Set<bigint>();
  #takenInRange = 0n;
  #next: bigint;

  /** What the subnet keeps for itself is taken from the beginning: its own address, its last one (broadcast), the gateway, auxiliary addresses. */
  constructor(subnet: Subnet) {
    this.block = blockOf(subnet.subnet);
    this.#range = subnet.range === undefined ? this.block : blockOf(subnet.range);
    this.#next = this.#range.first;
    for (const value of ownAddresses(this.block)) this.#mark(value);
    for (const text of [subnet.gateway, ...Object.values(subnet.auxiliary)]) {
      const address = text === undefined ? undefined : addressOf(text);
      if (address !== undefined && isWithin(this.block, address)) this.#mark(address.value);
    }
  }

  get family(): Family {
    return this.block.family;
  }

  /** Some free address of the range; undefined when there is none left. */
  take(): string | undefined {
    const { first, last } = this.#range;
    if (this.#takenInRange > last - first) return undefined;
    let value = this.#next;
    while (this.#taken.has(value)) value = value === last ? first : value + 1n;
    this.#next = value === last ? first : value + 1n;
    this.#mark(value);
    return this.#text(value);
  }

  /** This very one, which may lie outside of the range; undefined when it is taken or of another subnet. */
  claim(text: string): string | undefined {
    const address = addressOf(text);
    if (address === undefined || !isWithin(this.block, address) || this.#taken.has(address.value)) return undefined;
    this.#mark(address.value);
    return this.#text(address.value);
  }

  /** Of a container that runs: the next one that is given comes after it. */
  reclaim(text: string): void {
    const { value } = this.#addressOf(text);
    if (this.#isInRange(value) && value >= this.#next) this.#next = value === this.#range.last ? this.#range.first : value + 1n;
    this.#mark(value);
  }

  release(text: string): void {
    const { value } = this.#addressOf(text);
    if (this.#taken.delete(value) && this.#isInRange(value)) this.#takenInRange -= 1n;
  }

  usage(): SubnetUsage {
    const { first, last } = this.#range;
    return { subnet: `${this.#text(this.block.first)}/${this.block.prefix}`, used: BigInt(this.#taken.size), free: last - first + 1n - this.#takenInRange };
  }

  #mark(value: bigint): void {
    if (this.#taken.has(value)) return;
    this.#taken.add(value);
    if (this.#isInRange(value)) this.#takenInRange += 1n;
  }

  #isInRange(value: bigint): boolean {
    return value >= this.#range.first && value <= this.#range.last;
  }

  #addressOf(text: string): Address {
    const address = addressOf(text);
    if (address === undefined) throw new Error(`Not an address: ${JSON.stringify(text)}`);
    return address;
  }

  #text(value: bigint): string {
    return textOf({ family: this.family, value });
  }
}

/** Two addresses (RFC 3021) or one have none to spare. The first of an IPv6 subnet means any of its routers (RFC 4291, 2.6.1). */
function ownAddresses({ family, first, last }: Block): readonly bigint[] {
  if (last - first < 2n) return [];
  return family === 4 ? [first, last] : [first];
}
