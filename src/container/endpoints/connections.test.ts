import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fail, isFail } from '../../base/index.ts';
import type { NetworkRecord, Networks } from '../../network/index.ts';
import type { EndpointSettings } from '../../spec/docker/container.ts';
import { connectionsOf, hasLinks } from './connections.ts';

/** Knows three networks; an address can be asked for in `mine` only. */
const networks = {
  get: (nameOrId: string) => {
    const name = { 'mine': 'mine', 'id-of-mine': 'mine', 'bridge': 'bridge', 'none': 'none', 'host': 'host', 'other': 'other' }[nameOrId];
    if (name === undefined) throw fail('not_found', `network ${nameOrId} not found`);
    return { name } as NetworkRecord;
  },
  check: ({ network, ipv4 }) => {
    if (ipv4 !== undefined && network !== 'mine') throw fail('invalid', 'invalid endpoint settings:\nuser specified IP address is supported on user defined networks only');
    return { name: network } as NetworkRecord;
  },
} as Pick<Networks, 'get' | 'check'> as Networks;
const nothing: EndpointSettings = { IPAMConfig: null, Links: [], Aliases: [], MacAddress: '', DriverOpts: {}, GwPriority: 0 };
const asked = (NetworkMode: string, endpoints: Readonly<Record<string, Partial<EndpointSettings>>> = {}, mac = '') =>
  connectionsOf(networks, { hostConfig: { NetworkMode }, endpoints: Object.fromEntries(Object.entries(endpoints).map(([name, settings]) => [name, { ...nothing, ...settings }])), mac });
const ipv4 = (IPv4Address: string) => ({ IPAMConfig: { IPv4Address, IPv6Address: '', LinkLocalIPs: [] } });

test('connectionsOf() has the mode\'s network first, by its name, with what was asked of it', () => {
  const connections = asked('id-of-mine', { other: { Aliases: ['b'] }, mine: { Aliases: ['a'], ...ipv4('172.30.0.9'), GwPriority: 2 } }, '02:42:00:00:00:01');
  assert.deepEqual(connections.map(({ network, aliases, ipv4: address, mac, gatewayPriority }) => [network, aliases, address, mac, gatewayPriority]), [['mine', ['a'], '172.30.0.9', '02:42:00:00:00:01', 2], ['other', ['b'], undefined, undefined, 0]]);
  assert.deepEqual(asked('bridge', { default: { MacAddress: '02:42:00:00:00:02' } }, '02:42:00:00:00:01').map(({ network, mac }) => [network, mac]), [['bridge', '02:42:00:00:00:02']]);
});

test('connectionsOf() takes a network that is not there: it may be when the container starts', () => {
  assert.deepEqual(asked('later').map(({ network }) => network), ['later']);
});

test('connectionsOf() refuses what never could be, in dockerd\'s words', () => {
  const refused = (message: RegExp, ...request: Parameters<typeof asked>) => assert.throws(() => asked(...request), (error) => isFail(error) && message.test(error.message));
  refused(/^invalid config for network bridge: invalid endpoint settings:\nuser specified/, 'bridge', { bridge: ipv4('172.17.0.9') });
  refused(/in private \(none\) mode$/, 'none', { mine: {} });
  refused(/in private \(none\) mode$/, 'mine', { none: {} });
  refused(/^container sharing network namespace/, 'host', { mine: {} });
  refused(/^container sharing network namespace/, 'container:x', { mine: {} });
});

test('hasLinks() is false for loopback alone, the host\'s network and another container\'s', () => {
  assert.deepEqual(['none', 'host', 'container:x', 'bridge', 'mine'].map((mode) => hasLinks({ connections: asked(mode) })), [false, false, false, true, true]);
});
