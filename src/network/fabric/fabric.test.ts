// The fabric for real: hosts, containers and an engine's machine as network namespaces of the test's own, `ip` and `nft` as oracles, packets as the proof.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { Netlink, NETLINK_ROUTE, Readiness, route } from '../../kernel/index.ts';
import type { Endpoint, NetworkRecord } from '../network.ts';
import type { Fabric, Forward } from './fabric.ts';
import { openFabric } from './open.ts';
import { acceptFrom, Host } from './packets.fixture.ts';
import { endpoint, forward, networkRecord } from './records.fixture.ts';

const skip = process.getuid?.() !== 0 ? 'needs root' : !existsSync('/usr/sbin/nft') || !existsSync('/usr/sbin/ip') ? 'needs iproute2 and nftables' : false;
const engineId = 'cafe0000cafe0000';
const table = 'inet estiva-cafe0000';

/** This machine (`here`, 192.0.2.1) and another on its wire (`outside`, 192.0.2.2), which has routes to every container network by it. */
class Scene implements Disposable {
  readonly #opened = new DisposableStack();
  readonly here = this.#opened.use(new Host());
  readonly outside = this.#opened.use(new Host());
  readonly readiness = this.#opened.use(new Readiness());
  readonly fabric: Fabric;

  constructor() {
    const { here, outside } = this;
    using netlink = Netlink.inNamespace(here.namespace, NETLINK_ROUTE);
    netlink.send([route.newVeth({ name: 'wire' }, { name: 'wire', namespace: outside.namespace })]);
    for (const [host, number] of [[here, 1], [outside, 2]] as const) for (const command of [`ip addr add 192.0.2.${number}/24 dev wire`, `ip addr add 2001:db8::${number}/64 dev wire nodad`, 'ip link set wire up']) host.run(command);
    for (const command of ['ip route add 172.16.0.0/12 via 192.0.2.1', 'ip route add fd00::/8 via 2001:db8::1', 'ip route add 127.1.0.0/16 via 192.0.2.1']) outside.run(command);
    here.run('ip route add default via 192.0.2.2');
    here.run('ip -6 route add default via 2001:db8::2');
    // A wire's first packets of IPv6 are lost while its ends look for each other.
    for (let tries = 0; tries < 20 && outside.connect('2001:db8::1', 1) === 'EAGAIN'; tries++) ;
    this.fabric = this.open();
  }

  open(): Fabric {
    return this.#opened.use(this.here.within(() => openFabric({ engineId, readiness: this.readiness })));
  }

  make(network: NetworkRecord): NetworkRecord {
    this.here.within(() => this.fabric.makeNetwork(network));
    return network;
  }

  container(network: NetworkRecord, at: Endpoint): Host {
    const host = this.#opened.use(new Host());
    this.plug(host, network, at);
    return host;
  }

  plug(host: Host, network: NetworkRecord, at: Endpoint, sysctls: Record<string, string> = {}): void {
    this.here.within(() => this.fabric.plug(network, at, host.namespace, { isWayOut: true, sysctls }));
  }

  publish(...forwards: Forward[]): void {
    this.here.within(() => this.fabric.open(forwards));
  }

  links(): string[] {
    return (JSON.parse(this.here.run('ip -j link')) as { ifname: string }[]).map(({ ifname }) => ifname);
  }

  [Symbol.dispose](): void {
    this.#opened[Symbol.dispose]();
  }
}

