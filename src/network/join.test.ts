// What containers get of networks, with a fabric and a resolver that only remember.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connection, fakeNetworks, request, sandbox, subnets } from './fakes.fixture.ts';
import type { PortRequest } from './network.ts';

const port = (containerPort: number, first: number, more: Partial<PortRequest> = {}): PortRequest => ({ protocol: 'tcp', containerPort, hostAddress: '', hostPorts: [first, first], ...more });

test('join() in the default network makes its link, gives address, way out and ports; leave() takes all of it back', async () => {
  await using fakes = fakeNetworks();
  const { networks, fabric, dns, told } = fakes;
  const { endpoints, ports, hasResolver } = await networks.join(sandbox(1), [connection('bridge')], [port(80, 8080)]);
  const [endpoint] = endpoints;
  assert.deepEqual([endpoint!.interface, endpoint!.ipv4, endpoint!.gateway4, endpoint!.dnsNames], ['eth0', '172.17.0.2/16', '172.17.0.1', []]);
  assert.match(endpoint!.mac, /^[0-9a-f][26ae](:[0-9a-f]{2}){5}$/);
  assert.match(endpoint!.hostLink, /^ev[0-9a-f]{13}$/);
  assert.deepEqual(ports, [{ protocol: 'tcp', containerPort: 80, hostAddress: '0.0.0.0', hostPort: 8080, mode: 'nat' }]);
  assert.equal(hasResolver, false);
  assert.deepEqual(fabric.calls, ['make estiva0', 'close', 'plug eth0', 'open']);
  assert.deepEqual([...fabric.forwards], ['0.0.0.0 8080 > 172.17.0.2 80 tcp estiva0']);
  networks.leave(sandbox(1).containerId);
  assert.deepEqual([[...fabric.forwards], [...fabric.links], networks.members(networks.get('bridge').id), dns.named], [[], [], [], []]);
  assert.deepEqual(told.map(({ kind }) => kind), ['connect', 'disconnect']);
  const again = await networks.join(sandbox(2), [connection('bridge')], [port(80, 8080)]);
  assert.equal(again.endpoints[0]!.ipv4, '172.17.0.3/16', 'not the one that was just given back');
});

test('the default network goes out of the way of whoever took its name or its addresses meanwhile', async () => {
  await using fakes = fakeNetworks();
  const { networks, host } = fakes;
  host.aliases.set('estiva0', 'estiva another-engine network x');
  host.taken = ['172.17.0.1/16', '172.18.0.0/16'];
  const { endpoints } = await networks.join(sandbox(1), [connection('bridge')], []);
  assert.deepEqual([endpoints[0]!.ipv4, networks.get('bridge').link, networks.get('bridge').options['com.docker.network.bridge.name']], ['172.19.0.2/16', 'estiva1', 'estiva1']);
});

test('in networks of users names are answered: name, aliases, id, host name', async () => {
  await using fakes = fakeNetworks();
  const { networks, dns } = fakes;
  networks.create(request('front'));
  networks.create(request('back', { internal: true }));
  const one = sandbox(1, 'web');
  const { endpoints, hasResolver } = await networks.join({ ...one, hostname: 'www', dnsServers: ['9.9.9.9'] }, [connection('front', { aliases: ['a', 'web'] }), connection('back')], []);
  assert.deepEqual([hasResolver, endpoints.map(({ dnsNames }) => dnsNames)], [true, [['web', 'a', '111111111111', 'www'], ['web', '111111111111', 'www']]]);
  assert.deepEqual([[...dns.served.values()], dns.closedOff.get(one.containerId), dns.named.length], [[['9.9.9.9']], false, 2]);
  assert.deepEqual(networks.rename(one.containerId, 'shop')?.endpoints[0]!.dnsNames, ['shop', 'a', 'web', '111111111111', 'www']);
  const after = await networks.disconnect({ ...one, hostname: 'www' }, networks.get('front').id);
  assert.deepEqual([after.endpoints.map(({ network }) => network), dns.closedOff.get(one.containerId), dns.named.length], [['back'], true, 1]);
});

test('links are answered to whoever has them, also when their container comes later', async () => {
  await using fakes = fakeNetworks();
  const { networks, dns } = fakes;
  networks.create(request('front'));
  await networks.join(sandbox(1), [connection('front', { links: ['c2:db', 'nobody:x'] })], []);
  await networks.join(sandbox(2), [connection('front')], []);
  assert.deepEqual([...dns.named.find(({ containerId }) => containerId === sandbox(1).containerId)!.links], [['db', sandbox(2).containerId]]);
});

