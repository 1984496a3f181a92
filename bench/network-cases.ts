// Networks: what an endpoint, a published port and a network cost, and how fast bytes and connections get through.
import { spawn, spawnSync } from 'node:child_process';
import { callWaiting, connectDatagram, Fd, inNetwork, Netlink, NETLINK_ROUTE, O, Readiness, receiveDatagram, route, sendDatagram } from '../src/kernel/index.ts';
import { openFabric } from '../src/network/fabric/index.ts';
import { Host } from '../src/network/fabric/packets.fixture.ts';
import { endpoint, forward, networkRecord } from '../src/network/fabric/records.fixture.ts';
import { question, read } from '../src/network/dns/wire.fixture.ts';
import type { BenchEngine } from './engines.ts';
import { image } from './engines.ts';
import type { BenchCase, Subject } from './measure.ts';
import { quantile, timed } from './measure.ts';

const manyPorts = 1000;
const named = 200;

export function networkCases(engines: readonly BenchEngine[]): readonly BenchCase[] {
  const all = (subject: (engine: BenchEngine) => Subject) => () => Promise.resolve(engines.map(subject));
  const own = engines.filter(({ ours }) => ours);
  return [
    { name: 'net-whole', what: 'API: create + start + wait + remove of true, in the default network with one published port', promise: '<= 18 ms', unit: 'ms', runs: 30, warmUp: true, subjects: all((engine) => whole(engine, ['8123'], 'tcp')) },
    { name: 'net-ports', what: `as net-whole, with ${manyPorts} UDP ports; ours alone: a dockerd takes minutes`, promise: '<= 30 ms more', unit: 'ms', runs: 10, warmUp: true, subjects: () => Promise.resolve(own.map((engine) => whole(engine, portNumbers(), 'udp'))) },
    { name: 'net-create', what: 'API: a network made and removed', promise: '<= 10 ms', unit: 'ms', runs: 20, warmUp: true, subjects: all(createAndRemove) },
    { name: 'net-endpoint', what: 'an endpoint by itself: links, addresses, routes', promise: '<= 2 ms', unit: 'ms', runs: 40, warmUp: true, subjects: () => Promise.resolve([endpointAlone()]) },
    { name: 'net-names', what: `the slowest of a hundred answers: ${named} containers in one network ask for each other's names; ours alone: a dockerd takes minutes to start them`, promise: '<= 2 ms', unit: 'ms', runs: 5, warmUp: true, subjects: () => Promise.all(own.map(namesAsked)) },
    { name: 'net-throughput', what: 'a gigabyte through a published port; beside it links and rules made by ip and nft', promise: '<= 1.03 times by hand', unit: 'ms', runs: 5, warmUp: true, subjects: () => Promise.resolve([throughput('estiva', publishOurs), throughput('by hand', publishByHand)]) },
    { name: 'net-connections', what: 'a thousand connections through a published port; beside it links and rules made by ip and nft', promise: '<= 1.03 times by hand', unit: 'ms', runs: 5, warmUp: true, subjects: () => Promise.resolve([connections('estiva', publishOurs), connections('by hand', publishByHand)]) },
  ];
}

function portNumbers(): readonly string[] {
  return Array.from({ length: manyPorts }, (_, i) => String(20_000 + i));
}

function whole(engine: BenchEngine, ports: readonly string[], protocol: string): Subject {
  const keys = ports.map((port) => `${port}/${protocol}`);
  const bindings = Object.fromEntries(keys.map((key, i) => [key, [{ HostPort: ports[i] }]]));
  return {
    name: engine.name,
    run: () => timed(async () => {
      const made = await engine.api.send('POST', '/containers/create', { Image: image, Cmd: ['true'], ExposedPorts: Object.fromEntries(keys.map((key) => [key, {}])), HostConfig: { PortBindings: bindings } });
      const { Id } = JSON.parse(made.text) as { Id: string };
      await engine.api.send('POST', `/containers/${Id}/start`);
      await engine.api.send('POST', `/containers/${Id}/wait`);
      await engine.api.send('DELETE', `/containers/${Id}`);
    }),
  };
}

