// Containers find each other by name, and the world by the servers that they were given.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, test } from 'node:test';
import { openEngine, succeeded, until } from './engine.ts';
import { fetching, openNetworking, skipNetworks } from './network.ts';

const engine = await openEngine();
const net = openNetworking(engine);
const skip = skipNetworks;

/** The addresses that busybox's nslookup finds, of all families. */
async function lookUp(container: string, name: string, ...more: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await net.exec(container, ['nslookup', ...more, name].join(' '));
  return [...stdout.split(/\n\n/).slice(1).join('\n').matchAll(/^Address: (\S+)/gm)].map(([, address]) => address!).toSorted();
}

test('names: container, id, alias and name.network, in any letters; a web page by name', { skip }, async () => {
  const network = await net.network();
  const web = await net.web('--network', network, '--network-alias', 'Www');
  const client = await net.start(['--network', network], 'sleep', '300');
  const address = await net.address(web, network);
  const id = succeeded(await engine.docker(['inspect', '-f', '{{.Id}}', web])).slice(0, 12);
  for (const name of [web, id, 'www', 'WWW', `${web}.${network}`]) assert.deepEqual(await lookUp(client, name), [address], name);
  assert.match(succeeded(await net.exec(client, fetchingByName(web))), / web\n/);
  assert.match(succeeded(await net.exec(client, 'cat /etc/resolv.conf')), /^nameserver 127\.0\.0\.11$/m);
});

test('names: an address says whose it is', { skip }, async () => {
  const network = await net.network();
  const web = await net.start(['--network', network], 'sleep', '300');
  const address = await net.address(web, network);
  assert.match(succeeded(await net.exec(web, `nslookup ${address}`)), new RegExp(`name = ${web}\\.${network}`));
});

test('names: an address of the other family is not "no such name"', { skip }, async () => {
  const network = await net.network();
  const web = await net.start(['--network', network], 'sleep', '300');
  const { code, stdout } = await net.exec(web, `nslookup -type=aaaa ${web}`);
  assert.equal(code, 0, stdout);
  assert.doesNotMatch(stdout, /NXDOMAIN|SERVFAIL/);
});

test('names: those who share an alias are all found', { skip }, async () => {
  const network = await net.network();
  const all = await Promise.all([1, 2, 3].map(() => net.start(['--network', network, '--network-alias', 'pool'], 'sleep', '300')));
  const addresses = await Promise.all(all.map((container) => net.address(container, network)));
  assert.deepEqual(await lookUp(all[0]!, 'pool'), addresses.toSorted());
});

test('names: connect and disconnect while it runs, and another name', { skip }, async () => {
  const [one, two] = [await net.network(), await net.network()];
  const web = await net.web('--network', one);
  const client = await net.start(['--network', two], 'sleep', '300');
  assert.deepEqual(await lookUp(client, web), []);
  succeeded(await engine.docker(['network', 'connect', '--alias', 'late', two, web]));
  assert.deepEqual(await lookUp(client, 'late'), [await net.address(web, two)]);
  assert.match(succeeded(await net.exec(client, fetchingByName('late'))), / web\n/);
  const other = engine.unique('renamed');
  succeeded(await engine.docker(['rename', web, other]));
  assert.equal((await lookUp(client, other)).length, 1);
  assert.deepEqual(await lookUp(client, web), []);
  succeeded(await engine.docker(['network', 'disconnect', two, other]));
  assert.deepEqual(await lookUp(client, 'late'), []);
  succeeded(await engine.docker(['rename', other, web]));
});

test('names: who has stopped is not found, who has started again is', { skip }, async () => {
  const network = await net.network();
  const web = await net.start(['--network', network], 'sleep', '300');
  const client = await net.start(['--network', network], 'sleep', '300');
  succeeded(await engine.docker(['kill', web]));
  await until('the name is gone', async () => (await lookUp(client, web)).length === 0);
  succeeded(await engine.docker(['start', web]));
  assert.deepEqual(await lookUp(client, web), [await net.address(web, network)]);
});

test('names: a link is a name for one container alone', { skip }, async () => {
  const network = await net.network();
  const web = await net.start(['--network', network], 'sleep', '300');
  const linked = await net.start(['--network', network, '--link', `${web}:mine`], 'sleep', '300');
  assert.deepEqual(await lookUp(linked, 'mine'), [await net.address(web, network)]);
  assert.deepEqual(await lookUp(web, 'mine'), []);
});

test('names: the default network has the host\'s servers and no names', { skip }, async () => {
  const web = await net.start([], 'sleep', '300');
  assert.doesNotMatch(succeeded(await net.exec(web, 'cat /etc/resolv.conf')), /127\.0\.0\.11/);
});

test('names: a program may have port 53 for itself', { skip }, async () => {
  const network = await net.network();
  const server = await net.start(['--network', network], 'nc', '-ll', '-p', '53', '-e', 'echo', 'mine');
  await until('it listens', async () => (await net.exec(server, 'netstat -ltn | grep -q ":53 "')).code === 0);
  assert.equal(succeeded(await net.exec(server, 'nc -w 2 127.0.0.1 53 < /dev/null')), 'mine\n');
});

test('names: servers of --dns are asked; an internal network asks nobody', { skip }, async () => {
  const network = await net.network();
  const gateway = succeeded(await engine.docker(['network', 'inspect', '-f', '{{(index .IPAM.Config 0).Gateway}}', network])).trim();
  const first = await net.start(['--network', network, '--dns', gateway], 'sleep', '300');
  await serveNames(gateway);
  assert.deepEqual(await lookUp(first, 'anything.example'), ['198.51.100.7']);
  const internal = await net.network('--internal');
  const closed = await net.start(['--network', internal, '--dns', gateway], 'sleep', '300');
  const { code, stdout } = await net.exec(closed, 'nslookup anything.example');
  assert.notEqual(code, 0, stdout);
});

/** busybox is static and cannot ask for names itself: nslookup does. */
function fetchingByName(name: string): string {
  return `address=$(nslookup -type=a ${name} | sed -n "s/^Address: //p" | tail -1); ${fetching('$address')}`;
}

/** A server of names on the engine's host: everything is 198.51.100.7. */
async function serveNames(address: string): Promise<void> {
  const program = `
    const socket = require('node:dgram').createSocket('udp4', (asked, from) => {
      let end = 12; while (asked[end] !== 0) end += asked[end] + 1;
      const isA = asked.readUInt16BE(end + 1) === 1;
      const head = Buffer.from(asked.subarray(0, end + 5)); head.writeUInt16BE(0x8180, 2); head.writeUInt16BE(isA ? 1 : 0, 6); head.writeUInt16BE(0, 10);
      socket.send(isA ? Buffer.concat([head, Buffer.from('c00c000100010000003c0004c6336407', 'hex')]) : head, from.port, from.address);
    });
    socket.bind(53, ${JSON.stringify(address)}, () => console.log('ready'));
    setInterval(() => { try { process.kill(${process.pid}, 0); } catch { process.exit(); } }, 1000);`;
  const server = spawn('nsenter', [`--net=${net.namespace}`, process.execPath, '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  after(() => { server.kill('SIGKILL'); });
  let said = '';
  server.stdout.on('data', (bytes: Buffer) => { said += bytes.toString(); });
  await until('the server of names is there', () => said.includes('ready'));
}

test('the networks go', { skip }, async () => {
  await net.close();
});