test('wanted addresses are given once, and it is said who has them', async () => {
  await using fakes = fakeNetworks();
  const { networks } = fakes;
  networks.create(request('small', { ipam: subnets('10.44.0.0/29') }));
  const { endpoints } = await networks.join(sandbox(1, 'web'), [connection('small', { ipv4: '10.44.0.4', mac: '02:00:00:00:00:01' })], []);
  assert.deepEqual([endpoints[0]!.ipv4, endpoints[0]!.mac], ['10.44.0.4/29', '02:00:00:00:00:01']);
  await assert.rejects(networks.join(sandbox(2), [connection('small', { ipv4: '10.44.0.4' })], []), { kind: 'conflict', message: 'Address already in use', hint: '10.44.0.4 of network "small" is held by container "web"' });
  for (const number of [3, 4, 5, 6]) await networks.join(sandbox(number), [connection('small')], []);
  await assert.rejects(networks.join(sandbox(7), [connection('small')], []), { kind: 'conflict', message: new RegExp(`no available IPv4 addresses on this network's address pools: small \\(${networks.get('small').id}\\)`) });
});

const wrong: readonly (readonly [what: string, asked: Parameters<typeof connection>, message: string])[] = [
  ['an address in the default network', ['bridge', { ipv4: '172.17.0.9' }], 'user specified IP address is supported on user defined networks only'],
  ['an alias in the default network', ['bridge', { aliases: ['x'] }], 'network-scoped aliases are only supported for user-defined networks'],
  ['an address of a subnet that nobody chose', ['auto', { ipv4: '172.18.0.9' }], 'user specified IP address is supported only when connecting to networks with user configured subnets'],
  ['an address elsewhere', ['own', { ipv4: '10.44.9.2' }], 'no configured subnet or ip-range contain the IP address 10.44.9.2'],
  ['what is no address', ['own', { ipv4: 'zz' }], '* invalid IPv4 address: zz\n* no configured subnet or ip-range contain the IP address zz'],
  ['IPv6 where there is none', ['own', { ipv6: 'fd00::1' }], 'user specified IP address is supported only when connecting to networks with user configured subnets'],
  ['a link-local address that is none', ['own', { linkLocal: ['x'] }], 'invalid link-local IP address: x'],
];

for (const [what, asked, message] of wrong) {
  test(`check() refuses ${what}`, async () => {
    await using fakes = fakeNetworks();
    fakes.networks.create(request('auto'));
    fakes.networks.create(request('own', { ipam: subnets('10.44.0.0/24') }));
    assert.throws(() => fakes.networks.check(connection(...asked)), { kind: 'invalid', message: `invalid endpoint settings:\n${message}` });
    assert.equal(fakes.networks.check(connection('own', { ipv4: '10.44.0.7' })).name, 'own');
  });
}

test('a port that is taken: it is said by whom, and nothing is left of the start that wanted it', async () => {
  await using fakes = fakeNetworks();
  const { networks, host, fabric } = fakes;
  await networks.join(sandbox(1, 'web'), [connection('bridge')], [port(80, 8080)]);
  const before = [[...fabric.links], [...fabric.forwards]];
  await assert.rejects(networks.join(sandbox(2, 'two'), [connection('bridge')], [port(80, 9000), port(81, 8080)]), { kind: 'conflict', hint: 'Container "web" has it', message: /^driver failed programming external connectivity on endpoint two \([0-9a-f]{64}\): Bind for 0\.0\.0\.0:8080 failed: port is already allocated$/ });
  host.listening.add('tcp 7000');
  await assert.rejects(networks.join(sandbox(2), [connection('bridge')], [port(80, 7000, { hostAddress: '127.0.0.1' })]), { kind: 'conflict', message: /failed to bind host port for 127\.0\.0\.1:7000:172\.17\.0\.\d+:80\/tcp: address already in use$/ });
  await assert.rejects(networks.join(sandbox(2), [connection('bridge')], [port(80, 7001, { hostAddress: '9.9.9.9' })]), { message: /for 9\.9\.9\.9:7001:.*: cannot assign requested address$/ });
  assert.deepEqual([[...fabric.links], [...fabric.forwards]], before);
  await networks.join(sandbox(2), [connection('bridge')], [port(80, 9000), port(81, 8080, { protocol: 'udp' })]);
  assert.equal(networks.members(networks.get('bridge').id).length, 2);
});

