// Where subnets come from that nobody asked for: Docker's pools for IPv4, and for IPv6 the engine's own /48 of unique local addresses.
import { createHash } from 'node:crypto';
import { blockAround, blockOf, blockText, overlap, type Block } from './block.ts';

/** As dockerd's default-address-pools: blocks, and the prefix lengths that they are cut into. */
const pools: readonly (readonly [block: Block, prefix: number])[] = ([
  ['172.17.0.0/16', 16], ['172.18.0.0/16', 16], ['172.19.0.0/16', 16], ['172.20.0.0/14', 16], ['172.24.0.0/14', 16], ['172.28.0.0/14', 16], ['192.168.0.0/16', 20],
] as const).map(([block, prefix]) => [blockOf(block), prefix]);

/** The next free one of the pools, of their own size or of `prefix`; undefined when all are given or overlap with `others`. */
export function freeSubnet4(others: readonly Block[], wanted?: number): string | undefined {
  for (const [pool, prefix] of pools) {
    const found = freeWithin(pool, wanted ?? prefix, others);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The same in the engine's /48. Source: RFC 4193, 3.2: 40 bits that nobody else has chosen. */
export function freeSubnet6(engineId: string, others: readonly Block[], wanted = 64): string | undefined {
  const globalId = createHash('sha256').update(engineId).digest().subarray(0, 5);
  const own = blockAround({ family: 6, value: BigInt(`0xfd${globalId.toString('hex')}`) << 80n }, 48);
  return freeWithin(own, wanted, others);
}

/** Jumps over what is in the way as a whole: a large neighbour costs one step. */
function freeWithin(pool: Block, prefix: number, others: readonly Block[]): string | undefined {
  if (prefix < pool.prefix) return undefined;
  for (let first = pool.first; first <= pool.last;) {
    const candidate = blockAround({ family: pool.family, value: first }, prefix);
    const obstacle = others.find((other) => overlap(candidate, other));
    if (obstacle === undefined) return blockText(candidate);
    first = (obstacle.last > candidate.last ? blockAround({ family: pool.family, value: obstacle.last }, prefix).last : candidate.last) + 1n;
  }
  return undefined;
}
