import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { addressOf, blockAround, blockOf, blockText, isWithin, textOf } from './block.ts';
import { freeSubnet4, freeSubnet6 } from './default-pools.ts';
import { AddressPool } from './pool.ts';

test('addresses go to numbers and back', () => {
  for (const text of ['0.0.0.0', '172.17.0.2', '255.255.255.255', '::', 'fd00::2', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff']) assert.equal(textOf(addressOf(text)!), text);
  for (const text of ['', 'x', '1.2.3', '1.2.3.4/8', 'fe80::1%eth0']) assert.equal(addressOf(text), undefined);
  assert.equal(blockText(blockAround(addressOf('10.1.2.3')!, 20)), '10.1.0.0/20');
});

/** A subnet, a range in it or none, and addresses that it keeps. */
const subnet = fc.record({
  base: fc.nat({ max: 0xffff }), prefix: fc.integer({ min: 20, max: 32 }), rangeBits: fc.option(fc.nat({ max: 4 })), rangeAt: fc.nat(), kept: fc.array(fc.nat(), { maxLength: 4 }), isIpv6: fc.boolean(),
}).map(({ base, prefix, rangeBits, rangeAt, kept, isIpv6 }) => {
  const family = isIpv6 ? 6 as const : 4 as const;
  const length = isIpv6 ? prefix + 96 : prefix;
  const block = blockAround({ family, value: isIpv6 ? (0xfd00n << 112n) + BigInt(base) : (10n << 24n) + BigInt(base) }, length);
  const inside = (number: number): string => textOf({ family, value: block.first + BigInt(number) % (block.last - block.first + 1n) });
  const rangeLength = Math.min(length + (rangeBits ?? 0), isIpv6 ? 128 : 32);
  return {
    subnet: blockText(block), range: rangeBits === null ? undefined : blockText(blockAround(addressOf(inside(rangeAt))!, rangeLength)),
    gateway: kept[0] === undefined ? undefined : inside(kept[0]), auxiliary: Object.fromEntries(kept.slice(1).map((number, index) => [`a${index}`, inside(number)])),
  };
});
const steps = fc.array(fc.oneof(fc.constant('take' as const), fc.nat().map((number) => ({ release: number })), fc.nat().map((number) => ({ claim: number }))), { maxLength: 120 });

test('a pool never gives an address twice, nor one that is kept, nor one outside of its range; what is given back is given again', () => {
  fc.assert(fc.property(subnet, steps, (given, todo) => {
    const pool = new AddressPool(given);
    const block = blockOf(given.subnet);
    const range = given.range === undefined ? block : blockOf(given.range);
    const size = block.last - block.first + 1n;
    const own = size <= 2n ? [] : block.family === 4 ? [block.first, block.last] : [block.first];
    const kept = new Set([...own.map((value) => textOf({ family: block.family, value })), ...[given.gateway, ...Object.values(given.auxiliary)].filter((one) => one !== undefined)]);
    const held = new Set<string>();
    for (const step of todo) {
      if (step === 'take') {
        const address = pool.take();
        if (address === undefined) {
          for (let value = range.first; value <= range.last; value += 1n) assert.ok(held.has(textOf({ family: block.family, value })) || kept.has(textOf({ family: block.family, value })), 'it says that it is empty and is not');
          continue;
        }
        assert.ok(!held.has(address) && !kept.has(address) && isWithin(range, addressOf(address)!), address);
        held.add(address);
      } else if ('release' in step) {
        const address = [...held][step.release % Math.max(1, held.size)];
        if (address !== undefined) { pool.release(address); held.delete(address); }
      } else {
        const address = textOf({ family: block.family, value: block.first + BigInt(step.claim) % size });
        assert.equal(pool.claim(address), held.has(address) || kept.has(address) ? undefined : address);
        held.add(address);
        if (kept.has(address)) held.delete(address);
      }
    }
    assert.equal(pool.usage().used, BigInt(held.size + kept.size));
  }), { numRuns: 300 });
});

test('an address that was given back comes last', () => {
  const pool = new AddressPool({ subnet: '10.0.0.0/29', gateway: '10.0.0.1', auxiliary: {} });
  const taken = [pool.take(), pool.take()];
  pool.release('10.0.0.2');
  assert.deepEqual([...taken, pool.take(), pool.take(), pool.take(), pool.take(), pool.take()], ['10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6', '10.0.0.2', undefined]);
});

test('reclaim(): after a new start of the daemon the next address is a new one', () => {
  const pool = new AddressPool({ subnet: '10.0.0.0/24', gateway: '10.0.0.1', auxiliary: {} });
  pool.reclaim('10.0.0.7');
  pool.reclaim('10.0.0.3');
  assert.deepEqual([pool.take(), pool.claim('10.0.0.3')], ['10.0.0.8', undefined]);
});

test('usage() counts what is taken and what is left of the range', () => {
  const pool = new AddressPool({ subnet: '10.0.0.0/24', range: '10.0.0.128/25', gateway: '10.0.0.1', auxiliary: { a: '10.0.0.129' } });
  assert.deepEqual(pool.usage(), { subnet: '10.0.0.0/24', used: 4n, free: 126n });
});

test('default pools: the next one that overlaps with nothing, or none', () => {
  const blocks = (...texts: string[]): ReturnType<typeof blockOf>[] => texts.map(blockOf);
  assert.equal(freeSubnet4([]), '172.17.0.0/16');
  assert.equal(freeSubnet4(blocks('172.16.0.0/12')), '192.168.0.0/20');
  assert.equal(freeSubnet4(blocks('172.17.5.0/24', '172.18.0.0/15')), '172.20.0.0/16');
  assert.equal(freeSubnet4(blocks('172.17.0.0/24'), 24), '172.17.1.0/24');
  assert.equal(freeSubnet4(blocks('172.16.0.0/12', '192.168.0.0/16')), undefined);
  const own = freeSubnet6('engine', [])!;
  assert.match(own, /^fd[0-9a-f]{2}:[0-9a-f:]+\/64$/);
  assert.notEqual(freeSubnet6('engine', blocks(own)), own);
  assert.notEqual(freeSubnet6('another', []), own);
});
