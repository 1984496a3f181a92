// The resolver with real sockets: containers are network namespaces of the test's own, servers are sockets in them. Node's own resolver (c-ares) asks where it can,
// so that not only our own hand reads the answers.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { Resolver } from 'node:dns/promises';
import { readdirSync } from 'node:fs';
import { Server, Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { ContainerId } from '../../base/index.ts';
import { bindSocket, connectDatagram, inNetwork, newNetwork, openSocket, Readiness, receiveDatagram, sendDatagram, type Fd } from '../../kernel/index.ts';
import type { Endpoint, NetworkId } from '../network.ts';
import type { Dns } from './dns.ts';
import { waitingPerContainerMax } from './forward.ts';
import { openDns } from './open.ts';
import { A, AAAA, nameIn, PTR, question, questionIn, read, reply, soa, TXT, type Read } from './wire.fixture.ts';

const skip = process.getuid?.() === 0 ? false : 'needs root';
const id = (text: string): ContainerId => text as ContainerId;
const resolver = { address: '127.0.0.11', port: 53 };
const serverAddress = '127.0.0.53';

interface House {
  readonly dns: Dns;
  readonly readiness: Readiness;
  readonly owned: DisposableStack;
  container(name: string, wish?: { readonly servers?: readonly string[]; readonly ipv4?: string; readonly ipv6?: string; readonly aliases?: readonly string[] }): Fd;
}

function house(t: TestContext): House {
  const owned = new DisposableStack();
  t.after(() => owned.dispose());
  const readiness = owned.use(new Readiness());
  const dns = owned.use(openDns({ resolvConf: '/dev/null' }));
  let count = 1;
  return {
    dns, readiness, owned,
    container(name, { servers = [], ipv4 = `10.9.0.${++count}/16`, ipv6, aliases = [] } = {}) {
      const namespace = owned.use(newNetwork());
      const endpoint: Endpoint = { id: '', networkId: 'n' as NetworkId, network: 'mesh', interface: 'eth0', hostLink: '', mac: '', ipv4, ipv6, linkLocal: [], dnsNames: [name, `id-of-${name}`, ...aliases] };
      dns.serve({ containerId: id(name), namespace, servers });
      dns.add({ containerId: id(name), networkId: 'n' as NetworkId, endpoint, links: new Map() });
      return namespace;
    },
  };
}

const within = <T>(promise: Promise<T>, ms = 8000): Promise<T> => {
  let timer: NodeJS.Timeout;
  return Promise.race([promise, new Promise<never>((_, reject) => { timer = setTimeout(() => reject(new Error(`No answer within ${ms} ms`)), ms); })]).finally(() => clearTimeout(timer));
};

async function askRaw({ readiness }: House, namespace: Fd, bytes: Buffer): Promise<Buffer> {
  using socket = inNetwork(namespace, () => connectDatagram(resolver));
  const buffer = Buffer.alloc(0x10000);
  sendDatagram(socket, bytes);
  try {
    return await within(new Promise((resolve) => {
      readiness.watch(socket, () => {
        const got = receiveDatagram(socket, buffer);
        if (got !== undefined) resolve(Buffer.from(buffer.subarray(0, got.length)));
      });
    }));
  } finally {
    readiness.unwatch(socket);
  }
}

const ask = async (there: House, namespace: Fd, name: string, type = A, edns?: number): Promise<Read> => read(await askRaw(there, namespace, question(name, { type, ...edns === undefined ? {} : { edns } })));

async function askByStream(namespace: Fd, ...messages: readonly Buffer[]): Promise<readonly Buffer[]> {
  const stream = new Socket({ fd: inNetwork(namespace, () => openSocket('stream', resolver.address)).release() });
  stream.connect({ host: resolver.address, port: resolver.port });
  const answers: Buffer[] = [];
  let rest = Buffer.alloc(0);
  try {
    stream.write(Buffer.concat(messages.flatMap((message) => [Buffer.of(message.length >> 8, message.length & 0xff), message])));
    await within(new Promise<void>((resolve, reject) => {
      stream.on('error', reject);
      stream.on('close', () => resolve());
      stream.on('data', (bytes: Buffer) => {
        for (rest = Buffer.concat([rest, bytes]); rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0); rest = rest.subarray(2 + rest.readUInt16BE(0))) answers.push(rest.subarray(2, 2 + rest.readUInt16BE(0)));
        if (answers.length === messages.length) resolve();
      });
    }));
  } finally {
    stream.destroy();
  }
  return answers;
}