test('ports: any free one, one of a range, the same for both families, at the address that the network says', async () => {
  await using fakes = fakeNetworks();
  const { networks, host } = fakes;
  networks.create(request('both', { ipv6: true }));
  networks.create(request('local', { options: { 'com.docker.network.bridge.host_binding_ipv4': '127.0.0.1' } }));
  host.listening.add('tcp 40000');
  const published = async (number: number, network: string, ...asked: PortRequest[]): Promise<readonly string[]> => (await networks.join(sandbox(number), [connection(network)], asked)).ports.map(({ hostAddress, hostPort }) => `${hostAddress} ${hostPort}`);
  assert.deepEqual(await published(1, 'both', port(80, 0)), ['0.0.0.0 40001', ':: 40001']);
  assert.deepEqual(await published(2, 'bridge', port(80, 0), port(81, 0)), ['0.0.0.0 40002', '0.0.0.0 40003']);
  await assert.rejects(published(3, 'bridge', port(80, 0)), /all ports are allocated/);
  assert.deepEqual(await published(3, 'local', port(80, 40_001, { hostPorts: [40_001, 40_009] })), ['127.0.0.1 40004']);
  await assert.rejects(published(4, 'local', port(80, 0, { hostPorts: [40_001, 40_002] })), /Bind for 127\.0\.0\.1:40001-40002 failed: port is already allocated/);
  assert.deepEqual(await published(4, 'bridge', port(80, 50_000, { hostAddress: '::' })), [':: 50000'], 'from IPv6 to IPv4 a socket copies');
});

test('connect() and disconnect(): the way out moves, and the ports with it', async () => {
  await using fakes = fakeNetworks();
  const { networks, fabric } = fakes;
  networks.create(request('a', { ipam: subnets('10.1.0.0/24') }));
  networks.create(request('b', { ipam: subnets('10.2.0.0/24') }));
  networks.create(request('inside', { internal: true, ipam: subnets('10.3.0.0/24') }));
  const one = sandbox(1);
  const alone = await networks.join(one, [connection('inside')], [port(80, 8080)]);
  assert.deepEqual([alone.ports, alone.endpoints[0]!.gateway4], [[], undefined]);
  const second = await networks.connect(one, connection('b'));
  assert.deepEqual([second.ports.length, second.endpoints.map((endpoint) => [endpoint.interface, endpoint.gateway4])], [1, [['eth0', undefined], ['eth1', '10.2.0.1']]]);
  assert.deepEqual([...fabric.forwards], ['0.0.0.0 8080 > 10.2.0.2 80 tcp br']);
  await networks.connect(one, connection('a'));
  assert.deepEqual([...fabric.links], [['eth0 10.3.0.2/24', false], ['eth1 10.2.0.2/24', false], ['eth2 10.1.0.2/24', true]], 'of equals the name that comes first');
  assert.deepEqual([...fabric.forwards], ['0.0.0.0 8080 > 10.1.0.2 80 tcp br']);
  await assert.rejects(networks.connect(one, connection('a')), { kind: 'denied', message: 'endpoint with name c1 already exists in network a' });
  const back = await networks.disconnect(one, networks.get('a').id);
  assert.deepEqual([back.endpoints.map(({ gateway4 }) => gateway4), [...fabric.forwards]], [[undefined, '10.2.0.1'], ['0.0.0.0 8080 > 10.2.0.2 80 tcp br']]);
  await networks.disconnect(one, networks.get('b').id);
  assert.deepEqual([...fabric.forwards], []);
  await networks.join(sandbox(2), [connection('bridge')], [port(80, 8080)]);
});

test('a family of addresses that comes with a later network has the published ports, too, under the same number, and loses them again', async () => {
  await using fakes = fakeNetworks();
  const { networks, fabric } = fakes;
  networks.create(request('four'));
  networks.create(request('six', { ipv6: true }));
  const web = sandbox(1, 'web');
  const { ports: [before] } = await networks.join(web, [connection('four')], [port(80, 0)]);
  const { ports } = await networks.connect(web, connection('six'));
  assert.deepEqual(ports.map(({ hostAddress, hostPort }) => [hostAddress, hostPort]), [['0.0.0.0', before!.hostPort], ['::', before!.hostPort]]);
  assert.equal([...fabric.forwards].filter((forward) => forward.startsWith(':: ')).length, 1);
  const after = await networks.disconnect(web, networks.get('six').id);
  assert.deepEqual(after.ports, [before]);
});

test('the gateway priority decides before the name', async () => {
  await using fakes = fakeNetworks();
  const { networks } = fakes;
  networks.create(request('a'));
  networks.create(request('b'));
  const { endpoints } = await networks.join(sandbox(1), [connection('a'), connection('b', { gatewayPriority: 1 })], []);
  assert.deepEqual(endpoints.map(({ gateway4 }) => gateway4), [undefined, '172.19.0.1']);
});

