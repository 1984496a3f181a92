// What a container has of its networks: addresses and ports that are told, files that name it, networks that come and go while it runs, and what is
// refused. That packets arrive is looked at in network-*.test.ts.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { which } from '../fixtures/cache.ts';
import { busybox, openEngine, succeeded, until } from './engine.ts';

const engine = await openEngine();
const onlyOurs = !engine.ours && 'about what only ours has';
const label = engine.flags.split(' ').slice(2);
const create = (...args: string[]) => engine.docker(['create', ...label, ...args]);
const run = (...args: string[]) => engine.docker(['run', '--rm', ...label, ...args]);
const start = async (...args: string[]) => succeeded(await engine.docker(['run', '-d', ...label, ...args])).trim();
const sleeper = (...flags: string[]) => start(...flags, busybox, 'sleep', '1000');
const inside = async (id: string, script: string) => succeeded(await engine.docker(['exec', id, 'sh', '-c', script]));
const remove = async (...ids: string[]) => { succeeded(await engine.docker(['rm', '-f', ...ids])); };
const ports = async (id: string) => succeeded(await engine.docker(['port', id])).trim().split('\n');

interface Endpoint {
  readonly NetworkID: string; readonly EndpointID: string; readonly IPAddress: string; readonly IPPrefixLen: number; readonly Gateway: string; readonly MacAddress: string;
  readonly Aliases: readonly string[] | null; readonly DNSNames: readonly string[] | null; readonly IPAMConfig: object | null;
}
interface Settings {
  readonly Ports: Readonly<Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[] | null>>; readonly Networks: Readonly<Record<string, Endpoint>>;
  readonly IPAddress: string; readonly EndpointID: string; readonly SandboxID: string; readonly SandboxKey: string;
}
const settings = async (id: string) => (await engine.inspect(id) as unknown as { NetworkSettings: Settings }).NetworkSettings;

const network = engine.unique('net');
const other = engine.unique('other');
succeeded(await engine.docker(['network', 'create', '--subnet', '10.213.7.0/24', network]));
succeeded(await engine.docker(['network', 'create', '--subnet', '10.213.8.0/24', other]));
after(async () => {
  if (engine.ours) return;
  for (const name of [network, other]) await engine.docker(['network', 'rm', name]);
});

test('a container without a word about networks is in bridge: an address, a way out, its name in hosts', async () => {
  const id = await sleeper();
  const { Networks, IPAddress, EndpointID, SandboxID, SandboxKey } = await settings(id);
  const { bridge } = Networks;
  assert.deepEqual(Object.keys(Networks), ['bridge']);
  assert.deepEqual([IPAddress, EndpointID], [bridge!.IPAddress, bridge!.EndpointID]);
  assert.match(bridge!.IPAddress, /^\d+\.\d+\.\d+\.\d+$/);
  assert.match(`${bridge!.EndpointID} ${bridge!.NetworkID} ${SandboxID}`, /^[0-9a-f]{64} [0-9a-f]{64} [0-9a-f]{64}$/);
  assert.notEqual(SandboxKey, '');
  assert.equal(bridge!.DNSNames, null, 'names are answered in networks of users only');
  const said = await inside(id, 'ip -4 -o address show eth0; ip route; cat /sys/class/net/eth0/address; tail -n 1 /etc/hosts; hostname; grep -c 127.0.0.11 /etc/resolv.conf; true');
  assert.ok(said.includes(`inet ${IPAddress}/${bridge!.IPPrefixLen} `) && said.includes(`default via ${bridge!.Gateway} dev eth0`) && said.includes(bridge!.MacAddress), said);
  assert.ok(said.includes(`${IPAddress}\t${id.slice(0, 12)}\n`), said);
  await remove(id);
});

test('of a container that is created, or has ended, inspect tells what it asks for, and no address', async () => {
  const id = succeeded(await create('--network', network, '--network-alias', 'al', '--ip', '10.213.7.77', '-p', '80', '--expose', '90', busybox, 'true')).trim();
  const before = await settings(id);
  assert.deepEqual([before.Ports, before.SandboxID, before.Networks[network]!.IPAddress, before.Networks[network]!.NetworkID, before.Networks[network]!.Aliases, before.Networks[network]!.IPAMConfig], [{}, '', '', '', ['al'], { IPv4Address: '10.213.7.77' }]);
  succeeded(await engine.docker(['start', '-a', id]));
  const after = await settings(id);
  assert.deepEqual([after.Ports, after.Networks[network]!.IPAddress, after.Networks[network]!.EndpointID, after.Networks[network]!.MacAddress], [{}, '', '', '']);
  assert.match(after.Networks[network]!.NetworkID, /^[0-9a-f]{64}$/);
  await remove(id);
});