function createAndRemove(engine: BenchEngine): Subject {
  return {
    name: engine.name,
    run: () => timed(async () => {
      await engine.api.send('POST', '/networks/create', { Name: 'estiva-bench' });
      await engine.api.send('DELETE', '/networks/estiva-bench');
    }),
  };
}

/** Each container asks for ten others in turn; what counts is the 99th percentile, as a program inside sees it. */
async function namesAsked(engine: BenchEngine): Promise<Subject> {
  const network = 'estiva-bench-names';
  const name = (number: number): string => `estiva-bench-name-${number}`;
  await engine.api.send('POST', '/networks/create', { Name: network });
  const sockets: Fd[] = [];
  for (let i = 0; i < named; i++) {
    await engine.api.send('POST', `/containers/create?name=${name(i)}`, { Image: image, Cmd: ['sleep', '1000'], HostConfig: { NetworkMode: network } });
    await engine.api.send('POST', `/containers/${name(i)}/start`);
    const { State: { Pid } } = JSON.parse((await engine.api.send('GET', `/containers/${name(i)}/json`)).text) as { State: { Pid: number } };
    using namespace = Fd.open(`/proc/${Pid}/ns/net`, O.RDONLY);
    sockets.push(inNetwork(namespace, () => connectDatagram({ address: '127.0.0.11', port: 53 })));
  }
  return {
    name: engine.name,
    run: () => {
      const times = Array.from({ length: 10 }, (_, round) => sockets.map((socket, i) => ask(socket, name((i * 7 + round) % named)))).flat();
      return Promise.resolve(quantile(times.toSorted((a, b) => a - b), 0.99));
    },
    close: async () => {
      for (const socket of sockets) socket[Symbol.dispose]();
      for (let i = 0; i < named; i++) await engine.api.send('DELETE', `/containers/${name(i)}?force=1`);
      await engine.api.send('DELETE', `/networks/${network}`);
    },
  };
}

/** Milliseconds until the answer is there. This thread waits in the kernel, as a program does. */
function ask(socket: Fd, name: string): number {
  const buffer = Buffer.alloc(512);
  const began = performance.now();
  sendDatagram(socket, question(name));
  const length = callWaiting('ppoll', pollRequest(socket), 1, timeLimit, 0, 8) === 0 ? 0 : receiveDatagram(socket, buffer)?.length ?? 0;
  if (length === 0 || read(buffer.subarray(0, length)).answers.length !== 1) throw new Error(`No address of ${name}`);
  return performance.now() - began;
}

/** struct pollfd, struct timespec. */
function pollRequest(socket: Fd): Uint8Array {
  const POLLIN = 1;
  const request = Buffer.alloc(8);
  request.writeInt32LE(socket.number, 0);
  request.writeInt16LE(POLLIN, 4);
  return request;
}
const timeLimit = new Uint8Array(BigInt64Array.of(2n, 0n).buffer);

function endpointAlone(): Subject {
  const opened = new DisposableStack();
  const here = opened.use(new Host());
  const fabric = opened.use(here.within(() => openFabric({ engineId: 'be0c', readiness: opened.use(new Readiness()) })));
  const network = networkRecord({ number: 1, ipv6: false });
  here.within(() => fabric.makeNetwork(network));
  let number = 0;
  return {
    name: 'estiva',
    run: async () => {
      using container = new Host();
      const one = endpoint(network, 2, { hostLink: `evb${number++}` });
      const ms = await timed(() => Promise.resolve(here.within(() => fabric.plug(network, one, container.namespace, { isWayOut: true, sysctls: {} }))));
      fabric.abandon(one);
      return ms;
    },
    close: () => Promise.resolve(opened.dispose()),
  };
}

/** Port 8080 of `here`, from outside, leads to port 80 of `container`. */
type Publish = (here: Host, container: Host, opened: DisposableStack) => void;