for (const failAt of ['plug eth1', 'way eth0 false', 'open']) {
  test(`connect() that fails at "${failAt}" leaves everything as it was`, async () => {
    await using fakes = fakeNetworks();
    const { networks, fabric } = fakes;
    networks.create(request('a', { ipam: subnets('10.1.0.0/29') }));
    networks.create(request('b'));
    const one = sandbox(1);
    await networks.join(one, [connection('b')], [port(80, 8080)]);
    const [links, forwards, members] = [[...fabric.links], [...fabric.forwards], networks.members(networks.get('b').id)];
    fabric.failAt = failAt;
    await assert.rejects(networks.connect(one, connection('a')), /failed at/);
    assert.deepEqual([[...fabric.links], [...fabric.forwards], networks.members(networks.get('b').id), networks.usage(networks.get('a').id)[0]!.free], [links, forwards, members, 5n]);
  });
}

test('publish() and unpublish() while it runs', async () => {
  await using fakes = fakeNetworks();
  const { networks, fabric } = fakes;
  networks.create(request('both', { ipv6: true }));
  const one = sandbox(1);
  await networks.join(one, [connection('both')], [port(80, 8080)]);
  const { ports } = await networks.publish(one, [port(81, 8081)], 'host-socket');
  assert.deepEqual(ports.map(({ hostAddress, hostPort, mode }) => `${hostAddress} ${hostPort} ${mode}`), ['0.0.0.0 8080 nat', ':: 8080 nat', '0.0.0.0 8081 host-socket', ':: 8081 host-socket']);
  const left = await networks.unpublish(one, [ports[0]!, ports[2]!, ports[3]!]);
  assert.deepEqual([left.ports, fabric.forwards.size], [[ports[1]!], 1]);
  await networks.join(sandbox(2), [connection('bridge')], [port(80, 8080), port(81, 8081)]);
});

test('restore(): addresses and ports are taken again, and the next connect knows what was asked for', async () => {
  const first = fakeNetworks();
  first.networks.create(request('a', { ipam: subnets('10.1.0.0/24') }));
  const asked = [connection('bridge'), connection('a', { gatewayPriority: 5 })];
  const membership = await first.networks.join(sandbox(1), asked, [port(80, 8080)]);
  await using again = first.reopen();
  const { networks, fabric, dns } = again;
  networks.restore(sandbox(1), asked, [port(80, 8080)], membership);
  networks.reconcile();
  assert.deepEqual([fabric.calls, [...dns.served.keys()], dns.named.length], [['reconcile a,bridge 2 1'], [sandbox(1).containerId], 1]);
  await assert.rejects(networks.join(sandbox(2), [connection('bridge')], [port(80, 8080)]), /port is already allocated/);
  const { endpoints } = await networks.join(sandbox(2), [connection('bridge')], []);
  assert.equal(endpoints[0]!.ipv4, '172.17.0.4/16', 'after the one of the start that failed');
  networks.create(request('c'));
  const after = await networks.connect(sandbox(1), connection('c'));
  assert.deepEqual([after.ports, after.endpoints.map(({ gateway4 }) => gateway4)], [membership.ports, [undefined, '10.1.0.1', undefined]]);
});

test('mend(): a link that went before its record did is made again, a way out that was given ahead of it is taken back', async () => {
  const first = fakeNetworks();
  for (const name of ['a', 'b']) first.networks.create(request(name, { ipam: subnets(name === 'a' ? '10.1.0.0/24' : '10.2.0.0/24') }));
  const asked = [connection('a', { gatewayPriority: 5 }), connection('b')];
  const membership = await first.networks.join(sandbox(1), asked, []);
  await using again = first.reopen();
  const { networks, fabric } = again;
  const [a, b] = membership.endpoints.map(({ interface: name, ipv4 }) => `${name} ${ipv4}`) as [string, string];
  // The daemon died in a disconnect from `a`.
  fabric.links.set(b, true);
  networks.restore(sandbox(1), asked, [], membership);
  networks.reconcile();
  networks.mend(sandbox(1));
  assert.deepEqual([...fabric.links], [[b, false], [a, true]]);
  networks.mend(sandbox(1));
  assert.deepEqual(fabric.calls.slice(1), ['way eth1 false', 'plug eth0', 'way eth1 false', 'way eth0 true'], 'made once');
});

test('host and none: a membership without links', async () => {
  await using fakes = fakeNetworks();
  const { networks, fabric } = fakes;
  const { endpoints, ports, hasResolver } = await networks.join(sandbox(1), [connection('host')], [port(80, 8080)]);
  assert.deepEqual([endpoints.map(({ interface: name, ipv4, mac }) => [name, ipv4, mac]), ports, hasResolver, [...fabric.links]], [[['', undefined, '']], [], false, []]);
  networks.leave(sandbox(1).containerId);
  assert.ok(!fabric.calls.some((call) => call.startsWith('abandon')));
});
