import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerId } from '../../base/index.ts';
import type { Endpoint, NetworkId } from '../network.ts';
import { Directory } from './directory.ts';
import type { Named } from './dns.ts';

const id = (text: string): ContainerId => text as ContainerId;

function named(container: string, network: string, ipv4: string, dnsNames: readonly string[], { links = {}, ipv6 }: { readonly links?: Readonly<Record<string, string>>; readonly ipv6?: string } = {}): Named {
  const endpoint: Endpoint = { id: '', networkId: network as NetworkId, network, interface: 'eth0', hostLink: '', mac: '', ipv4, ipv6, linkLocal: [], dnsNames };
  return { containerId: id(container), networkId: network as NetworkId, endpoint, links: new Map(Object.entries(links).map(([name, target]) => [name, id(target)])) };
}

test('find() knows names, aliases and ids of those in the same network, in any letters', () => {
  const directory = new Directory();
  directory.add(named('a', 'front', '10.0.0.2/16', ['Web', 'aaaa', 'www'], { ipv6: 'fd00::2/64' }));
  directory.add(named('b', 'front', '10.0.0.3/16', ['db', 'bbbb', 'www']));
  directory.add(named('c', 'back', '10.1.0.2/16', ['hidden']));
  assert.deepEqual(directory.find(id('b'), 'web'), { ipv4: ['10.0.0.2'], ipv6: ['fd00::2'] });
  assert.deepEqual(directory.find(id('a'), 'www'), { ipv4: ['10.0.0.2', '10.0.0.3'], ipv6: ['fd00::2'] }, 'all who have the name');
  assert.deepEqual(directory.find(id('b'), 'web.front')?.ipv4, ['10.0.0.2']);
  assert.equal(directory.find(id('b'), 'hidden'), undefined);
  assert.equal(directory.find(id('b'), 'hidden.back'), undefined, 'not in that network');
  assert.equal(directory.find(id('z'), 'web'), undefined, 'a stranger');
});

test('find(): links are for their owner alone, and go before names', () => {
  const directory = new Directory();
  directory.add(named('a', 'n', '10.0.0.2/16', ['a', 'db']));
  directory.add(named('b', 'n', '10.0.0.3/16', ['b']));
  directory.add(named('c', 'n', '10.0.0.4/16', ['c'], { links: { db: 'b' } }));
  assert.deepEqual(directory.find(id('c'), 'db')?.ipv4, ['10.0.0.3']);
  assert.deepEqual(directory.find(id('b'), 'db')?.ipv4, ['10.0.0.2']);
  directory.remove(id('b'), 'n' as NetworkId);
  assert.deepEqual(directory.find(id('c'), 'db')?.ipv4, ['10.0.0.2'], 'who is linked is gone: the name means whom it means for all');
});

test('add() replaces, remove() forgets, and others with the same name stay', () => {
  const directory = new Directory();
  directory.add(named('a', 'n', '10.0.0.2/16', ['one', 'all']));
  directory.add(named('b', 'n', '10.0.0.3/16', ['two', 'all']));
  directory.add(named('a', 'n', '10.0.0.9/16', ['renamed', 'all']));
  assert.equal(directory.find(id('b'), 'one'), undefined);
  assert.deepEqual(directory.find(id('b'), 'renamed')?.ipv4, ['10.0.0.9']);
  assert.deepEqual(directory.nameOf(id('b'), '10.0.0.2'), []);
  directory.remove(id('a'), 'n' as NetworkId);
  directory.remove(id('a'), 'n' as NetworkId);
  assert.deepEqual(directory.find(id('b'), 'all')?.ipv4, ['10.0.0.3']);
  assert.equal(directory.find(id('a'), 'all'), undefined);
});

test('nameOf() gives full names of addresses of both families, to those in the network', () => {
  const directory = new Directory();
  directory.add(named('a', 'front', '10.0.0.2/16', ['web', 'aaaa'], { ipv6: 'fd00:0:0::2/64' }));
  directory.add(named('b', 'back', '10.0.0.2/16', ['other']));
  assert.deepEqual(directory.nameOf(id('a'), '10.0.0.2'), ['web.front', 'aaaa.front']);
  assert.deepEqual(directory.nameOf(id('a'), 'fd00::2'), ['web.front', 'aaaa.front']);
  assert.deepEqual(directory.nameOf(id('b'), 'fd00::2'), []);
});
