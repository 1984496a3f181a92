// Published ports from everywhere: this host, its loopback, another host, other containers, the container itself; IPv4 and IPv6. And what must not be reached.
import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { command } from './command.ts';
import { busybox, openEngine, succeeded, until } from './engine.ts';
import { fetching, neighbourPort, openNetworking, skipNetworks, unreachable } from './network.ts';

const engine = await openEngine();
const net = openNetworking(engine);
const skip = skipNetworks;
const estiva = resolve(import.meta.dirname, '../../bin/estiva');
const oursOnly = skip || (engine.ours ? false : 'only Estiva promises it');

/** Far from the ports that systems give out by themselves, and another for each. */
let lastPort = 20_000 + (process.pid % 5000);
const port = (): number => ++lastPort;

async function hostPort(container: string, inside = '80/tcp'): Promise<number> {
  return Number(/:(\d+)$/m.exec(succeeded(await engine.docker(['port', container, inside])))![1]);
}

test('-p: from this host, another host, a container and the container itself', { skip }, async () => {
  const neighbour = await net.neighbour();
  const published = port();
  const web = await net.web('-p', `${published}:80`);
  const other = await net.start([], 'sleep', '300');
  // In a network of IPv4 alone a dockerd's proxy listens at [::], too; ours has no proxy, and IPv6 with networks that have it (below).
  const everywhere = [`80/tcp -> 0.0.0.0:${published}`, ...engine.ours ? [] : [`80/tcp -> [::]:${published}`]];
  assert.deepEqual(succeeded(await engine.docker(['port', web])).trim().split('\n').toSorted(), everywhere);
  for (const address of ['127.0.0.1', neighbour.host, ...engine.ours ? [] : ['::1', neighbour.host6]]) assert.match(succeeded(await net.host.sh(fetching(address, published))), / web\n/, address);
  assert.equal(succeeded(await neighbour.sh(fetching(neighbour.host, published))), `${neighbour.address} web\n`, 'the server sees who asks');
  for (const container of [other, web]) assert.match(succeeded(await net.exec(container, fetching(neighbour.host, published))), / web\n/);
});

test('-p in a network with IPv6: the server sees who asks over IPv6', { skip }, async () => {
  const neighbour = await net.neighbour();
  const network = await net.network('--ipv6', '--subnet', '2001:db8:78::/64');
  const published = port();
  const web = await net.web('--network', network, '-p', `${published}:80`);
  assert.deepEqual(succeeded(await engine.docker(['port', web])).trim().split('\n').toSorted(), [`80/tcp -> 0.0.0.0:${published}`, `80/tcp -> [::]:${published}`]);
  assert.equal(succeeded(await neighbour.sh(fetching(neighbour.host6, published))), `${neighbour.address6} web\n`);
  assert.match(succeeded(await net.host.sh(fetching('::1', published))), / web\n/);
});

test('-p 127.0.0.1: not from other hosts, not by the container\'s own address either (T22)', { skip }, async () => {
  const neighbour = await net.neighbour();
  const published = port();
  const web = await net.web('-p', `127.0.0.1:${published}:80`);
  assert.match(succeeded(await net.host.sh(fetching('127.0.0.1', published))), / web\n/);
  unreachable(await neighbour.sh(fetching(neighbour.host, published)));
  unreachable(await neighbour.sh(fetching(await net.address(web, 'bridge'))));
});

test('what is not published is not reached from outside, what is goes by the host only (T22)', { skip }, async () => {
  const neighbour = await net.neighbour();
  const network = await net.network();
  const web = await net.web('--network', network, '--expose', '80');
  const address = await net.address(web, network);
  assert.match(succeeded(await net.host.sh(fetching(address))), / web\n/);
  unreachable(await neighbour.sh(fetching(address)));
});