/** A server in that namespace: `answer` gives what is sent back. What it was asked is kept. */
function serve({ readiness, owned }: House, namespace: Fd, answer: (asked: Buffer) => readonly Buffer[], address = serverAddress): Buffer[] {
  const { socket } = inNetwork(namespace, () => bindSocket('datagram', { address, port: 53 }));
  const asked: Buffer[] = [];
  const buffer = Buffer.alloc(0x10000);
  readiness.watch(socket, () => {
    for (let got = receiveDatagram(socket, buffer); got !== undefined; got = receiveDatagram(socket, buffer)) {
      const bytes = Buffer.from(buffer.subarray(0, got.length));
      asked.push(bytes);
      for (const one of answer(bytes)) sendDatagram(socket, one, got.from);
    }
  });
  owned.defer(() => {
    readiness.unwatch(socket);
    socket[Symbol.dispose]();
  });
  return asked;
}

const address = (...bytes: readonly number[]): { readonly type: number; readonly ttl: number; readonly data: Buffer } => ({ type: A, ttl: 60, data: Buffer.from(bytes) });

test('names, aliases and ids are answered in any letters; every other type is empty and not "no such name"; addresses have names', { skip }, async (t) => {
  const there = house(t);
  const web = there.container('web', { ipv4: '10.9.0.2/16', aliases: ['www'] });
  there.container('db', { ipv4: '10.9.0.3/16', ipv6: 'fd00::3/64', aliases: ['www'] });
  const cares = new Resolver({ timeout: 3000, tries: 1 });
  cares.setServers([resolver.address]);
  const resolved = <T>(ask: () => Promise<T>): Promise<T> => inNetwork(web, ask);
  assert.deepEqual(await resolved(() => cares.resolve4('DB')), ['10.9.0.3']);
  assert.deepEqual(await resolved(() => cares.resolve4('id-of-db')), ['10.9.0.3']);
  assert.deepEqual(await resolved(() => cares.resolve4('db.mesh')), ['10.9.0.3']);
  assert.deepEqual(await resolved(() => cares.resolve6('db')), ['fd00::3']);
  assert.deepEqual(await resolved(() => cares.reverse('10.9.0.3')), ['db.mesh']);
  assert.deepEqual(await resolved(() => cares.reverse('fd00::3')), ['db.mesh']);
  await assert.rejects(resolved(() => cares.resolve6('web')), { code: 'ENODATA' });
  for (const type of [AAAA, TXT]) assert.deepEqual(await ask(there, web, 'web', type).then(({ rcode, answers }) => [rcode, answers.length]), [0, 0]);
  assert.equal((await ask(there, web, '3.0.9.10.in-addr.arpa', PTR)).answers.length, 1);
  there.dns.remove(id('db'), 'n' as NetworkId);
  assert.deepEqual((await ask(there, web, 'www')).answers.map(({ data }) => [...data]), [[10, 9, 0, 2]]);
});

test('those who share a name take turns', { skip }, async (t) => {
  const there = house(t);
  const one = there.container('one', { aliases: ['all'] });
  for (const name of ['two', 'three']) there.container(name, { aliases: ['all'] });
  const first = new Set<string>();
  for (let i = 0; i < 60; i++) first.add((await ask(there, one, 'all')).answers[0]!.data.join('.'));
  assert.equal(first.size, 3);
});

test('by TCP: several questions in one connection, and an answer too long for a datagram', { skip }, async (t) => {
  const there = house(t);
  const one = there.container('c0', { aliases: ['all'] });
  for (let i = 1; i < 60; i++) there.dns.add({ containerId: id(`c${i}`), networkId: 'n' as NetworkId, links: new Map(), endpoint: { id: '', networkId: 'n' as NetworkId, network: 'mesh', interface: 'eth0', hostLink: '', mac: '', ipv4: `10.9.1.${i}/16`, linkLocal: [], dnsNames: ['all'] } });
  const short = await ask(there, one, 'all');
  assert.ok(short.truncated && short.answers.length > 20);
  assert.equal((await ask(there, one, 'all', A, 4096)).truncated, false, 'EDNS makes room');
  const [all, own] = await askByStream(one, question('all'), question('c0'));
  assert.deepEqual([read(all!).answers.length, read(all!).truncated, read(own!).answers.length], [60, false, 1]);
});

test('a program inside may have port 53 for itself, and a second daemon takes over', { skip }, async (t) => {
  const there = house(t);
  const web = there.container('web');
  for (const kind of ['datagram', 'stream'] as const) inNetwork(web, () => bindSocket(kind, { address: '0.0.0.0', port: 53 })).socket[Symbol.dispose]();
  using next = openDns({ resolvConf: '/dev/null' });
  next.serve({ containerId: id('web'), namespace: web, servers: [] });
  next.add({ containerId: id('web'), networkId: 'n' as NetworkId, links: new Map(), endpoint: { id: '', networkId: 'n' as NetworkId, network: 'mesh', interface: 'eth0', hostLink: '', mac: '', ipv4: '10.9.7.7/16', linkLocal: [], dnsNames: ['web'] } });
  assert.deepEqual([...(await ask(there, web, 'web')).answers[0]!.data], [10, 9, 7, 7]);
  assert.equal((await askByStream(web, question('web'))).length, 1);
});

