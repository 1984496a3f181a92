import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ellipsis, portsText } from './container-rows.ts';

const tcp = (PrivatePort: number, PublicPort?: number, IP?: string): Parameters<typeof portsText>[0][number] => ({
  PrivatePort, Type: 'tcp', ...(PublicPort === undefined ? {} : { PublicPort }), ...(IP === undefined ? {} : { IP }),
});

test('portsText() writes ports in Docker\'s order', () => {
  const both = (inside: number, outside: number): ReturnType<typeof tcp>[] => [tcp(inside, outside, '::'), tcp(inside, outside, '0.0.0.0')];
  // As seen with Docker's client 28.2.
  assert.equal(portsText([...both(5, 5), ...both(6, 6), ...both(7, 7), ...both(100, 100)]), '0.0.0.0:5-7->5-7/tcp, [::]:5-7->5-7/tcp, 0.0.0.0:100->100/tcp, [::]:100->100/tcp');
  assert.equal(portsText([...both(80, 18080), tcp(443), ...both(9000, 19000), ...both(9001, 19001)]),
    '443/tcp, 0.0.0.0:18080->80/tcp, [::]:18080->80/tcp, 0.0.0.0:19000->9000/tcp, [::]:19000->9000/tcp, 0.0.0.0:19001->9001/tcp, [::]:19001->9001/tcp');
  assert.equal(portsText([tcp(7001), tcp(7000), tcp(80), tcp(7002)]), '80/tcp, 7000-7002/tcp');
  assert.equal(portsText([]), '');
});

test('ellipsis() counts characters, not bytes', () => {
  assert.equal(ellipsis('sleep 1000', 10), 'sleep 1000');
  assert.equal(ellipsis('éééééééé', 5), 'éééé…');
});
