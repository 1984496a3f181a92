// Netlink for real, in a network namespace of the test's own; `ip` and `nft` say what came of it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { call } from '../call.ts';
import { CLONE } from '../clone.ts';
import type { KernelError } from '../error.ts';
import { Fd, O } from '../fd.ts';
import { newNetwork } from '../network-namespace.ts';
import { formatAddress, parseAddress, AF_INET, AF_INET6 } from './address.ts';
import { attribute, attributes, decodeAttributes, encodeAttributes, text, u32 } from './attributes.ts';
import * as nft from './nftables.ts';
import { deleteAddress, deleteLink, deleteRoute, linkNamed, listAddresses, listLinks, listRoutes, newAddress, newBridge, newIpvlan, newMacvlan, newNeighbour, newRoute, newVeth, newVlan, setLink } from './route.ts';
import { Netlink, NETLINK_NETFILTER, NETLINK_ROUTE } from './socket.ts';

const isRoot = process.getuid?.() === 0;
const skipIp = !isRoot ? 'needs root' : !existsSync('/usr/sbin/ip') && !existsSync('/sbin/ip') ? 'needs iproute2' : false;
const skipNft = !isRoot ? 'needs root' : !existsSync('/usr/sbin/nft') ? 'needs nftables' : false;

/** Runs `body` with this thread in a new network namespace; `run` is a program there. */
function inNewNetwork(body: (run: (program: string, ...args: string[]) => string) => void): void {
  using own = Fd.open('/proc/thread-self/ns/net', O.RDONLY);
  call('unshare', CLONE.NEWNET);
  try {
    body((program, ...args) => {
      const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
      assert.equal(status, 0, `${program} ${args.join(' ')}: ${stderr}`);
      return stdout;
    });
  } finally {
    call('setns', own.number, CLONE.NEWNET);
  }
}

test('attributes are written padded, nested ones marked, and read back', () => {
  const bytes = encodeAttributes([attribute(3, text('eth0')), attribute(18, [attribute(1, text('veth'))]), ...attributes([4, undefined], [5, u32(7)])]);
  assert.equal(bytes.toString('hex'), ['09000300', '6574683000', '000000', '10001280', '09000100', '7665746800', '000000', '08000500', '07000000'].join(''));
  const found = decodeAttributes(bytes);
  assert.deepEqual([found.text(3), found.in(18)?.text(1), found.u32(5), found.bytes(99)], ['eth0', 'veth', 7, undefined]);
});

test('attributes of broken lengths end the list, and hang nothing', () => {
  for (const hex of ['0000', '00000300', '03000300', 'ff000300aabbccdd', '0800030001000000ff']) assert.doesNotThrow(() => decodeAttributes(Buffer.from(hex, 'hex')));
  assert.equal(decodeAttributes(Buffer.from('ff000300aabbccdd', 'hex')).bytes(3), undefined);
});

test('addresses go both ways', () => {
  for (const address of ['0.0.0.0', '172.17.0.2', '::', '::1', 'fd00::2', '2001:db8::1:0:0:1', 'fe80::1:2:3:4', '1:2:3:4:5:6:7:8', '1:0:0:4::8', '::2:3:4:5:6:7', '1::']) assert.equal(formatAddress(parseAddress(address).bytes), address);
  assert.equal(formatAddress(parseAddress('::ffff:1.2.3.4').bytes), '::ffff:102:304');
  assert.equal(formatAddress(parseAddress('2001:DB8:0:0:1:0:0:1').bytes), '2001:db8::1:0:0:1');
  for (const wrong of ['', '1.2.3', '1.2.3.4/8', 'fe80::1%eth0', 'x']) assert.throws(() => parseAddress(wrong), /Not an address/);
});

