import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PublishedPort } from '../../network/index.ts';
import { changedBindings, openPortsOf, portRequestsOf } from './published.ts';

const at = (HostPort: string, HostIp = '') => ({ HostIp, HostPort });

test('portRequestsOf() takes bindings in the order of their ports, and each exposed port without one for -P', () => {
  const bound = { '443/tcp': [at('8443')], '53/udp': [at('', '127.0.0.1'), at('5300-5310')], '9/tcp': [] };
  const wish = (containerPort: number, protocol: string, hostAddress: string, first: number, last: number) => ({ protocol, containerPort, hostAddress, hostPorts: [first, last] });
  const asked = [wish(53, 'udp', '127.0.0.1', 0, 0), wish(53, 'udp', '', 5300, 5310), wish(443, 'tcp', '', 8443, 8443)];
  assert.deepEqual(portRequestsOf({ PortBindings: bound, PublishAllPorts: false }, { '80/tcp': {} }), asked);
  const all = portRequestsOf({ PortBindings: bound, PublishAllPorts: true }, { '80-81/tcp': {}, '443/tcp': {}, '9/tcp': {} });
  assert.deepEqual(all, [wish(9, 'tcp', '', 0, 0), asked[0], asked[1], wish(80, 'tcp', '', 0, 0), wish(81, 'tcp', '', 0, 0), asked[2]]);
});

test('changedBindings() takes what is named, all of a port where nothing more is said, and adds the rest', () => {
  const before = { '80/tcp': [at('8080'), at('8081')], '53/udp': [at('53', '127.0.0.1')] };
  assert.deepEqual(changedBindings(before, { '80/tcp': [at('9090')] }, { '80/tcp': [at('8081')], '53/udp': [] }), { '80/tcp': [at('8080'), at('9090')] });
  assert.deepEqual(changedBindings(before, {}, { '80/tcp': [at('1')] }), before);
});

test('openPortsOf() finds what an unpublish means, of both families', () => {
  const open = (containerPort: number, hostAddress: string, hostPort: number): PublishedPort => ({ protocol: 'tcp', containerPort, hostAddress, hostPort, mode: 'nat' });
  const ports = [open(80, '0.0.0.0', 8080), open(80, '::', 8080), open(80, '127.0.0.1', 81), open(81, '0.0.0.0', 80)];
  assert.deepEqual(openPortsOf(ports, { '80/tcp': [at('8080')] }), ports.slice(0, 2));
  assert.deepEqual(openPortsOf(ports, { '80/tcp': [] }), ports.slice(0, 3));
  assert.deepEqual(openPortsOf(ports, { '80/tcp': [at('', '127.0.0.1')], '80/udp': [] }), [ports[2]]);
});
