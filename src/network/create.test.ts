// Networks that are made and removed: dockerd's words are those that the dockerd beside us said.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connection, fakeHost, fakeNetworks, request, sandbox, subnets } from './fakes.fixture.ts';
import type { CreateNetworkRequest } from './network.ts';

test('bridge, host and none are always there, the same after a new start, and nothing is made for them', async () => {
  const first = fakeNetworks();
  const before = first.networks.list();
  assert.deepEqual(before.map(({ name, driver, link }) => [name, driver, link]), [['bridge', 'bridge', 'estiva0'], ['host', 'host', ''], ['none', 'null', '']]);
  assert.deepEqual(before[0]!.ipam.subnets.map(({ subnet, gateway }) => [subnet, gateway]), [['172.17.0.0/16', '172.17.0.1']]);
  assert.deepEqual(first.fabric.calls, []);
  await using again = first.reopen();
  assert.deepEqual(again.networks.list(), before);
});

test('create() makes links and record, and says so; remove() takes both away', async () => {
  await using fakes = fakeNetworks();
  const { networks, fabric, told } = fakes;
  const { id, warning } = networks.create(request('front', { labels: { a: 'b' } }));
  const network = networks.get('front');
  assert.equal(warning, '');
  assert.deepEqual([network.id, network.driver, network.link, network.labels], [id, 'bridge', `br-${id.slice(0, 12)}`, { a: 'b' }]);
  assert.deepEqual(network.ipam.subnets, [{ subnet: '172.18.0.0/16', gateway: '172.18.0.1', auxiliary: {}, isAutomatic: true }]);
  assert.deepEqual([...fabric.networks], [network.link]);
  assert.equal(networks.get(id.slice(0, 8)), network);
  networks.remove('front');
  assert.deepEqual([[...fabric.networks], told.map(({ kind }) => kind)], [[], ['create', 'destroy']]);
  assert.throws(() => networks.get('front'), { kind: 'not_found', message: 'network front not found' });
});

test('create() passes over the addresses of another engine whose default bridge has the name that ours would have', async () => {
  const host = fakeHost();
  host.links.set('estiva0', '172.17.0.0/16');
  host.aliases.set('estiva0', 'estiva another-engine network x');
  await using fakes = fakeNetworks(undefined, host);
  const { networks } = fakes;
  networks.create(request('n'));
  assert.deepEqual(['bridge', 'n'].map((name) => networks.get(name).ipam.subnets[0]!.subnet), ['172.18.0.0/16', '172.19.0.0/16']);
});

test('create() that fails in the kernel leaves no record and no addresses taken', async () => {
  await using fakes = fakeNetworks();
  fakes.fabric.failAt = 'make mine';
  const mine = request('mine', { options: { 'com.docker.network.bridge.name': 'mine' }, ipam: subnets('10.9.0.0/24') });
  assert.throws(() => fakes.networks.create(mine), /failed at make mine/);
  fakes.fabric.failAt = '';
  fakes.networks.create(mine);
  assert.equal(fakes.networks.list().length, 4);
});

