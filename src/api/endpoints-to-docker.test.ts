import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerRecord } from '../engine/index.ts';
import { toNetworkSettings, toNetworksOfRow, toPortRows } from './endpoints-to-docker.ts';

const connection = { network: 'bridge', aliases: [], links: [], linkLocal: [], driverOptions: {}, gatewayPriority: 0 };
const endpoint = { id: 'e'.repeat(64), networkId: 'n'.repeat(64), network: 'bridge', interface: 'eth0', hostLink: 'ev1', mac: '02:42:ac:11:00:02', ipv4: '172.17.0.2/16', linkLocal: [], gateway4: '172.17.0.1', dnsNames: ['x'] };
const port = (hostAddress: string) => ({ protocol: 'tcp', containerPort: 80, hostAddress, hostPort: 8080, mode: 'nat' });
const record = (state: object, connections: readonly object[] = [connection]) => ({ id: 'c'.repeat(64), connections, state, config: { ExposedPorts: { '80/tcp': {}, '90/udp': {} } } }) as unknown as ContainerRecord;
const running = record({ status: 'running', pid: 7, membership: { endpoints: [endpoint], ports: [port('0.0.0.0'), port('::')], hasResolver: false } });
const idOf = (name: string) => `id of ${name}`;

test('toNetworkSettings() of a running container: its endpoint, once more in the old fields, and its ports', () => {
  const settings = toNetworkSettings(running, idOf);
  assert.deepEqual(settings.Ports, { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }, { HostIp: '::', HostPort: '8080' }], '90/udp': null });
  assert.deepEqual([settings.IPAddress, settings.IPPrefixLen, settings.Gateway, settings.MacAddress, settings.EndpointID, settings.SandboxKey], ['172.17.0.2', 16, '172.17.0.1', endpoint.mac, endpoint.id, '/proc/7/ns/net']);
  const { bridge } = settings.Networks;
  assert.deepEqual([bridge?.NetworkID, bridge?.IPAddress, bridge?.DNSNames, bridge?.IPAMConfig], [endpoint.networkId, '172.17.0.2', null, null]);
});

test('toNetworkSettings() tells what was asked for, and the old fields of the default network only', () => {
  const mine = { ...connection, network: 'mine', aliases: ['a'], ipv4: '172.18.0.9', driverOptions: { x: 'y' } };
  const settings = toNetworkSettings(record({ status: 'running', pid: 7, membership: { endpoints: [{ ...endpoint, network: 'mine' }], ports: [], hasResolver: true } }, [mine]), idOf);
  assert.deepEqual([settings.IPAddress, settings.EndpointID, settings.Ports], ['', '', { '80/tcp': null, '90/udp': null }]);
  const view = settings.Networks['mine'];
  assert.deepEqual([view?.Aliases, view?.IPAMConfig, view?.DriverOpts, view?.DNSNames, view?.IPAddress], [['a'], { IPv4Address: '172.18.0.9' }, { x: 'y' }, ['x'], '172.17.0.2']);
});

test('toNetworkSettings() of one that does not run has no addresses; after a run it still knows its network', () => {
  const ended = toNetworkSettings(record({ status: 'exited' }), idOf);
  assert.deepEqual([ended.Ports, ended.SandboxID, ended.Networks['bridge']?.NetworkID, ended.Networks['bridge']?.IPAddress], [{}, '', 'id of bridge', '']);
  assert.equal(toNetworkSettings(record({ status: 'created' }), idOf).Networks['bridge']?.NetworkID, '');
  assert.deepEqual(toNetworkSettings(record({ status: 'running', pid: 7 }, []), idOf).Networks, {});
});

test('rows of ps have published ports with addresses, exposed ones without', () => {
  assert.deepEqual(toPortRows(running), [{ PrivatePort: 90, Type: 'udp' }, { IP: '0.0.0.0', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' }, { IP: '::', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' }]);
  assert.equal(toNetworksOfRow(running, idOf)['bridge']?.IPAddress, '172.17.0.2');
});