test('a container has its address, its way out, its neighbours, and this machine', { skip }, () => {
  using scene = new Scene();
  const network = scene.make(networkRecord({ number: 1 }));
  const [one, two] = [scene.container(network, endpoint(network, 2)), scene.container(network, endpoint(network, 3))];
  const shown = JSON.parse(one.run('ip -j addr show eth0')) as [{ address: string; addr_info: { local: string; prefixlen: number; broadcast?: string }[] }];
  assert.equal(shown[0].address, '02:42:ac:1e:01:02');
  assert.deepEqual(shown[0].addr_info.filter(({ local }) => !local.startsWith('fe80')).map(({ local, prefixlen, broadcast }) => [local, prefixlen, broadcast]), [['172.30.1.2', 24, '172.30.1.255'], ['fd00:1::2', 64, undefined]]);
  assert.match(one.run('ip route'), /^default via 172\.30\.1\.1 dev eth0/);
  const [away, there, home] = [scene.outside.listen('tcp', 80), two.listen('tcp', 80), scene.here.listen('tcp', 81)];
  for (const [address, port, listener, seen] of [
    ['172.30.1.3', 80, there, '172.30.1.2'], ['fd00:1::3', 80, there, 'fd00:1::2'], ['172.30.1.1', 81, home, '172.30.1.2'], ['192.0.2.2', 80, away, '192.0.2.1'], ['2001:db8::2', 80, away, '2001:db8::1'],
  ] as const) {
    assert.equal(one.connect(address, port), 'open', address);
    assert.equal(acceptFrom(listener), seen, address);
  }
  assert.equal(scene.here.connect('172.30.1.3', 80), 'open');
});

test('a published port leads to its container: from outside, from this machine by every address of it, from itself and its neighbours', { skip }, async () => {
  using scene = new Scene();
  const network = scene.make(networkRecord({ number: 1 }));
  const at = endpoint(network, 2);
  const [one, two] = [scene.container(network, at), scene.container(network, endpoint(network, 3))];
  const server = one.listen('tcp', 80);
  const datagrams = one.listen('udp', 53);
  scene.publish(forward(at, '0.0.0.0', 8080, 80, network.link), forward(at, '::', 8080, 80, network.link), forward(at, '192.0.2.1', 5353, 53, network.link, { protocol: 'udp' }));
  using _there = scene.here.stay();
  await turns(3);
  for (const [who, host, addresses] of [
    ['outside', scene.outside, ['192.0.2.1', '2001:db8::1']], ['here', scene.here, ['192.0.2.1', '2001:db8::1', '127.0.0.1', '127.9.9.9', '::1', '172.30.1.1', 'fd00:1::1']],
    ['itself', one, ['192.0.2.1', '172.30.1.1', 'fd00:1::1']], ['a neighbour', two, ['192.0.2.1', '2001:db8::1', '172.30.1.1']],
  ] as const) for (const address of addresses) assert.equal(host.connect(address, 8080), 'open', `${who} to ${address}`);
  assert.equal(acceptFrom(server), '192.0.2.2', 'the container sees who it is');
  assert.deepEqual(scene.outside.ask('192.0.2.1', 5353, datagrams), { answer: 'pong', seen: '192.0.2.2' });
  assert.equal(scene.here.connect('127.0.0.1', 80), 'ECONNREFUSED');
  scene.here.within(() => scene.fabric.close([forward(at, '0.0.0.0', 8080, 80, network.link)]));
  assert.equal(scene.outside.connect('192.0.2.1', 8080), 'ECONNREFUSED');
  assert.equal(scene.outside.connect('2001:db8::1', 8080), 'open', 'only that one');
});

test('T22: with a route to the containers, nobody outside reaches what is not published to them', { skip }, () => {
  using scene = new Scene();
  const network = scene.make(networkRecord({ number: 1 }));
  const at = endpoint(network, 2);
  const one = scene.container(network, at);
  one.listen('tcp', 80);
  const datagrams = one.listen('udp', 53);
  scene.here.listen('tcp', 22, '127.0.0.1');
  scene.publish(forward(at, '0.0.0.0', 8080, 80, network.link), forward(at, '127.0.0.1', 9090, 80, network.link));
  scene.here.run('sysctl -qw net.ipv4.conf.wire.route_localnet=1');
  scene.outside.run('sysctl -qw net.ipv4.conf.wire.route_localnet=1');
  assert.deepEqual(scene.outside.reachable([['172.30.1.2', 80], ['fd00:1::2', 80], ['172.30.1.2', 8080], ['127.1.0.1', 9090], ['192.0.2.1', 9090], ['172.30.1.1', 9090]]), []);
  assert.equal(scene.outside.ask('172.30.1.2', 53, datagrams).answer, 'none');
  assert.equal(scene.here.connect('127.0.0.1', 9090), 'open');
  one.run('ip route add 127.1.0.0/16 via 172.30.1.1');
  one.run('sysctl -qw net.ipv4.conf.eth0.route_localnet=1');
  scene.here.listen('tcp', 23, '127.1.0.1');
  assert.notEqual(one.connect('127.1.0.1', 23), 'open', "the host's loopback is not the container's");
});