test('published and exposed ports are in inspect, port and ps; a port chosen at random is chosen anew', async () => {
  const id = await sleeper('-p', '127.0.0.1:28099:80', '-p', '127.0.0.1::81/udp', '--expose', '90');
  const { Ports } = await settings(id);
  assert.deepEqual([Ports['80/tcp'], Ports['90/tcp']], [[{ HostIp: '127.0.0.1', HostPort: '28099' }], null]);
  const chosen = Number(Ports['81/udp']![0]!.HostPort);
  assert.ok(chosen > 1023, `${chosen}`);
  assert.deepEqual(await ports(id), ['80/tcp -> 127.0.0.1:28099', `81/udp -> 127.0.0.1:${chosen}`]);
  assert.equal(succeeded(await engine.docker(['port', id, '80'])), '127.0.0.1:28099\n');
  assert.equal((await engine.docker(['port', id, '82'])).code, 1);
  assert.equal(succeeded(await engine.docker(['ps', '--filter', `id=${id}`, '--format', '{{.Ports}}'])).trim(), `90/tcp, 127.0.0.1:28099->80/tcp, 127.0.0.1:${chosen}->81/udp`);
  for (const [filter, count] of [['publish=28099', 1], ['publish=80', 0], ['expose=90', 1], ['network=bridge', 1], ['network=none', 0]] as const) {
    assert.equal(succeeded(await engine.docker(['ps', '-q', '--filter', `id=${id}`, '--filter', filter])).trim() === '' ? 0 : 1, count, filter);
  }
  succeeded(await engine.docker(['restart', '-t', '0', id]));
  assert.equal((await ports(id))[0], '80/tcp -> 127.0.0.1:28099');
  await remove(id);
});

test('-P publishes what is exposed, each port somewhere', async () => {
  const id = await sleeper('-P', '--expose', '8000-8001', '--expose', '53/udp');
  assert.deepEqual((await ports(id)).map((line) => line.split(' ')[0]).filter((port, at, all) => all.indexOf(port) === at), ['53/udp', '8000/tcp', '8001/tcp']);
  await remove(id);
});

test('a port that is taken: the start fails and says so, and nothing is left of it', async () => {
  const [holder, name] = [await sleeper('-p', '127.0.0.1:28098:80'), engine.unique('second')];
  const second = await engine.docker(['run', '-d', '--name', name, ...label, '-p', '127.0.0.1:28098:80', busybox, 'sleep', '1000']);
  assert.equal(second.code, 125);
  assert.match(second.stderr, /failed to set up container networking: .*Bind for 127\.0\.0\.1:28098 failed: port is already allocated/);
  const { State } = await engine.inspect(name);
  assert.deepEqual([State.Status, State.ExitCode, /port is already allocated/.test(State.Error)], ['created', 128, true]);
  assert.equal((await settings(name)).Networks['bridge']!.IPAddress, '');
  await remove(holder);
  succeeded(await engine.docker(['start', name]));
  assert.deepEqual(await ports(name), ['80/tcp -> 127.0.0.1:28098']);
  await remove(name);
});