const auto = '172.18.0.0/16';
const refusals: readonly (readonly [what: string, request: CreateNetworkRequest, kind: string, message: string])[] = [
  ['no name', request(''), 'invalid', 'invalid name: name is empty'],
  ['a name of spaces', request('  '), 'invalid', 'invalid name: name is empty'],
  ['host', request('host'), 'denied', 'operation is not permitted on predefined host network '],
  ['default', request('default'), 'denied', 'operation is not permitted on predefined default network '],
  ['a taken name', request('taken'), 'conflict', 'network with name taken already exists'],
  ['an unknown driver', request('n', { driver: 'nope' }), 'not_found', 'plugin "nope" not found'],
  ['the host driver', request('n', { driver: 'host' }), 'denied', 'only one instance of "host" network is allowed'],
  ['an unknown IPAM driver', request('n', { ipam: { driver: 'zz', options: null, subnets: [] } }), 'not_found', 'plugin "zz" not found'],
  ['neither family', request('n', { ipv4: false }), 'invalid', 'IPv4 or IPv6 must be enabled'],
  ['a prefix too long', request('n', { ipam: subnets('172.30.0.0/33') }), 'invalid', 'invalid network config:\ninvalid subnet 172.30.0.0/33: invalid CIDR block notation'],
  ['a subnet that is none', request('n', { ipam: subnets('foo') }), 'invalid', 'invalid network config:\ninvalid subnet foo: invalid CIDR block notation'],
  ['bits of a host', request('n', { ipam: subnets('172.30.1.0/16') }), 'invalid', 'invalid network config:\ninvalid subnet 172.30.1.0/16: it should be 172.30.0.0/16'],
  ['a gateway elsewhere', request('n', { ipam: subnets({ subnet: '10.9.0.0/24', gateway: '10.8.0.1' }) }), 'invalid', "invalid network config:\ninvalid gateway 10.8.0.1: parent subnet 10.9.0.0/24 doesn't contain this address"],
  ['a gateway that is none', request('n', { ipam: subnets({ subnet: '10.9.0.0/24', gateway: 'x' }) }), 'invalid', 'invalid network config:\ninvalid gateway x: invalid address'],
  ['a range elsewhere', request('n', { ipam: subnets({ subnet: '10.9.0.0/24', range: '10.8.0.0/25' }) }), 'invalid', "invalid network config:\ninvalid ip-range 10.8.0.0/25: parent subnet 10.9.0.0/24 doesn't contain ip-range"],
  ['a range with bits', request('n', { ipam: subnets({ subnet: '10.9.0.0/24', range: '10.9.0.1/25' }) }), 'invalid', 'invalid network config:\ninvalid ip-range 10.9.0.1/25: it should be 10.9.0.0/25'],
  ['an auxiliary address elsewhere', request('n', { ipam: subnets({ subnet: '10.9.0.0/24', auxiliary: { a: '10.8.0.1' } }) }), 'invalid', "invalid network config:\ninvalid auxiliary address a: parent subnet 10.9.0.0/24 doesn't contain this address"],
  ['no subnet with a range', request('n', { ipam: subnets({ range: '10.9.0.0/24' }) }), 'invalid', 'invalid network config:\ninvalid subnet : invalid CIDR block notation'],
  ['several mistakes', request('n', { ipam: subnets({ subnet: '10.9.0.0/24', gateway: 'x', auxiliary: { a: 'zz' } }) }), 'invalid', 'invalid network config:\n* invalid gateway x: invalid address\n* invalid auxiliary address a: invalid address'],
  ['the network address as gateway', request('n', { ipam: subnets({ subnet: '10.9.0.0/24', gateway: '10.9.0.0' }) }), 'invalid', 'failed to allocate gateway (10.9.0.0): Address already in use'],
  ['the gateway as auxiliary address', request('n', { ipam: subnets({ subnet: '10.9.0.0/24', gateway: '10.9.0.5', auxiliary: { a: '10.9.0.5' } }) }), 'invalid', 'failed to allocate secondary ip address (a:10.9.0.5): Address already in use'],
  ['an overlap', request('n', { ipam: subnets('172.18.0.0/24') }), 'denied', 'invalid pool request: Pool overlaps with other one on this address space'],
  ['an overlap around', request('n', { ipam: subnets('172.16.0.0/12') }), 'denied', 'invalid pool request: Pool overlaps with other one on this address space'],
  ['two subnets of one family', request('n', { ipam: subnets('10.40.0.0/24', '10.41.0.0/25') }), 'denied', "bridge driver doesn't support multiple subnets"],
  ['icc', request('n', { options: { 'com.docker.network.bridge.enable_icc': 'xx' } }), 'invalid', 'failed to parse com.docker.network.bridge.enable_icc value: xx (strconv.ParseBool: parsing "xx": invalid syntax)'],
  ['mtu', request('n', { options: { 'com.docker.network.driver.mtu': 'xx' } }), 'invalid', 'failed to parse com.docker.network.driver.mtu value: xx (strconv.Atoi: parsing "xx": invalid syntax)'],
  ['a gateway mode', request('n', { options: { 'com.docker.network.bridge.gateway_mode_ipv4': 'xx' } }), 'invalid', 'failed to parse com.docker.network.bridge.gateway_mode_ipv4 value: xx (unknown gateway mode xx)'],
  ['isolated, not internal', request('n', { options: { 'com.docker.network.bridge.gateway_mode_ipv4': 'isolated' } }), 'invalid', "gateway mode 'isolated' can only be used for an internal network"],
  ['a host binding', request('n', { options: { 'com.docker.network.bridge.host_binding_ipv4': 'zz' } }), 'invalid', 'failed to parse com.docker.network.bridge.host_binding_ipv4 value: zz (nil ip)'],
  ['a macvlan mode', request('n', { driver: 'macvlan', options: { macvlan_mode: 'zz' } }), 'invalid', "requested macvlan mode 'zz' is not valid, 'bridge' mode is the macvlan driver default"],
  ['a long bridge name', request('n', { options: { 'com.docker.network.bridge.name': 'reallylonginterfacename' } }), 'invalid', 'invalid bridge name: reallylonginterfacename'],
  ['config-only and internal', request('n', { configOnly: true, internal: true }), 'denied', 'configuration network can only contain network specific fields. Network operator fields like [ ingress | internal | attachable | scope ] are not supported.'],
  ['a configuration that is none', request('n', { configFrom: 'taken' }), 'not_found', 'configuration network "taken" does not exist'],
  ['a configuration of a configuration', request('n', { configFrom: 'conf', configOnly: true }), 'denied', 'a configuration network cannot depend on another configuration network'],
  ['options beside a configuration', request('n', { configFrom: 'conf', options: { a: 'b' } }), 'denied', 'network driver options are not supported if the network depends on a configuration network'],
];