test('close() forgets who was connected: the next container at that address is not reached by it; open() takes over who sends already', { skip }, async () => {
  using scene = new Scene();
  const network = scene.make(networkRecord({ number: 1 }));
  const at = endpoint(network, 2);
  const one = scene.container(network, at);
  const [server, datagrams] = [one.listen('tcp', 80), one.listen('udp', 53)];
  const published = [forward(at, '0.0.0.0', 8080, 80, network.link), forward(at, '0.0.0.0', 5353, 53, network.link, { protocol: 'udp' })];
  using client = scene.outside.bound('udp', 7777);
  assert.equal(scene.outside.ask('192.0.2.1', 5353, datagrams, client).answer, 'none');
  assert.match(scene.here.run('cat /proc/net/nf_conntrack'), /sport=7777 dport=5353/);
  scene.publish(...published);
  await turns(3);
  assert.equal(scene.outside.ask('192.0.2.1', 5353, datagrams, client).answer, 'pong', 'the same client as before');
  assert.equal(scene.outside.connect('192.0.2.1', 8080), 'open');
  acceptFrom(server);
  scene.here.within(() => scene.fabric.close(published));
  scene.container(network, endpoint(network, 2, { hostLink: 'evother' }));
  assert.doesNotMatch(scene.here.run('cat /proc/net/nf_conntrack'), /src=172\.30\.1\.2/);
  assert.equal(scene.outside.ask('192.0.2.1', 5353, datagrams, client).answer, 'none');
});

test('abandon() takes a container off its network at once; removal leaves nothing', { skip }, async () => {
  using scene = new Scene();
  const before = scene.links();
  const network = scene.make(networkRecord({ number: 1 }));
  const one = scene.container(network, endpoint(network, 2));
  one.listen('tcp', 80);
  assert.equal(scene.here.connect('172.30.1.2', 80), 'open');
  scene.here.within(() => scene.fabric.abandon(endpoint(network, 2)));
  assert.notEqual(scene.here.connect('172.30.1.2', 80), 'open');
  const two = scene.container(network, endpoint(network, 2, { hostLink: 'evother' }));
  two.listen('tcp', 80);
  // This machine has just asked in vain who has that address; it asks again after a second.
  let answer = '';
  for (let tries = 0; tries < 8 && answer !== 'open'; tries++) answer = scene.here.connect('172.30.1.2', 80);
  assert.equal(answer, 'open', 'its address is free for the next');
  scene.here.within(() => scene.fabric.unplug(network, endpoint(network, 2, { hostLink: 'evother' }), two.namespace));
  scene.plug(two, network, endpoint(network, 4));
  assert.match(two.run('ip addr show eth0'), /172\.30\.1\.4/, 'and the name of its interface');
  scene.here.within(() => { scene.fabric.removeNetwork(network); scene.fabric.reconcile(() => ({ networks: [], endpoints: [], forwards: [] })); });
  for (let waits = 0; scene.links().length > before.length && waits < 100; waits++) await new Promise((resolve) => { setTimeout(resolve, 20); });
  assert.deepEqual(scene.links(), before);
});