test('networks come and go while it runs: links, addresses, hosts, and the resolver', async () => {
  const id = await sleeper('--hostname', 'first.example');
  succeeded(await engine.docker(['network', 'connect', '--alias', 'al', '--ip', '10.213.7.9', network, id]));
  const connected = await settings(id);
  assert.deepEqual([connected.Networks[network]!.IPAddress, connected.Networks[network]!.IPPrefixLen, connected.Networks[network]!.Aliases], ['10.213.7.9', 24, ['al']]);
  assert.deepEqual(['al', 'first.example', id.slice(0, 12)].filter((name) => !connected.Networks[network]!.DNSNames!.includes(name)), []);
  assert.match(await inside(id, 'ip -4 -o address show eth1; cat /etc/hosts /etc/resolv.conf'), /inet 10\.213\.7\.9\/24 [^]*\n10\.213\.7\.9\tfirst\.example first\n[^]*nameserver 127\.0\.0\.11\n/);
  succeeded(await engine.docker(['network', 'disconnect', 'bridge', id]));
  const left = await settings(id);
  assert.deepEqual([Object.keys(left.Networks), left.IPAddress], [[network], '']);
  assert.equal(await inside(id, 'ip -4 -o address | grep -c eth'), '1\n');
  assert.match(await inside(id, 'ip route'), /default via 10\.213\.7\.1 /);
  assert.equal((await inside(id, 'grep -c first.example /etc/hosts')).trim(), '1');
  succeeded(await engine.docker(['restart', '-t', '0', id]));
  assert.deepEqual([Object.keys((await settings(id)).Networks), (await settings(id)).Networks[network]!.IPAddress], [[network], '10.213.7.9']);
  await remove(id);
});

test('networks of a container that does not run are those of its next start', async () => {
  const id = succeeded(await create('--network', network, busybox, 'sh', '-c', 'ip -4 -o address | grep -c eth')).trim();
  succeeded(await engine.docker(['network', 'connect', other, id]));
  assert.deepEqual(Object.keys((await settings(id)).Networks).toSorted(), [network, other].toSorted());
  assert.equal(succeeded(await engine.docker(['start', '-a', id])), '2\n');
  succeeded(await engine.docker(['network', 'disconnect', network, id]));
  assert.equal(succeeded(await engine.docker(['start', '-a', id])), '1\n');
  await remove(id);
});

test('several networks at once, with addresses and a MAC of their own', async () => {
  const id = await sleeper('--network', `name=${network},ip=10.213.7.11,mac-address=02:42:0a:d5:07:0b`, '--network', `name=${other},ip=10.213.8.11,alias=there`);
  const { Networks } = await settings(id);
  assert.deepEqual([Networks[network]!.IPAddress, Networks[network]!.MacAddress, Networks[other]!.IPAddress, Networks[other]!.Aliases], ['10.213.7.11', '02:42:0a:d5:07:0b', '10.213.8.11', ['there']]);
  assert.equal(await inside(id, 'ip -4 -o address | grep -c eth'), '2\n');
  await remove(id);
});

test('another name is found by the new one', async () => {
  const [id, name] = [await sleeper('--network', network), engine.unique('renamed')];
  succeeded(await engine.docker(['rename', id, name]));
  assert.ok((await settings(id)).Networks[network]!.DNSNames!.includes(name));
  assert.match(succeeded(await run('--network', network, busybox, 'nslookup', '-type=a', name)), /10\.213\.7\./);
  await remove(id);
});

test('name servers, search lists, hosts', async () => {
  const said = succeeded(await run('--dns', '192.0.2.1', '--dns-search', 'a.example', '--dns-option', 'ndots:3', '--add-host', 'foo:192.0.2.7', '--add-host', 'gw:host-gateway', busybox, 'sh', '-c', 'cat /etc/resolv.conf /etc/hosts; ip route'));
  const gateway = /default via (\S+)/.exec(said)![1]!;
  for (const line of ['nameserver 192.0.2.1', 'search a.example', 'options ndots:3', '192.0.2.7\tfoo', `${gateway}\tgw`]) assert.ok(said.split('\n').includes(line), `${line}\n${said}`);
  assert.doesNotMatch(succeeded(await run('--network', network, '--dns-search', '.', busybox, 'cat', '/etc/resolv.conf')), /^search /m);
});

test('what the container writes into hosts and resolv.conf is left alone while it runs, and made anew at each start', async () => {
  const id = await sleeper('--network', network);
  await inside(id, 'echo "# mine" >> /etc/resolv.conf; echo "192.0.2.9 mine" >> /etc/hosts');
  succeeded(await engine.docker(['network', 'connect', other, id]));
  const count = 'grep -c mine /etc/resolv.conf; grep -c mine /etc/hosts; true';
  assert.equal(await inside(id, count), '1\n1\n');
  succeeded(await engine.docker(['restart', '-t', '0', id]));
  assert.equal(await inside(id, count), '0\n0\n');
  await remove(id);
});