for (const [what, asked, kind, message] of refusals) {
  test(`create() refuses ${what}`, async () => {
    await using fakes = fakeNetworks();
    fakes.networks.create(request('taken'));
    fakes.networks.create(request('conf', { configOnly: true }));
    assert.equal(fakes.networks.get('taken').ipam.subnets[0]!.subnet, auto);
    assert.throws(() => fakes.networks.create(asked), { kind, message });
    assert.equal(fakes.networks.list().length, 5, 'nothing is left of it');
  });
}

test('create() with the same bridge name says whose it is', async () => {
  await using fakes = fakeNetworks();
  assert.throws(() => fakes.networks.create(request('n', { options: { 'com.docker.network.bridge.name': 'estiva0' } })), { kind: 'denied', message: /\(estiva0\): networks have same bridge name$/ });
});

test('subnets: chosen for each family, of a size, past those of the host; the gateway is the first of the range', async () => {
  await using fakes = fakeNetworks();
  const { networks, host } = fakes;
  host.taken = ['172.18.9.0/24', '172.19.0.0/16'];
  const made = (name: string, more: Partial<CreateNetworkRequest>): readonly (string | undefined)[][] => {
    networks.create(request(name, more));
    return networks.get(name).ipam.subnets.map(({ subnet, gateway }) => [subnet, gateway]);
  };
  assert.deepEqual(made('past', {}), [['172.20.0.0/16', '172.20.0.1']]);
  assert.deepEqual(made('small', { ipam: subnets('0.0.0.0/28') }), [['172.18.0.0/28', '172.18.0.1']]);
  const [four, six] = made('both', { ipv6: true });
  assert.deepEqual(four, ['172.21.0.0/16', '172.21.0.1']);
  assert.match(six!.join(' '), /^fd\S+::\/64 fd\S+::1$/);
  assert.equal(made('six', { ipv4: false, ipv6: true }).length, 1);
  assert.deepEqual(made('range', { ipam: subnets({ subnet: '10.43.0.0/24', range: '10.43.0.128/25' }) }), [['10.43.0.0/24', '10.43.0.128']]);
  assert.deepEqual(made('two', { ipam: subnets('10.44.0.0/31') }), [['10.44.0.0/31', '10.44.0.0']]);
  assert.deepEqual(made('vlans', { driver: 'macvlan', options: { parent: 'eth0' }, ipam: subnets('10.50.0.0/24', { subnet: '10.51.0.0/24', gateway: '10.51.0.254' }) }), [['10.50.0.0/24', '10.50.0.1'], ['10.51.0.0/24', '10.51.0.254']]);
  assert.deepEqual(made('l3', { driver: 'ipvlan', options: { parent: 'eth0', ipvlan_mode: 'l3' }, ipam: subnets('10.52.0.0/24') }), [['10.52.0.0/24', undefined]]);
});