test('the namespace needs no connection tracking; one that has it sees both halves of a connection', { skip: skip || (spawnSync('nft', ['--version']).status === 0 ? false : 'needs nftables') }, async (t) => {
  const there = house(t);
  const web = there.container('web');
  const rules = inNetwork(web, () => spawnSync('nft', ['list', 'ruleset'], { encoding: 'utf8' }).stdout);
  assert.doesNotMatch(rules, /ct |nat/);
  const strict = 'add table inet t\nadd chain inet t in { type filter hook input priority 0; policy drop; }\nadd rule inet t in ct state established,new meta l4proto { tcp, udp } accept\nadd rule inet t in ct state invalid drop\n';
  assert.equal(inNetwork(web, () => spawnSync('nft', ['-f', '-'], { input: strict, encoding: 'utf8' })).stderr, '');
  assert.equal((await ask(there, web, 'web')).answers.length, 1);
  assert.equal((await askByStream(web, question('web'))).length, 1);
});

test('what nobody here is called is asked of the container\'s own servers, from inside; answers are kept for their time', { skip }, async (t) => {
  const there = house(t);
  const web = there.container('web', { servers: [serverAddress] });
  const asked = serve(there, web, (bytes) => [nameIn(bytes).startsWith('no') ? reply(bytes, { rcode: 3, authority: [{ type: 6, ttl: 60, data: soa(60) }] }) : reply(bytes, { answers: [address(1, 2, 3, 4)] })]);
  const first = read(await askRaw(there, web, question('Example.Test', { id: 4242 })));
  assert.deepEqual([first.id, first.rcode, first.name, first.answers[0]!.data.join('.')], [4242, 0, 'Example.Test', '1.2.3.4']);
  assert.equal((await ask(there, web, 'example.test')).answers[0]!.ttl, 60);
  assert.equal(asked.length, 1);
  for (let i = 0; i < 2; i++) assert.equal((await ask(there, web, 'none.test')).rcode, 3);
  assert.equal(asked.length, 2, '"there is none" is kept as well');
  assert.equal((await ask(there, web, 'example.test', TXT)).rcode, 0);
  assert.equal(asked.length, 3);
});

test('many who ask the same at once are one question; ids upstream are drawn', { skip }, async (t) => {
  const there = house(t);
  const web = there.container('web', { servers: [serverAddress] });
  const asked = serve(there, web, (bytes) => [reply(bytes, { answers: [{ ...address(1, 2, 3, 4), ttl: 0 }] })]);
  await Promise.all(Array.from({ length: 20 }, () => ask(there, web, 'same.test')));
  assert.ok(asked.length < 20, `${asked.length}`);
  for (let i = 0; i < 12; i++) await ask(there, web, `n${i}.test`);
  assert.ok(new Set(asked.map((bytes) => bytes.readUInt16BE(0))).size > 10);
});

test('forged answers are not believed', { skip }, async (t) => {
  const there = house(t);
  const web = there.container('web', { servers: [serverAddress] });
  const poison = address(6, 6, 6, 6);
  serve(there, web, (bytes) => {
    const other = questionIn(question('other.test'));
    return [reply(bytes, { id: bytes.readUInt16BE(0) ^ 1, answers: [poison] }), reply(bytes, { asks: other, answers: [poison] }), reply(bytes, { answers: [poison] }).subarray(0, -2), reply(bytes, { answers: [address(1, 1, 1, 1)] })];
  });
  assert.equal((await ask(there, web, 'bank.test')).answers[0]!.data.join('.'), '1.1.1.1');
});

test('a server that says nothing, one that refuses and one that is not there: the next one is asked', { skip }, async (t) => {
  const there = house(t);
  const web = there.container('web', { servers: ['127.0.0.50', '127.0.0.51', '127.0.0.52', serverAddress] });
  serve(there, web, (bytes) => [reply(bytes, { rcode: 5 })], '127.0.0.51');
  const silent = serve(there, web, () => [], '127.0.0.52');
  serve(there, web, (bytes) => [reply(bytes, { answers: [address(1, 2, 3, 4)] })]);
  const began = performance.now();
  assert.equal((await ask(there, web, 'example.test')).answers.length, 1);
  assert.equal(silent.length, 1);
  assert.ok(performance.now() - began < 3000, 'one patience for the silent one');
});