test('reconcile() makes what is missing and removes what is nobody\'s, of this engine only', { skip }, async () => {
  using scene = new Scene();
  const network = scene.make(networkRecord({ number: 1 }));
  const at = endpoint(network, 2);
  const one = scene.container(network, at);
  one.listen('tcp', 80);
  const published = forward(at, '0.0.0.0', 8080, 80, network.link);
  scene.publish(published);
  scene.here.run('ip link add others type bridge');
  scene.here.run('nft add table inet others');
  const rules = scene.here.run(`nft list table ${table}`);
  const gone = scene.make(networkRecord({ number: 2 }));
  scene.container(gone, endpoint(gone, 2));
  const state = { networks: [network, networkRecord({ number: 3 })], endpoints: [at], forwards: [published] };
  scene.here.run(`nft delete table ${table}`);
  const next = scene.open();
  for (let round = 0; round < 2; round++) scene.here.within(() => next.reconcile(() => state));
  assert.equal(scene.outside.connect('192.0.2.1', 8080), 'open');
  const links = scene.links();
  assert.deepEqual(links.filter((name) => /^br-|^ev\d|others/.test(name)).sort(), ['br-test1', 'br-test3', 'ev1x2', 'others']);
  scene.here.within(() => next.reconcile(() => ({ ...state, networks: [network] })));
  assert.equal(withoutCounts(scene.here.run(`nft list table ${table}`)), withoutCounts(rules));
  assert.match(scene.here.run('nft list ruleset'), /table inet others/);
});

test('T23: what somebody flushes is back within a second, and relays and links stay', { skip }, async () => {
  using scene = new Scene();
  const network = scene.make(networkRecord({ number: 1 }));
  const at = endpoint(network, 2);
  const one = scene.container(network, at);
  one.listen('tcp', 80);
  const published = forward(at, '0.0.0.0', 8080, 80, network.link);
  scene.here.within(() => scene.fabric.reconcile(() => ({ networks: [network], endpoints: [at], forwards: [published] })));
  for (const command of ['nft flush ruleset', `nft delete table ${table}`, `nft flush chain ${table} into`, `nft delete element ${table} bridges { "br-test1" }`]) {
    await new Promise((resolve) => { setTimeout(resolve, 100); });
    const before = withoutCounts(scene.here.run(`nft list table ${table}`));
    scene.here.run(command);
    const flushedAt = performance.now();
    let now = '';
    while (now !== before && performance.now() - flushedAt < 1000) {
      await new Promise((resolve) => { setTimeout(resolve, 20); });
      now = withoutCounts(scene.here.run('nft list ruleset'));
    }
    assert.equal(now, before, command);
    assert.equal(scene.outside.connect('192.0.2.1', 8080), 'open', command);
    assert.notEqual(scene.outside.connect('172.30.1.2', 80), 'open', command);
  }
});

test('an internal network is closed both ways, and by way of published ports of others', { skip }, () => {
  using scene = new Scene();
  const [inner, other] = [scene.make(networkRecord({ number: 1, internal: true })), scene.make(networkRecord({ number: 2 }))];
  const [a, b, at] = [scene.container(inner, endpoint(inner, 2)), scene.container(inner, endpoint(inner, 3)), endpoint(other, 2)];
  const c = scene.container(other, at);
  for (const host of [a, b, c, scene.outside]) host.listen('tcp', 80);
  scene.publish(forward(at, '0.0.0.0', 8080, 80, other.link), forward(at, '::', 8080, 80, other.link));
  assert.deepEqual(a.reachable([['172.30.1.3', 80], ['fd00:1::3', 80]]), ['172.30.1.3 80', 'fd00:1::3 80']);
  assert.deepEqual(a.reachable([['192.0.2.2', 80], ['2001:db8::2', 80], ['172.30.2.2', 80], ['fd00:2::2', 80], ['172.30.1.1', 8080]]), [], 'out, also not around by a published port');
  for (const host of [scene.outside, c]) assert.deepEqual(host.reachable([['172.30.1.2', 80], ['fd00:1::2', 80]]), [], 'in');
});

test('networks are apart; a published port is the way between them', { skip }, () => {
  using scene = new Scene();
  const [one, two] = [scene.make(networkRecord({ number: 1 })), scene.make(networkRecord({ number: 2 }))];
  const at = endpoint(two, 2);
  const [a, b] = [scene.container(one, endpoint(one, 2)), scene.container(two, at)];
  b.listen('tcp', 80);
  scene.publish(forward(at, '0.0.0.0', 8080, 80, two.link));
  assert.deepEqual(a.reachable([['172.30.2.2', 80], ['fd00:2::2', 80]]), []);
  assert.equal(a.connect('192.0.2.1', 8080), 'open');
});