test('-p with an address, with a range, with any port; -P', { skip }, async () => {
  const neighbour = await net.neighbour();
  const first = port();
  const named = await net.web('-p', `${neighbour.host}:${first}:80`);
  assert.match(succeeded(await neighbour.sh(fetching(neighbour.host, first))), / web\n/);
  unreachable(await net.host.sh(fetching('127.0.0.1', first)));
  lastPort += 3;
  const range = `${lastPort - 2}-${lastPort}:80`;
  const ports = [await hostPort(await net.web('-p', range)), await hostPort(await net.web('-p', range))];
  assert.deepEqual(ports, [lastPort - 2, lastPort - 1]);
  for (const wish of [['-p', '80'], ['-P', '--expose', '80']]) assert.match(succeeded(await net.host.sh(fetching('127.0.0.1', await hostPort(await net.web(...wish))))), / web\n/);
  assert.equal(succeeded(await engine.docker(['port', named, '80'])).trim(), `${neighbour.host}:${first}`);
});

test('a port that is taken: the start fails, says so, and is possible later', { skip }, async () => {
  const published = port();
  const web = await net.web('-p', `${published}:80`);
  const second = engine.unique('taken');
  const refused = await engine.docker(['run', '-d', '--name', second, '-p', `${published}:80`, busybox, 'sleep', '300']);
  assert.equal(refused.code, 125);
  assert.match(refused.stderr, engine.ours ? new RegExp(`${published}.*${web}|${web}.*${published}`) : /port is already allocated/);
  succeeded(await engine.docker(['kill', web]));
  succeeded(await engine.docker(['start', second]));
  succeeded(await engine.docker(['rm', '-f', second]));
});

test('a port closes with its container and opens with it again', { skip }, async () => {
  const published = port();
  const web = await net.web('-p', `${published}:80`);
  succeeded(await engine.docker(['kill', web]));
  await until('it is closed', async () => (await net.host.sh(fetching('127.0.0.1', published))).code !== 0);
  succeeded(await engine.docker(['start', web]));
  await until('it is open', async () => (await net.host.sh(fetching('127.0.0.1', published))).code === 0);
});

test('outwards: other hosts see this host\'s address, not the container\'s; in a routed network they see it, and reach it', { skip }, async () => {
  const neighbour = await net.neighbour();
  const masked = await net.network();
  const routed = await net.network('--opt', 'com.docker.network.bridge.gateway_mode_ipv4=routed');
  const [one, two] = [await net.start(['--network', masked], 'sleep', '300'), await net.start(['--network', routed], 'sleep', '300')];
  const seen = async (container: string): Promise<string> => succeeded(await net.exec(container, fetching(neighbour.address, neighbourPort))).split(' ')[0]!;
  assert.equal(await seen(one), neighbour.host);
  assert.equal(await seen(two), await net.address(two, routed));
});

test('ports are added to and taken from a running container', { skip: oursOnly }, async () => {
  const published = port();
  const web = await net.web();
  const change = async (flag: string): Promise<void> => { succeeded(await command(estiva, ['update', flag, `${published}:80`, web], { env: { ...process.env, DOCKER_HOST: engine.dockerHost } })); };
  await change('--publish');
  assert.match(succeeded(await net.host.sh(fetching('127.0.0.1', published))), / web\n/);
  assert.equal(await hostPort(web), published);
  await change('--unpublish');
  unreachable(await net.host.sh(fetching('127.0.0.1', published)));
});

test('rules that somebody flushed are back within a second (T23)', { skip: oursOnly }, async () => {
  const neighbour = await net.neighbour();
  const published = port();
  const web = await net.web('-p', `${published}:80`);
  const address = await net.address(web, 'bridge');
  succeeded(await net.host.sh('nft flush ruleset'));
  const began = performance.now();
  await until('the port is open again', async () => (await neighbour.sh(fetching(neighbour.host, published))).code === 0, 3000);
  assert.ok(performance.now() - began < 1500, `${performance.now() - began} ms`);
  unreachable(await neighbour.sh(fetching(address)));
});

test('the networks go', { skip }, async () => {
  await net.close();
});