test('a subnet of a family that the network has not is left away, with a warning', async () => {
  await using fakes = fakeNetworks();
  const { warning } = fakes.networks.create(request('n', { ipam: subnets('fd00:aa::/64') }));
  assert.equal(warning, 'Subnet fd00:aa::/64 is not used: the network has no IPv6');
  assert.deepEqual(fakes.networks.get('n').ipam.subnets.map(({ subnet }) => subnet), ['172.18.0.0/16']);
});

test('exhausted pools are said to be', async () => {
  await using fakes = fakeNetworks();
  fakes.host.taken = ['172.16.0.0/12', '192.168.0.0/16'];
  assert.throws(() => fakes.networks.create(request('n')), { kind: 'invalid', message: 'all predefined address pools have been fully subnetted' });
});

test('config-only networks give their settings, and stay as long as somebody uses them', async () => {
  await using fakes = fakeNetworks();
  const { networks, fabric } = fakes;
  networks.create(request('conf', { configOnly: true, options: { 'com.docker.network.driver.mtu': '1400' }, ipam: subnets('10.50.0.0/24') }));
  assert.deepEqual([networks.get('conf').driver, [...fabric.networks]], ['null', []]);
  networks.create(request('user', { configFrom: 'conf' }));
  const user = networks.get('user');
  assert.deepEqual([user.configFrom, user.options, user.ipam.subnets.map(({ subnet, gateway }) => [subnet, gateway])], ['conf', { 'com.docker.network.driver.mtu': '1400' }, [['10.50.0.0/24', '10.50.0.1']]]);
  assert.throws(() => networks.remove('conf'), { kind: 'denied', message: 'error while removing network: configuration network "conf" is in use' });
  assert.throws(() => networks.check(connection('conf')), { kind: 'denied' });
  networks.remove('user');
  networks.remove('conf');
});

test('remove() refuses what is predefined, and what somebody is in; prune() leaves that and what is needed', async () => {
  await using fakes = fakeNetworks();
  const { networks, told } = fakes;
  for (const name of ['used', 'needed', 'other', 'free']) networks.create(request(name));
  await networks.join(sandbox(1), [connection('used')], []);
  const [member] = networks.members(networks.get('used').id);
  assert.throws(() => networks.remove('used'), { kind: 'denied', message: `error while removing network: network used has active endpoints (name:"c1" id:"${member!.endpoint.id.slice(0, 12)}")` });
  assert.throws(() => networks.remove('bridge'), { kind: 'denied', message: 'bridge is a pre-defined network and cannot be removed' });
  assert.deepEqual(networks.prune(({ name }) => name !== 'other', ({ name }) => name === 'needed'), ['free']);
  assert.deepEqual(networks.list().map(({ name }) => name), ['bridge', 'host', 'needed', 'none', 'other', 'used']);
  assert.deepEqual(told.slice(-2).map(({ kind }) => kind), ['destroy', 'prune']);
});