test('without icc, neighbours reach only published ports of each other, also by way of the gateway', { skip }, () => {
  using scene = new Scene();
  const network = scene.make(networkRecord({ number: 1, options: { 'com.docker.network.bridge.enable_icc': 'false' } }));
  const [a, b] = [scene.container(network, endpoint(network, 2)), scene.container(network, endpoint(network, 3))];
  b.listen('tcp', 80);
  assert.deepEqual(a.reachable([['172.30.1.3', 80], ['fd00:1::3', 80]]), []);
  a.run('ip route add 172.30.1.3/32 via 172.30.1.1');
  assert.notEqual(a.connect('172.30.1.3', 80), 'open', 'the gateway sends nothing back');
  // Where br_netfilter turns frames around within the bridge, isolated ports stay apart.
  scene.here.run('sysctl -qw net.bridge.bridge-nf-call-iptables=0');
  scene.publish(forward(endpoint(network, 3), '0.0.0.0', 8080, 80, network.link));
  assert.equal(a.connect('192.0.2.1', 8080), 'open');
  assert.equal(scene.here.connect('172.30.1.3', 80), 'open');
});

test('gateway modes: nat-unprotected opens all ports, routed the published ones and pings, masquerade can be off, host_ipv4 is what others see', { skip }, () => {
  using scene = new Scene();
  const options = (mode: string): Record<string, string> => ({ 'com.docker.network.bridge.gateway_mode_ipv4': mode, 'com.docker.network.bridge.gateway_mode_ipv6': mode });
  const [unprotected, routed] = [scene.make(networkRecord({ number: 1, options: options('nat-unprotected') })), scene.make(networkRecord({ number: 2, options: options('routed') }))];
  const at = endpoint(routed, 2);
  const [a, b] = [scene.container(unprotected, endpoint(unprotected, 2)), scene.container(routed, at)];
  for (const host of [a, b]) for (const port of [80, 81]) host.listen('tcp', port);
  scene.publish(forward(at, '0.0.0.0', 0, 80, routed.link), forward(at, '::', 0, 80, routed.link));
  for (const address of ['172.30.1.2', 'fd00:1::2', '172.30.2.2', 'fd00:2::2']) assert.equal(scene.outside.connect(address, 80), 'open', address);
  assert.equal(scene.outside.connect('172.30.1.2', 81), 'open');
  assert.deepEqual(scene.outside.reachable([['172.30.2.2', 81], ['fd00:2::2', 81]]), []);
  const away = scene.outside.listen('tcp', 90);
  assert.equal(b.connect('192.0.2.2', 90), 'open');
  assert.equal(acceptFrom(away), '172.30.2.2', 'routed: its own address');
  scene.here.run('ip addr add 192.0.2.77/24 dev wire');
  const chosen = scene.make(networkRecord({ number: 3, options: { 'com.docker.network.host_ipv4': '192.0.2.77' } }));
  assert.equal(scene.container(chosen, endpoint(chosen, 2)).connect('192.0.2.2', 90), 'open');
  assert.equal(acceptFrom(away), '192.0.2.77');
});

test('settings of one interface: a sysctl, an address of the link only, another name, no IPv6 where there is none', { skip }, () => {
  using scene = new Scene();
  const network = scene.make(networkRecord({ number: 1, ipv6: false }));
  const host = scene.container(network, endpoint(network, 2));
  scene.plug(host, network, endpoint(network, 3, { interface: 'lan.7', hostLink: 'evlan', linkLocal: ['169.254.9.9'], gateway4: undefined }), { 'net.ipv4.conf.IFNAME.log_martians': '1' });
  assert.match(host.run('ip addr show lan.7'), /172\.30\.1\.3\/24.*169\.254\.9\.9\/16/s);
  assert.doesNotMatch(host.run('ip addr show lan.7'), /inet6/);
  assert.equal(host.run('cat /proc/sys/net/ipv4/conf/lan.7/log_martians').trim(), '1');
  for (const key of ['net.ipv4.ip_forward', 'net.ipv4.conf.all.forwarding', 'net.ipv4.conf.IFNAME.x/../forwarding', 'kernel.hostname']) {
    assert.throws(() => scene.plug(host, network, endpoint(network, 4, { interface: 'eth7', hostLink: 'evbad' }), { [key]: '1' }), /Invalid sysctl/);
  }
  assert.ok(!scene.links().includes('evbad'), 'nothing half-made stays');
});