test('who shares a network has the same links, names and counters', async () => {
  const id = await sleeper('--network', network, '--hostname', 'lender');
  const shared = await sleeper('--network', `container:${id}`);
  assert.equal(await inside(shared, 'ip -o link show eth0 | cut -d: -f2; hostname; tail -n 1 /etc/hosts'), await inside(id, 'ip -o link show eth0 | cut -d: -f2; hostname; tail -n 1 /etc/hosts'));
  assert.deepEqual((await settings(shared)).Networks, {});
  const { networks } = (await engine.http('GET', `/containers/${shared}/stats?stream=false&one-shot=true`)).json() as { networks: Record<string, Record<string, number>> };
  assert.deepEqual([Object.keys(networks), Object.keys(networks['eth0']!)], [['eth0'], ['rx_bytes', 'rx_packets', 'rx_errors', 'rx_dropped', 'tx_bytes', 'tx_packets', 'tx_errors', 'tx_dropped']]);
  await remove(id, shared);
});

test('kernel parameters of a network are set in the one that was made ready', async () => {
  assert.equal(succeeded(await run('--sysctl', 'net.ipv4.ip_local_port_range=2000 3000', '--sysctl', 'net.core.somaxconn=77', busybox, 'cat', '/proc/sys/net/ipv4/ip_local_port_range', '/proc/sys/net/core/somaxconn')).replaceAll(/\s+/g, ' ').trim(), '2000 3000 77');
});

test('what never could be is refused when it is asked for, in dockerd\'s words', async () => {
  const refusals: readonly (readonly [args: readonly string[], message: RegExp])[] = [
    [['--ip', '172.17.0.9'], /invalid config for network bridge: invalid endpoint settings:\s+user specified IP address is supported on user defined networks only/],
    [['--network', network, '--ip', '192.0.2.1'], /invalid config for network .*: invalid endpoint settings/],
    [['--network', 'container:nobody', '-p', '80:80'], /conflicting options: port publishing and the container type network mode/],
    [['--network', 'container:nobody', '--dns', '192.0.2.1'], /conflicting options: dns and the network mode/],
    [['--network', 'container:nobody', '--hostname', 'x'], /conflicting options: hostname and the network mode/],
    [['--network', 'container:nobody', '--add-host', 'a:192.0.2.1'], /conflicting options: custom host-to-IP mapping and the network mode/],
    [['--network', 'container:nobody', '--expose', '80'], /conflicting options: port exposing and the container type network mode/],
  ];
  for (const [args, message] of refusals) {
    const { code, stderr } = await create(...args, busybox, 'true');
    assert.notEqual(code, 0, args.join(' '));
    assert.match(stderr, message);
  }
  assert.match((await create('--network', 'host', '-p', '80:80', busybox, 'true')).stderr, /WARNING: Published ports are discarded when using host network mode/);
});

test('a network that is not there is missed at the start', async () => {
  const id = succeeded(await create('--network', 'no-such-network', busybox, 'true')).trim();
  assert.match((await engine.docker(['start', id])).stderr, /failed to set up container networking: network no-such-network not found/);
  assert.deepEqual([(await engine.inspect(id)).State.ExitCode, (await engine.inspect(id)).State.Status], [128, 'created']);
  await remove(id);
});

test('connect and disconnect refuse what cannot be, in dockerd\'s words', async () => {
  const [id, alone, hosted] = [await sleeper(), await sleeper('--network', 'none'), await sleeper('--network', 'host')];
  const cases: readonly (readonly [args: readonly string[], message: RegExp])[] = [
    [['connect', network, alone], /container cannot be connected to multiple networks with one of the networks in private \(none\) mode/],
    [['connect', network, hosted], /container sharing network namespace with another container or host cannot be connected to any other network/],
    [['connect', 'host', id], /cannot connect container to host network - container must be created in host network mode/],
    [['connect', 'none', id], /container cannot be connected to multiple networks with one of the networks in private \(none\) mode/],
    [['connect', 'no-such-network', id], /network no-such-network not found/],
    [['connect', network, 'nobody-there'], /No such container: nobody-there/],
    [['disconnect', network, id], /container [0-9a-f]{64} is not connected to network/],
  ];
  for (const [args, message] of cases) {
    const { code, stderr } = await engine.docker(['network', ...args]);
    assert.notEqual(code, 0, args.join(' '));
    assert.match(stderr, message);
  }
  await remove(id, alone, hosted);
});