test('links, addresses, routes and neighbours, as ip sees them', { skip: skipIp }, () => {
  inNewNetwork((run) => {
    using there = newNetwork();
    using netlink = new Netlink(NETLINK_ROUTE);
    using inThere = Netlink.inNamespace(there, NETLINK_ROUTE);
    netlink.send([newBridge({ name: 'br-test', mac: '02:42:00:00:00:01', mtu: 1400, up: true }), setLink('br-test', { alias: 'a bridge' })]);
    const bridge = linkNamed(netlink, 'br-test');
    assert.equal(netlink.linkIndex('br-test'), bridge.index);
    assert.deepEqual([bridge.kind, bridge.mac, bridge.mtu, bridge.isUp, bridge.alias], ['bridge', '02:42:00:00:00:01', 1400, true, 'a bridge']);
    netlink.send([newAddress(bridge.index, '172.30.0.1/16'), newAddress(bridge.index, 'fd00:1::1/64'), newVeth({ name: 'vhost', master: bridge.index, up: true }, { name: 'eth0', mac: '02:42:ac:1e:00:02', namespace: there })]);
    const inside = linkNamed(inThere, 'eth0');
    inThere.send([setLink('lo', { up: true }), setLink(inside.index, { up: true, mtu: 1400 }), newAddress(inside.index, '172.30.0.2/16'), newAddress(inside.index, 'fd00:1::2/64'), newRoute({ to: 'default', via: '172.30.0.1' }), newRoute({ to: 'default', via: 'fd00:1::1' }), newNeighbour(inside.index, '172.30.0.9', '02:42:ac:1e:00:09')]);
    assert.match(run('ip', '-d', 'link', 'show', 'vhost'), /master br-test .*state UP.*\n.*\n +veth/s);
    const addresses = JSON.parse(run('ip', '-j', 'address', 'show', 'br-test')) as { addr_info: { local: string; prefixlen: number; scope: string }[] }[];
    assert.deepEqual(addresses[0]!.addr_info.filter(({ scope }) => scope === 'global').map(({ local, prefixlen }) => `${local}/${prefixlen}`), ['172.30.0.1/16', 'fd00:1::1/64']);
    assert.deepEqual(listAddresses(inThere).filter(({ link, address }) => link === inside.index && !address.startsWith('fe80')).map(({ address }) => address), ['172.30.0.2/16', 'fd00:1::2/64']);
    assert.deepEqual(listRoutes(inThere, AF_INET).map(({ to, via }) => [to, via]), [['default', '172.30.0.1'], ['172.30.0.0/16', undefined]]);
    assert.ok(listRoutes(inThere, AF_INET6).some(({ to, via }) => to === 'default' && via === 'fd00:1::1'));
    inThere.send([deleteRoute({ to: 'default', via: '172.30.0.1' }), deleteAddress(inside.index, 'fd00:1::2/64')]);
    assert.ok(!listRoutes(inThere, AF_INET).some(({ to }) => to === 'default'));
    netlink.send([setLink(bridge.index, { up: false }), deleteLink('vhost')]);
    assert.equal(linkNamed(netlink, 'br-test').isUp, false);
    assert.deepEqual(listLinks(inThere).map(({ name }) => name), ['lo'], 'with one end the other goes');
  });
});

const onParent = {
  vlan: [(parent: number) => newVlan({ name: 'above' }, parent, 7), /vlan protocol 802\.1Q id 7 /],
  macvlan: [(parent: number) => newMacvlan({ name: 'above' }, parent, 'bridge'), /macvlan mode bridge /],
  ipvlan: [(parent: number) => newIpvlan({ name: 'above' }, parent, 'l3'), /ipvlan +mode l3 /],
} as const;

for (const [kind, [make, shown]] of Object.entries(onParent)) {
  test(`${kind} links sit on another`, { skip: skipIp }, (context) => {
    inNewNetwork((run) => {
      using netlink = new Netlink(NETLINK_ROUTE);
      netlink.send([newVeth({ name: 'parent', up: true }, { name: 'other' })]);
      const { index } = linkNamed(netlink, 'parent');
      try {
        netlink.send([make(index)]);
      } catch (error) {
        if ((error as KernelError).code !== 'EOPNOTSUPP') throw error;
        return context.skip(`this kernel has no ${kind}`);
      }
      assert.match(run('ip', '-d', 'link', 'show', 'above'), shown);
      assert.equal(linkNamed(netlink, 'above').parent, index);
    });
  });
}

test('what the kernel refuses is said: what, errno, and its own reason', { skip: skipIp }, () => {
  inNewNetwork(() => {
    using netlink = new Netlink(NETLINK_ROUTE);
    for (const name of ['nothing', 'br-test-and-more-than-fits']) assert.throws(() => netlink.linkIndex(name), { code: 'ENODEV' });
    assert.throws(() => linkNamed(netlink, 'nothing'), { code: 'ENODEV', message: 'netlink look at link nothing: ENODEV' });
    netlink.send([newBridge({ name: 'br0' })]);
    assert.throws(() => netlink.send([newBridge({ name: 'br0' })]), { code: 'EEXIST' });
    assert.throws(() => netlink.send([newRoute({ to: 'default', via: '10.9.9.9' })]), { code: 'ENETUNREACH', message: /make the route to default by 10\.9\.9\.9: Nexthop has invalid gateway/ });
    assert.throws(() => netlink.send([newBridge({ name: 'a-name-of-more-than-fifteen' })]), { code: 'ERANGE' });
    assert.equal(linkNamed(netlink, 'br0').name, 'br0', 'the socket goes on');
  });
});

