// Addresses and blocks of them as numbers, so that ranges can be counted, compared and walked through.
import { isIP } from 'node:net';
import { formatAddress, parseAddress } from '../../kernel/index.ts';

export type Family = 4 | 6;

export interface Address {
  readonly family: Family;
  readonly value: bigint;
}

/** The addresses that share their first `prefix` bits. */
export interface Block {
  readonly family: Family;
  readonly first: bigint;
  readonly last: bigint;
  readonly prefix: number;
}

/** Undefined for what is no address; one of a zone (`fe80::1%eth0`) is none. */
export function addressOf(text: string): Address | undefined {
  if (isIP(text) === 0 || text.includes('%')) return undefined;
  const { bytes } = parseAddress(text);
  return { family: bytes.length === 4 ? 4 : 6, value: BigInt(`0x${Buffer.from(bytes).toString('hex')}`) };
}

export function textOf({ family, value }: Address): string {
  return formatAddress(Buffer.from(value.toString(16).padStart(bitsOf(family) / 4, '0'), 'hex'));
}

/** Of `10.1.2.3/16`: the address as it stands there, and the block that it lies in. Undefined for what is none. */
export function prefixedOf(text: string): { readonly address: Address; readonly block: Block } | undefined {
  const [, before = '', length = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const address = addressOf(before);
  if (address === undefined || Number(length) > bitsOf(address.family)) return undefined;
  return { address, block: blockAround(address, Number(length)) };
}

/** For blocks that were checked before. */
export function blockOf(text: string): Block {
  const parsed = prefixedOf(text);
  if (parsed === undefined) throw new Error(`Not a block of addresses: ${JSON.stringify(text)}`);
  return parsed.block;
}

export function blockAround({ family, value }: Address, prefix: number): Block {
  const hostBits = BigInt(bitsOf(family) - prefix);
  const first = value >> hostBits << hostBits;
  return { family, first, last: first + (1n << hostBits) - 1n, prefix };
}

export function blockText({ family, first, prefix }: Block): string {
  return `${textOf({ family, value: first })}/${prefix}`;
}

export function bitsOf(family: Family): 32 | 128 {
  return family === 4 ? 32 : 128;
}

export function isWithin(block: Block, inner: Address | Block): boolean {
  if (inner.family !== block.family) return false;
  return 'value' in inner ? inner.value >= block.first && inner.value <= block.last : inner.first >= block.first && inner.last <= block.last;
}

export function overlap(one: Block, other: Block): boolean {
  return one.family === other.family && one.first <= other.last && other.first <= one.last;
}
