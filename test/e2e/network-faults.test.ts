// The daemon dies in the middle of what it does to networks. Ours alone: a dockerd takes its containers along or repairs less. And the host's own links, addresses,
// routes and rules, which nobody may touch: laid side by side before and after.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { command } from './command.ts';
import type { Daemon } from './daemon.ts';
import { busybox, openEngine, succeeded, until } from './engine.ts';
import { fetching, openNetworking, skipNetworks } from './network.ts';

const before = skipNetworks === false ? await hostState() : [];
const bridgesBefore = await bridgesInRules();
const engine = await openEngine();
const net = openNetworking(engine);
const skip = skipNetworks || (engine.ours ? false : 'only Estiva promises it');
const kills = Math.ceil(Number(process.env.ESTIVA_E2E_KILLS ?? 20) / 4);
const own = (): Daemon => engine.daemon!;
let lastPort = 21_000 + (process.pid % 5000);

/** A line for each link, address, route, tracked subnet and rule in this process's namespace, which is the engine's. */
async function hostState(): Promise<readonly string[]> {
  const lines = await Promise.all(['ip -o link', 'ip -o address', 'ip route show table all', 'ip -6 route show table all', 'ip rule', 'ip -6 rule', 'ip neighbour show nud permanent', 'nft list tables'].map(async (line) => {
    const { stdout } = await command('sh', ['-c', line]);
    return stdout.split('\n').filter((one) => one !== '').map((one) => `${line}: ${one.replace(/^\d+: |@\S+|valid_lft.*|link-netnsid \d+/g, '').trim()}`);
  }));
  return lines.flat().toSorted();
}

/** Of all engines: those of earlier tests left their tables. */
async function bridgesInRules(): Promise<readonly string[]> {
  const { stdout } = await command('nft', ['list', 'ruleset']);
  return stdout.match(/br-[0-9a-f]{12}/g) ?? [];
}

/** The engine's own: the bridge of the default network and its table stay while it runs. */
const isOfDefault = (line: string): boolean => /estiva\d+|inet estiva-|172\.\d+\.(?:0\.|255\.)|fe80::|ff00::/.test(line);

async function removeAll(): Promise<void> {
  const ids = succeeded(await engine.docker(['ps', '-aq'])).split('\n').filter((id) => id !== '');
  if (ids.length > 0) succeeded(await engine.docker(['rm', '-f', ...ids], { timeoutMs: 60_000 }));
  succeeded(await engine.docker(['network', 'prune', '-f']));
}

async function nothingLeft(what: string): Promise<void> {
  let extra: readonly string[] = [];
  await until(`${what}: nothing is left`, async () => {
    const now = await hostState();
    extra = [...now.filter((line) => !before.includes(line) && !isOfDefault(line)), ...before.filter((line) => !now.includes(line)).map((line) => `lost: ${line}`)];
    return extra.length === 0;
  }, 5000).catch((error: unknown) => { throw new Error(`${what}: ${extra.join('\n')}`, { cause: error }); });
  assert.deepEqual((await bridgesInRules()).filter((name) => !bridgesBefore.includes(name)), [], what);
}

test('the host after networks, endpoints and ports is what it was before', { skip }, async () => {
  const network = await net.network('--ipv6');
  const web = await net.web('--network', network, '-p', `${++lastPort}:80`);
  await net.web('-p', `${++lastPort}:80`);
  succeeded(await engine.docker(['network', 'connect', 'bridge', web]));
  assert.notDeepEqual(await hostState(), before);
  await removeAll();
  await nothingLeft('after all is removed');
});

test('kill -9: what runs is reached before, while nobody is there, and after; names come back', { skip }, async () => {
  const network = await net.network();
  const port = ++lastPort;
  const web = await net.web('--network', network, '--network-alias', 'web', '-p', `${port}:80`);
  const client = await net.start(['--network', network], 'sleep', '300');
  const address = await net.address(web, network);
  await own().crash();
  assert.match(succeeded(await net.host.sh(fetching('127.0.0.1', port))), / web\n/, 'without a daemon');
  await own().start();
  assert.match(succeeded(await net.host.sh(fetching('127.0.0.1', port))), / web\n/, 'with the next one');
  assert.match(succeeded(await net.exec(client, 'nslookup web')), new RegExp(address.replaceAll('.', String.raw`\.`)));
  const other = await net.start(['--network', network], 'sleep', '300');
  assert.notEqual(await net.address(other, network), address, 'the address is still known to be taken');
  assert.equal((await engine.docker(['run', '--rm', '-p', `${port}:80`, busybox, 'true'])).code, 125, 'and so is the port');
  succeeded(await engine.docker(['rm', '-f', web]));
  assert.notEqual((await net.host.sh(fetching('127.0.0.1', port))).code, 0);
  await removeAll();
  await nothingLeft('after kill -9');
});

test('kill -9 amid connects, publishes, network creates and removes: nothing is left, nothing is lost', { skip }, async () => {
  for (let round = 0; round < kills; round += 1) {
    const [network, web, port] = [`fault-${round}`, `fault-web-${round}`, ++lastPort];
    const busy = (async () => {
      await engine.docker(['network', 'create', network]);
      await engine.docker(['run', '-d', '--name', web, '--network', network, '-p', `${port}:80`, busybox, 'sleep', '300']);
      await engine.docker(['network', 'connect', 'bridge', web]);
      await engine.docker(['network', 'disconnect', network, web]);
      await engine.docker(['rm', '-f', web]);
      await engine.docker(['network', 'rm', network]);
    })();
    await sleep(50 + round * 97 % 700);
    await own().crash();
    await busy;
    await own().start();
    const running = succeeded(await engine.docker(['ps', '-q'])).split('\n').filter((id) => id !== '');
    const endpoints = await Promise.all(running.map(async (id) => succeeded(await engine.docker(['inspect', '-f', '{{range .NetworkSettings.Networks}}x{{end}}', id])).trim().length));
    const links = succeeded(await command('sh', ['-c', 'ip -o link | grep -c ": ev[0-9a-f]*@" || true'])).trim();
    assert.equal(Number(links), endpoints.reduce((sum, count) => sum + count, 0), `links after kill ${round}`);
    await removeAll();
    await nothingLeft(`kill ${round}`);
  }
});

test('the networks go', { skip }, async () => {
  await net.close();
});