test('tables, chains, maps and rules, as nft reads them', { skip: skipNft }, () => {
  inNewNetwork((run) => {
    using netlink = new Netlink(NETLINK_NETFILTER);
    const table: nft.TableName = { family: 'ip', table: 'estiva' };
    const address = (text4: string): Uint8Array => parseAddress(text4).bytes;
    nft.commit(netlink, [
      nft.addTable(table),
      nft.addSet(table, 'published', { key: ['inet_proto', 'inet_service'], data: ['ipv4_addr', 'inet_service'] }),
      nft.addSet(table, 'ranges', { key: ['ipv4_addr', 'inet_service'], data: ['ipv4_addr'], interval: true }),
      nft.addChain(table, 'prerouting', { type: 'nat', hook: 'prerouting', priority: -100 }),
      nft.addChain(table, 'forward', { type: 'filter', hook: 'forward', priority: 0, policy: 'drop' }),
      nft.addChain(table, 'postrouting', { type: 'nat', hook: 'postrouting', priority: 100 }),
      nft.addChain(table, 'more'),
      nft.addRule(table, 'prerouting', [...nft.destinationIsLocal(), nft.meta('l4proto'), nft.field.destinationPort(1), nft.lookUp('published', { to: 0 }), nft.destinationFrom('ip', 0, 1)], 'published ports'),
      nft.addRule(table, 'forward', [nft.tracked('state'), ...nft.anyOf(nft.trackedBits.established | nft.trackedBits.related), nft.counter(), nft.verdict('accept')]),
      nft.addRule(table, 'forward', [nft.meta('iifname'), nft.compare('is', nft.interfaceName('br0')), nft.verdict('jump', 'more')]),
      nft.addRule(table, 'postrouting', [nft.field.source4(), nft.mask(address('255.255.0.0')), nft.compare('is', address('172.30.0.0')), nft.meta('oifname', 4), nft.compare('isNot', nft.interfaceName('br0'), 4), nft.masquerade()]),
      nft.addElements(table, 'published', [{ key: nft.join(nft.protocol(6), nft.port(8080)), data: nft.join(address('172.30.0.2'), nft.port(80)) }]),
      nft.addElements(table, 'ranges', [{ key: nft.join(address('0.0.0.0'), nft.port(1000)), end: nft.join(address('255.255.255.255'), nft.port(1999)), data: address('172.30.0.3') }]),
    ]);
    const rules = run('nft', '-n', 'list', 'ruleset');
    for (const line of [
      /map published \{\s+type inet_proto \. inet_service : ipv4_addr \. inet_service\s+elements = \{ 6 \. 8080 : 172\.30\.0\.2 \. 80 \}/,
      /map ranges \{\s+type ipv4_addr \. inet_service : ipv4_addr\s+flags interval\s+elements = \{ 0\.0\.0\.0\/0 \. 1000-1999 : 172\.30\.0\.3 \}/,
      /chain prerouting \{\s+type nat hook prerouting priority -100; policy accept;\s+fib daddr type 2 dnat ip to meta l4proto \. th dport map @published comment "published ports"/,
      /type filter hook forward priority 0; policy drop;\s+ct state 0x2,0x4 counter packets 0 bytes 0 accept\s+iifname "br0" jump more/,
      /ip saddr 172\.30\.0\.0\/16 oifname != "br0" masquerade/,
    ]) assert.match(rules, line);
    assert.deepEqual(nft.listTables(netlink), [table]);
    assert.equal(nft.countElements(netlink, table, 'published'), 1);
    nft.commit(netlink, [nft.deleteElements(table, 'published', [{ key: nft.join(nft.protocol(6), nft.port(8080)) }]), nft.flushChain(table, 'forward'), nft.deleteChain(table, 'more')]);
    assert.doesNotMatch(run('nft', 'list', 'ruleset'), /8080|jump|chain more/);
    nft.commit(netlink, [nft.deleteTable(table)]);
    assert.equal(run('nft', 'list', 'ruleset'), '');
  });
});

test('a batch of nf_tables is done whole or not at all, and thousands of elements go at once', { skip: skipNft }, () => {
  inNewNetwork((run) => {
    using netlink = new Netlink(NETLINK_NETFILTER);
    const table: nft.TableName = { family: 'inet', table: 'estiva' };
    assert.throws(() => nft.commit(netlink, [nft.addTable(table), nft.addChain(table, 'a'), nft.addRule(table, 'no-such-chain', [nft.verdict('accept')])]), { code: 'ENOENT', message: /add a rule to inet estiva no-such-chain/ });
    assert.equal(run('nft', 'list', 'ruleset'), '');
    nft.commit(netlink, [nft.addTable(table), nft.addSet(table, 'ports', { key: ['inet_service'] })]);
    const elements = Array.from({ length: 5000 }, (_, i) => ({ key: nft.port(i + 1) }));
    const parts = Array.from({ length: 10 }, (_, i) => nft.addElements(table, 'ports', elements.slice(i * 500, (i + 1) * 500)));
    nft.commit(netlink, parts);
    assert.equal(nft.countElements(netlink, table, 'ports'), 5000);
    assert.throws(() => nft.commit(netlink, [nft.addElements(table, 'ports', [{ key: nft.port(77) }])]), { code: 'EEXIST' });
  });
});