test('nobody answers: the client hears so, after all that were asked refused at once', { skip }, async (t) => {
  const there = house(t);
  const web = there.container('web', { servers: ['127.0.0.50'] });
  const began = performance.now();
  assert.equal((await ask(there, web, 'example.test')).rcode, 2);
  assert.ok(performance.now() - began < 900, 'a closed port is told at once');
  assert.equal(read((await askByStream(web, question('example.test')))[0]!).rcode, 2);
});

test('an answer that was cut is handed on as cut, and by TCP the server is asked by TCP', { skip }, async (t) => {
  const there = house(t);
  const web = there.container('web', { servers: [serverAddress] });
  serve(there, web, (bytes) => [reply(bytes, { flags: 0x8380 })]);
  const { socket } = inNetwork(web, () => bindSocket('stream', { address: serverAddress, port: 53 }));
  const server = new Server((stream) => {
    stream.on('error', () => stream.destroy());
    stream.on('data', (bytes: Buffer) => {
      const answer = reply(bytes.subarray(2), { answers: Array.from({ length: 100 }, (_, i) => address(1, 2, 3, i)) });
      stream.write(Buffer.concat([Buffer.of(answer.length >> 8, answer.length & 0xff), answer]));
    });
  });
  server.listen({ fd: socket.release() });
  t.after(() => server.close());
  assert.equal((await ask(there, web, 'large.test')).truncated, true);
  assert.equal(read((await askByStream(web, question('large.test')))[0]!).answers.length, 100);
  assert.equal((await ask(there, web, 'large.test')).truncated, true, 'what is kept now is cut for datagrams');
});

test('a closed off container asks nobody outside, and knows its neighbours', { skip }, async (t) => {
  const there = house(t);
  const web = there.container('web', { servers: [serverAddress] });
  const asked = serve(there, web, (bytes) => [reply(bytes, { answers: [address(1, 2, 3, 4)] })]);
  there.dns.isClosedOff(id('web'), true);
  assert.equal((await ask(there, web, 'example.test')).rcode, 2);
  assert.equal((await ask(there, web, 'web')).answers.length, 1);
  assert.equal(asked.length, 0);
  there.dns.isClosedOff(id('web'), false);
  assert.equal((await ask(there, web, 'example.test')).answers.length, 1);
});

test('nonsense harms nobody: the next question is answered', { skip }, async (t) => {
  const there = house(t);
  const web = there.container('web');
  using socket = inNetwork(web, () => connectDatagram(resolver));
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(11), Buffer.alloc(12), Buffer.alloc(60_000, 0xff), Buffer.alloc(4000, 0xc0), question('web').subarray(0, 14)]) sendDatagram(socket, bytes);
  assert.equal((await ask(there, web, 'web')).answers.length, 1);
  assert.equal(read(await askRaw(there, web, question('web', { flags: 0x2800 }))).rcode, 4);
  assert.equal(read(await askRaw(there, web, question('web', { type: 252 }))).rcode, 4, 'zones are not handed out');
  assert.ok((await askByStream(web, Buffer.alloc(5000))).every((answer) => read(answer).rcode === 1), 'a question of 5000 bytes');
  assert.deepEqual(await askByStream(web, ...Array.from({ length: 200 }, () => question('web'))), [], 'a question too many: the connection ends');
  assert.equal((await askByStream(web, question('web'))).length, 1);
});

test('questions in flight are limited for each container, and others go on', { skip }, async (t) => {
  const there = house(t);
  const greedy = there.container('greedy', { servers: [serverAddress] });
  const other = there.container('other', { servers: [serverAddress] });
  serve(there, greedy, () => []);
  serve(there, other, (bytes) => [reply(bytes, { answers: [address(1, 2, 3, 4)] })]);
  using socket = inNetwork(greedy, () => connectDatagram(resolver));
  for (let i = 0; i < waitingPerContainerMax + 20; i++) {
    sendDatagram(socket, question(`n${i}.test`));
    if (i % 20 === 0) await new Promise((resolve) => { setTimeout(resolve, 5); });
  }
  assert.equal((await ask(there, greedy, 'one-more.test')).rcode, 2);
  assert.equal((await ask(there, greedy, 'other')).answers.length, 1, 'names of containers need nobody');
  assert.equal((await ask(there, other, 'example.test')).answers.length, 1);
});

test('dismiss() lets go of the namespace', { skip }, (t) => {
  const there = house(t);
  const descriptors = (): number => readdirSync('/proc/self/fd').length;
  const before = descriptors();
  const namespace = newNetwork();
  there.dns.serve({ containerId: id('gone'), namespace, servers: [serverAddress] });
  there.dns.dismiss(id('gone'));
  namespace[Symbol.dispose]();
  assert.equal(descriptors(), before);
});