test('macvlan: right on the wire, under its own address; ipvlan and VLANs where the kernel has them, and said where not', { skip }, () => {
  using scene = new Scene();
  const onWire = networkRecord({ number: 1, driver: 'macvlan', link: 'wire', ipam: { driver: 'default', options: null, subnets: [{ subnet: '192.0.2.0/24', auxiliary: {} }] } });
  scene.make(onWire);
  const at = endpoint(onWire, 2, { hostLink: '', ipv4: '192.0.2.50/24', ipv6: undefined, gateway4: '192.0.2.2', gateway6: undefined });
  const host = scene.container(onWire, at);
  const away = scene.outside.listen('tcp', 80);
  assert.equal(host.connect('192.0.2.2', 80), 'open');
  assert.equal(acceptFrom(away), '192.0.2.50');
  scene.here.within(() => { scene.fabric.unplug(onWire, at, host.namespace); scene.fabric.removeNetwork(onWire); });
  scene.plug(host, onWire, at);
  assert.ok(scene.links().includes('wire'));
  assert.throws(() => scene.make({ ...onWire, link: 'nosuch' }), /invalid subinterface vlan name nosuch/);
  for (const [change, module] of [[{ link: 'wire.50' }, '8021q'], [{ link: '' }, 'dummy']] as const) {
    try {
      scene.make({ ...onWire, ...change });
    } catch (error) {
      assert.match((error as Error).message, new RegExp(`this kernel has no ${module}`));
    }
  }
});

test('host-socket: the daemon listens and copies, over TCP and UDP, also from one family to the other', { skip }, async () => {
  using scene = new Scene();
  const network = scene.make(networkRecord({ number: 1, ipv6: false }));
  const at = endpoint(network, 2);
  const one = scene.container(network, at);
  const datagrams = one.listen('udp', 53);
  const server = one.listen('tcp', 80);
  const bySocket = (hostAddress: string, hostPort: number, containerPort: number, protocol: 'tcp' | 'udp'): Forward => ({ protocol, hostAddress, hostPort, containerPort, containerAddress: '172.30.1.2', link: network.link, mode: 'host-socket' });
  const forwards = [bySocket('0.0.0.0', 8080, 80, 'tcp'), bySocket('::', 8080, 80, 'tcp'), bySocket('::', 5353, 53, 'udp')];
  // The daemon is there for good: what it connects later begins there too.
  using _there = scene.here.stay();
  scene.publish(...forwards);
  assert.throws(() => scene.publish(bySocket('0.0.0.0', 9090, 80, 'tcp'), bySocket('0.0.0.0', 8080, 81, 'tcp')), /failed to bind host port 0\.0\.0\.0:8080:172\.30\.1\.2:81\/tcp: address already in use/);
  for (const address of ['192.0.2.1', '2001:db8::1']) assert.equal(scene.outside.connect(address, 8080), 'open');
  assert.equal(scene.outside.connect('192.0.2.1', 9090), 'ECONNREFUSED', 'all or none');
  await new Promise((resolve) => { setTimeout(resolve, 50); });
  assert.equal(acceptFrom(server), '172.30.1.1', 'each connection goes on');
  assert.deepEqual(await scene.outside.askSlowly('2001:db8::1', 5353, datagrams), { answer: 'pong', seen: '172.30.1.1' });
  scene.here.within(() => scene.fabric.close(forwards));
  await new Promise((resolve) => { setTimeout(resolve, 50); });
  assert.equal(scene.outside.connect('192.0.2.1', 8080), 'ECONNREFUSED');
  assert.ok(server.isOpen);
});

async function turns(count: number): Promise<void> {
  for (let left = count; left > 0; left--) await new Promise((resolve) => { setImmediate(resolve); });
}

function withoutCounts(rules: string): string {
  return rules.replaceAll(/packets \d+ bytes \d+|\t+elements = \{ \S+ \}\n(?=\t\}\n\n\t(set forwarding6|chain into))/g, '');
}