test('--network none, then none left and another joined, while it runs', async () => {
  const id = await sleeper('--network', 'none');
  succeeded(await engine.docker(['network', 'disconnect', 'none', id]));
  succeeded(await engine.docker(['network', 'connect', network, id]));
  assert.match(await inside(id, 'ip -4 -o address show eth0'), /inet 10\.213\.7\./);
  await remove(id);
});

const noRunc = which('runc') === undefined && 'needs runc';

test('runc makes its containers in the network that was made ready', { skip: onlyOurs || noRunc }, async () => {
  assert.match(succeeded(await run('--runtime', 'runc', '--network', network, '--sysctl', 'net.core.somaxconn=78', busybox, 'sh', '-c', 'ip -4 -o address show eth0; cat /proc/sys/net/core/somaxconn')), /inet 10\.213\.7\.\d+\/24 [^]*\n78\n/);
});

test('update publishes ports and takes them back while it runs, and for the next start', { skip: onlyOurs }, async () => {
  const id = await sleeper('-p', '127.0.0.1:28097:80');
  const update = (body: object) => engine.http('POST', `/containers/${id}/update`, body as Record<string, unknown>);
  assert.equal((await update({ Publish: { '81/tcp': [{ HostIp: '127.0.0.1', HostPort: '28096' }] } })).status, 200);
  assert.deepEqual(await ports(id), ['80/tcp -> 127.0.0.1:28097', '81/tcp -> 127.0.0.1:28096']);
  assert.equal((await update({ Unpublish: { '80/tcp': [] }, Publish: { '82/tcp': [{ HostIp: '127.0.0.1', HostPort: '28097' }] } })).status, 200);
  assert.deepEqual(await ports(id), ['81/tcp -> 127.0.0.1:28096', '82/tcp -> 127.0.0.1:28097']);
  const taken = await update({ Publish: { '83/tcp': [{ HostIp: '127.0.0.1', HostPort: '28096' }] } });
  assert.match(taken.text, /already allocated/);
  const notThere = await update({ Unpublish: { '80/tcp': [] } });
  assert.deepEqual([notThere.status, /is not published/.test(notThere.text)], [404, true], notThere.text);
  succeeded(await engine.docker(['restart', '-t', '0', id]));
  assert.deepEqual(await ports(id), ['81/tcp -> 127.0.0.1:28096', '82/tcp -> 127.0.0.1:28097']);
  await remove(id);
});

test('kill -9 of the daemon, and of the supervisor: networks are as they were, and end with the container', { skip: onlyOurs }, async () => {
  const id = await sleeper('--network', network, '-p', '127.0.0.1:28095:80');
  const before = await settings(id);
  await engine.daemon!.crash();
  await engine.daemon!.start();
  assert.deepEqual(await settings(id), before);
  process.kill(engine.daemon!.supervisorPid!, 'SIGKILL');
  await sleep(500);
  succeeded(await engine.docker(['network', 'connect', other, id]));
  assert.match(await inside(id, 'ip -4 -o address show eth1'), /inet 10\.213\.8\./);
  assert.match((await engine.docker(['run', '-d', ...label, '-p', '127.0.0.1:28095:80', busybox, 'true'])).stderr, /port is already allocated/);
  succeeded(await engine.docker(['stop', '-t', '0', id]));
  await until('its port is free', async () => (await run('-p', '127.0.0.1:28095:80', busybox, 'true')).code === 0);
  await remove(id);
});

test('--explain says what is done for the network', { skip: onlyOurs }, async () => {
  const id = succeeded(await create('--network', network, '-p', '28094:80', busybox, 'true')).trim();
  const { steps } = (await engine.http('GET', `/containers/${id}/estiva/explain`)).json() as { steps: readonly { call: string; text: string }[] };
  assert.deepEqual(steps.slice(0, 3).map(({ call, text }) => [call, text]), [['supervisor', 'a new network namespace'], ['netlink', `network "${network}", the next free address`], ['nf_tables', 'every address, 28094 → 80/tcp']]);
  await remove(id);
});