function publishOurs(here: Host, container: Host, opened: DisposableStack): void {
  const network = networkRecord({ number: 1, ipv6: false });
  const one = endpoint(network, 2);
  here.within(() => {
    const fabric = opened.use(openFabric({ engineId: 'be0c', readiness: opened.use(new Readiness()) }));
    fabric.makeNetwork(network);
    fabric.plug(network, one, container.namespace, { isWayOut: true, sysctls: {} });
    fabric.open([forward(one, '0.0.0.0', 8080, 80, network.link)]);
  });
}

function publishByHand(here: Host, container: Host): void {
  const netlink = here.within(() => new Netlink(NETLINK_ROUTE));
  using _netlink = netlink;
  netlink.send([route.newVeth({ name: 'vhand' }, { name: 'eth0', namespace: container.namespace })]);
  for (const command of ['ip link add brhand type bridge', 'ip link set vhand master brhand', 'ip link set vhand up', 'ip link set brhand up', 'ip addr add 172.30.1.1/24 dev brhand', 'sysctl -qw net.ipv4.ip_forward=1', 'nft add table ip hand', 'nft add chain ip hand pre { type nat hook prerouting priority -100 ; }', 'nft add rule ip hand pre tcp dport 8080 dnat to 172.30.1.2:80']) here.run(command);
  for (const command of ['ip addr add 172.30.1.2/24 dev eth0', 'ip link set eth0 up', 'ip route add default via 172.30.1.1']) container.run(command);
}

function scene(publish: Publish): { readonly outside: Host; readonly container: Host; readonly opened: DisposableStack } {
  const opened = new DisposableStack();
  const [here, outside, container] = [opened.use(new Host()), opened.use(new Host()), opened.use(new Host())];
  using netlink = Netlink.inNamespace(here.namespace, NETLINK_ROUTE);
  netlink.send([route.newVeth({ name: 'wire' }, { name: 'wire', namespace: outside.namespace })]);
  for (const [host, number] of [[here, 1], [outside, 2]] as const) for (const command of [`ip addr add 192.0.2.${number}/24 dev wire`, 'ip link set wire up']) host.run(command);
  publish(here, container, opened);
  return { outside, container, opened };
}

function serve(container: Host, opened: DisposableStack): void {
  const server = container.within(() => spawn(process.execPath, ['-e', `require('node:net').createServer((s) => s.resume()).listen(80, '0.0.0.0')`], { stdio: 'ignore' }));
  opened.defer(() => { server.kill(); });
}

function client(outside: Host, program: string): number {
  const { status, stdout, stderr } = outside.within(() => spawnSync(process.execPath, ['-e', program], { encoding: 'utf8', timeout: 60_000 }));
  if (status !== 0) throw new Error(`The client failed: ${stderr}`);
  return Number(stdout);
}

const connectUntilThere = `const net = require('node:net');
const open = () => new Promise((resolve) => { const s = net.connect(8080, '192.0.2.1', () => resolve(s)); s.on('error', () => setTimeout(() => resolve(open()), 20)); });`;

function traffic(name: string, publish: Publish, program: string): Subject {
  const { outside, container, opened } = scene(publish);
  serve(container, opened);
  return { name, run: () => Promise.resolve(client(outside, program)), close: () => Promise.resolve(opened.dispose()) };
}

function throughput(name: string, publish: Publish): Subject {
  return traffic(name, publish, `${connectUntilThere}
open().then(async (s) => { const b = Buffer.alloc(1 << 20); const t = performance.now(); for (let i = 0; i < 1024; i++) if (!s.write(b)) await new Promise((r) => s.once('drain', r)); s.end(); s.on('close', () => { console.log(performance.now() - t); process.exit(); }); s.resume(); });`);
}

function connections(name: string, publish: Publish): Subject {
  return traffic(name, publish, `${connectUntilThere}
open().then(async (s) => { s.destroy(); const t = performance.now(); for (let i = 0; i < 1000; i++) (await open()).destroy(); console.log(performance.now() - t); process.exit(); });`);
}
