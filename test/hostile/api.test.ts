// Clients that attack the API: requests that are none, names that are paths, numbers at the edges, connections that stand still. Bad input is
// answered with 4xx and one sentence, never with 500; nobody holds up anybody else; afterwards the daemon is as it was.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openFiles } from '../e2e/census.ts';
import { busybox, openEngine, succeeded, until } from '../e2e/engine.ts';
import { frames, stream } from '../e2e/http.ts';

const engine = await openEngine();
const skip = !engine.ours && 'another engine\'s weaknesses are not ours to test';
const remove = async (...ids: string[]): Promise<void> => { succeeded(await engine.docker(['rm', '-f', ...ids], { timeoutMs: 15_000 })); };
const residentBytes = (): number => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${engine.daemon!.pid}/status`, 'utf8'))![1]) * 1024;
const descriptors = (): number => [...openFiles(engine.daemon!.pid).values()].reduce((sum, one) => sum + one, 0);

function assertRefused(what: string, answer: { readonly status: number; readonly text: string }): void {
  assert.ok((answer.status >= 400 && answer.status < 500) || answer.status === 501, `${what}: ${answer.status} ${answer.text.slice(0, 200)}`);
}

/** Bytes as they are, on a connection of their own; what comes back until it is closed, or for `waitMs`. */
async function raw(bytes: string | Uint8Array, waitMs = 1_000): Promise<string> {
  const socket = connect(engine.socketPath);
  socket.on('error', () => undefined); // A server may hang up on such a client.
  let text = '';
  socket.on('data', (chunk: Buffer) => { text += chunk.toString('latin1'); });
  socket.write(bytes);
  await Promise.race([new Promise((resolve) => socket.once('close', resolve)), sleep(waitMs)]);
  socket.destroy();
  return text;
}

const values: readonly unknown[] = [
  null, true, -1, 0, 1, 1.5, 1e308, 2 ** 53, 2 ** 63, -(2 ** 63), 2 ** 64, '', ' ', 'x', '\0', 'a\0b', '../../x', 'constructor', '__proto__', '\n', 'a'.repeat(5_000),
  [], [null], [1], [''], ['\0'], ['constructor'], [[]], {}, { a: 1 }, { constructor: 'x' }, { '': '' }, { '../../x': 'y' },
];
const configFields = ['Hostname', 'Domainname', 'User', 'AttachStdin', 'Tty', 'OpenStdin', 'Env', 'Cmd', 'Entrypoint', 'WorkingDir', 'Labels', 'StopSignal', 'StopTimeout', 'Shell', 'Volumes', 'ExposedPorts', 'OnBuild', 'Healthcheck', 'NetworkingConfig'];
const hostFields = [
  'Binds', 'NetworkMode', 'LogConfig', 'RestartPolicy', 'AutoRemove', 'CapAdd', 'CapDrop', 'CgroupnsMode', 'ConsoleSize', 'ExtraHosts', 'Dns', 'GroupAdd', 'IpcMode', 'PidMode', 'UTSMode', 'UsernsMode', 'OomScoreAdj',
  'ReadonlyRootfs', 'SecurityOpt', 'ShmSize', 'Runtime', 'Sysctls', 'Tmpfs', 'CpuShares', 'Memory', 'NanoCpus', 'CgroupParent', 'CpuPeriod', 'CpuQuota', 'CpusetCpus', 'CpusetMems', 'Devices', 'DeviceCgroupRules', 'MemoryReservation',
  'MemorySwap', 'MemorySwappiness', 'OomKillDisable', 'PidsLimit', 'Ulimits', 'MaskedPaths', 'ReadonlyPaths', 'Mounts', 'PortBindings', 'VolumesFrom', 'BlkioWeight', 'StorageOpt',
];
const chosen: readonly (readonly [field: string, value: unknown])[] = [
  ['Ulimits', [{ Name: 'nofile', Soft: -1, Hard: -1 }]], ['Ulimits', [{ Name: 'nofile', Soft: 2 ** 63, Hard: 2 ** 63 }]], ['Ulimits', [{ Name: 'constructor', Soft: 1, Hard: 1 }]],
  ['LogConfig', { Type: 'json-file', Config: { constructor: 'x' } }], ['LogConfig', { Type: 'json-file', Config: { 'max-size': '99999999999999999999g' } }],
  ['Devices', [{ PathOnHost: '/dev/null', PathInContainer: '../../x' }]], ['Devices', [{ PathOnHost: '/etc/passwd', PathInContainer: '/dev/x' }]], ['Devices', [{ PathOnHost: '', PathInContainer: '' }]],
  ['Tmpfs', { '/x': 'size=-1' }], ['Tmpfs', { x: '' }], ['Tmpfs', { '/../../x': 'constructor' }], ['Tmpfs', { '/proc': '' }], ['Tmpfs', { '/dev/../proc/x': '' }],
  ['CpusetCpus', '1-2147483647'], ['CpusetCpus', '0-99999999999999999999'], ['MaskedPaths', ['x']], ['MaskedPaths', ['/']], ['ReadonlyPaths', ['../x']],
  ['DeviceCgroupRules', ['c 99999999999:1 r']], ['GroupAdd', ['-1']], ['ConsoleSize', [-1, 99_999_999]], ['SecurityOpt', ['seccomp={}']],
  ['SecurityOpt', ['seccomp={"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["constructor"],"action":"toString"}]}']], ['SecurityOpt', ['seccomp={"defaultAction":"SCMP_ACT_KILL"}']],
  ['ShmSize', -5], ['ShmSize', 2 ** 60], ['OomScoreAdj', -2000], ['OomScoreAdj', 99_999], ['CgroupParent', '/../../../../tmp'], ['CgroupParent', 'a/../../b'],
];

/** Creates, starts and removes; nothing of it may be an error that was not foreseen, or take long. */
async function survives(what: string, body: Record<string, unknown>): Promise<void> {
  const created = await engine.http('POST', '/containers/create', body);
  if (created.status !== 201) return assertRefused(what, created);
  const { Id } = created.json() as { Id: string };
  const began = performance.now();
  const started = await engine.http('POST', `/containers/${Id}/start`);
  if (started.status !== 204) assertRefused(`${what}, start`, started);
  assert.ok(performance.now() - began < 5_000, what);
  const { status } = await engine.http('GET', `/containers/${Id}/json`);
  assert.ok(status === 200 || (status === 404 && what.includes('AutoRemove')), `${what}: inspect says ${status}`);
  const removed = await engine.http('DELETE', `/containers/${Id}?force=1`);
  assert.ok([204, 404, 409].includes(removed.status), `${what}: ${removed.status} ${removed.text}`);
}

test('every field of a create with every kind of value', { skip, timeout: 90_000 }, async () => {
  const plain = { Image: busybox, Cmd: ['true'], Labels: { x: 'y' } };
  const host = { NetworkMode: 'none' };
  for (const field of configFields) for (const value of values) await survives(`${field}: ${JSON.stringify(value)}`, { ...plain, HostConfig: host, [field]: value });
  for (const field of hostFields) for (const value of values) await survives(`HostConfig.${field}: ${JSON.stringify(value)}`, { ...plain, HostConfig: { ...host, [field]: value } });
  for (const [field, value] of chosen) await survives(`HostConfig.${field}: ${JSON.stringify(value)}`, { ...plain, HostConfig: { ...host, [field]: value } });
});

test('parameters of the machine cannot be set through a container', { skip }, async () => {
  const before = ['kernel/core_pattern', 'kernel/core_uses_pid', 'vm/swappiness'].map((name) => readFileSync(`/proc/sys/${name}`, 'utf8'));
  for (const name of ['kernel.core_pattern', 'kernel.core_uses_pid', 'vm.swappiness', 'kernel/core_pattern', 'net/../kernel/core_pattern', 'net.ipv4.../../../kernel/core_pattern']) {
    assertRefused(name, await engine.http('POST', '/containers/create', { Image: busybox, Cmd: ['true'], HostConfig: { NetworkMode: 'none', Sysctls: { [name]: '1' } } }));
  }
  assertRefused('net.* of the host', await engine.http('POST', '/containers/create', { Image: busybox, Cmd: ['true'], HostConfig: { NetworkMode: 'host', Sysctls: { 'net.ipv4.ip_forward': '1' } } }));
  assert.deepEqual(['kernel/core_pattern', 'kernel/core_uses_pid', 'vm/swappiness'].map((name) => readFileSync(`/proc/sys/${name}`, 'utf8')), before);
});

test('bodies of all kinds, to every door that takes one', { skip }, async () => {
  const id = await engine.start([busybox, 'sleep', '1000']);
  const bodies = ['', '{', '[]', 'null', '1', '"x"', '{}{}', '{"Image":1}', '{"a":'.repeat(50_000), '['.repeat(200_000), `{"Image":"${'x'.repeat(1_000_000)}"}`, '\ufeff{}', '\0', '{"__proto__":{"Image":"x"}}', '{"Image":"x","image":"y"}', '{"Cmd":["\\u0000"]}'];
  for (const door of ['/containers/create', `/containers/${id}/exec`, '/exec/x/start', '/build', '/images/load', '/networks/create', '/volumes/create', '/auth', `/containers/${id}/update`]) {
    for (const body of bodies) {
      // Refused before the body was read to its end, the connection may be closed under the writer.
      const answer = await engine.http('POST', door, body).catch((error: unknown) => ({ status: (error as NodeJS.ErrnoException).code === 'EPIPE' ? 400 : 0, text: String(error) }));
      // What names no registry means Docker Hub, and nothing is within reach of these tests.
      if (door === '/auth' && answer.status === 503) continue;
      // An update that asks for nothing is one, as dockerd has it.
      const taken = door.endsWith('/update') ? 200 : 201;
      if (answer.status !== taken) assertRefused(`${door} ${body.slice(0, 40)}`, answer.status === 200 && door === '/images/load' ? { status: 400, text: answer.text } : answer);
    }
  }
  for (const type of ['text/plain', 'application/json;charset=utf-16', '', 'x'.repeat(10_000)]) assert.ok((await engine.http('POST', '/containers/create', '{"Image":"x"}', { headers: { 'Content-Type': type } })).status < 500, type);
  await remove(id);
});

test('ids and names that are paths reach nothing', { skip }, async () => {
  const root = engine.daemon!.place.rootDir;
  const before = readdirSync(root).toSorted();
  const names = ['..', '../..', '../../etc/passwd', '%2e%2e', '%2e%2e%2f%2e%2e%2fetc%2fpasswd', '..%2f..%2f', '%00', 'x%00', '%ff', '%', 'constructor', '__proto__', '%0d%0aX: y', 'a'.repeat(10_000), '', '.', '%2F', '*', '%25', '0', '١'];
  for (const name of names) {
    for (const [method, path] of [['GET', `/containers/${name}/json`], ['DELETE', `/containers/${name}?force=1`], ['POST', `/containers/${name}/start`], ['GET', `/containers/${name}/logs?stdout=1`], ['GET', `/images/${name}/json`], ['DELETE', `/images/${name}`], ['POST', `/exec/${name}/start`], ['GET', `/exec/${name}/json`], ['PUT', `/containers/${name}/archive?path=/`]] as const) {
      const text = await raw(`${method} ${encodeURI(path).replaceAll('%25', '%')} HTTP/1.1\r\nHost: d\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      const status = Number(text.slice(9, 12));
      assert.ok((status >= 300 && status < 500) || status === 501, `${method} ${path}: ${text.slice(0, 200)}`);
    }
  }
  for (const name of ['../x', 'a/b', '/a/b', '..', '.', '-x', '', 'a\nb', 'a b', 'é', 'x'.repeat(5_000), '%2e%2e', 'a\0b']) {
    const answer = await engine.http('POST', `/containers/create?name=${encodeURIComponent(name)}`, { Image: busybox, Cmd: ['true'], HostConfig: { NetworkMode: 'none' } });
    if (answer.status === 201) await remove((answer.json() as { Id: string }).Id);
    else assertRefused(name, answer);
  }
  assert.deepEqual(readdirSync(root).toSorted(), before);
});

test('requests that are no HTTP, or too much of it', { skip }, async () => {
  for (const bytes of ['\0'.repeat(1_000), 'GET', 'GET / HTTP/9.9\r\n\r\n', 'GET /_ping HTTP/1.1\r\n\r\n', `GET /_ping HTTP/1.1\r\nHost: d\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`, `GET /${'x'.repeat(100_000)} HTTP/1.1\r\nHost: d\r\n\r\n`, `GET /_ping HTTP/1.1\r\nHost: d\r\n${'X: y\r\n'.repeat(5_000)}\r\n`,
    'POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 'POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Length: -1\r\n\r\n', 'POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Length: 99999999999999999999\r\n\r\n{}', 'POST /containers/create HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n',
    'GET /_ping HTTP/1.1\r\nHost: d\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'POST /containers/x/attach HTTP/1.1\r\nHost: d\r\nUpgrade: tcp\r\nConnection: Upgrade\r\nExpect: 100-continue\r\n\r\n']) {
    const text = await raw(bytes, 300);
    assert.ok(text === '' || /^HTTP\/1\.1 (101|[245]\d\d)/.test(text), `${JSON.stringify(bytes.slice(0, 60))}: ${text.slice(0, 100)}`);
    assert.doesNotMatch(text, /^HTTP\/1\.1 500/);
  }
  assert.equal((await engine.http('GET', '/_ping')).status, 200);
});

test('numbers at the edges in queries', { skip }, async () => {
  const id = await engine.start([busybox, 'sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.1; done']);
  const numbers = ['-1', '-2', '1.5', '1e9', '99999999999999999999', 'NaN', '0x10', ' 1', 'constructor', '%00', '2147483648'];
  for (const number of numbers) {
    for (const path of [`/containers/${id}/resize?h=${number}&w=${number}`, `/containers/${id}/kill?signal=${number === '-1' || number === ' 1' ? 'x' : number}`]) {
      assert.ok((await engine.http('POST', encodeURI(path).replaceAll('%25', '%'))).status < 500, path);
    }
    for (const path of [`/containers/${id}/logs?stdout=1&tail=${number}`, `/containers/${id}/logs?stdout=1&since=${number}`, `/containers/json?limit=${number}`, `/containers/json?filters=${number}`]) {
      assert.ok((await engine.http('GET', encodeURI(path).replaceAll('%25', '%'))).status < 500, path);
    }
  }
  assert.equal((await engine.inspect(id)).State.Running, true);
  await remove(id);
});

/** `count` connections in the state that `bring` brings them into. */
async function connections(count: number, bring: (socket: Socket, index: number) => void): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (let i = 0; i < count; i += 1) {
    const socket = connect(engine.socketPath);
    socket.on('error', () => undefined); // Cut off by the server: what is tested.
    socket.resume();
    sockets.push(socket);
    socket.once('connect', () => bring(socket, i));
    if (i % 50 === 49) await sleep(5);
  }
  return sockets;
}

async function pingMs(): Promise<number> {
  const began = performance.now();
  assert.equal((await engine.http('GET', '/_ping')).status, 200);
  return performance.now() - began;
}

test('a thousand connections that stand still: others are served, and the still ones are closed', { skip, timeout: 40_000 }, async () => {
  const before = residentBytes();
  const sockets = await connections(1_000, (socket, i) => {
    if (i % 4 === 1) socket.write('GET /_ping HT');
    if (i % 4 === 2) socket.write('POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{');
    if (i % 4 === 3) socket.write(`GET /containers/json HTTP/1.1\r\nHost: d\r\nX: ${'x'.repeat(1000)}`);
  });
  await sleep(200);
  const times = [];
  for (let i = 0; i < 20; i += 1) times.push(await pingMs());
  assert.ok(times.toSorted((a, b) => a - b)[15]! < 200, `pings took ${times.map(Math.round).join()} ms`);
  assert.equal(succeeded(await engine.run(['--rm', busybox, 'echo', 'served'])), 'served\n');
  assert.ok(residentBytes() - before < 64 << 20, `${(residentBytes() - before) >> 20} MiB`);
  await until('half-sent heads are cut off', () => sockets.filter((_, i) => i % 2 === 1).every((socket) => socket.closed || socket.readyState !== 'open'), 20_000);
  for (const socket of sockets) socket.destroy();
});

test('streams that nobody reads: attach, logs, exec; a flood goes on at its pace and memory stays flat', { skip, timeout: 60_000 }, async () => {
  const id = await engine.create({ Cmd: ['sh', '-c', 'while :; do seq 1 20000; done'], AttachStdout: true }, { LogConfig: { Type: 'json-file', Config: { 'max-size': '4m', 'max-file': '2' } } });
  const stuck: Socket[] = [];
  for (let i = 0; i < 20; i += 1) {
    const { socket } = await engine.hijack(`/containers/${id}/attach?stream=1&stdout=1&stderr=1`);
    socket.on('error', () => undefined); // Cut off by the daemon: what may happen to it.
    socket.pause();
    stuck.push(socket);
  }
  await engine.http('POST', `/containers/${id}/start`);
  for (let i = 0; i < 20; i += 1) {
    const logs = await stream(engine.socketPath, 'GET', `/containers/${id}/logs?follow=1&stdout=1`);
    logs.socket.on('error', () => undefined);
    logs.on('error', () => undefined);
    logs.socket.pause();
    stuck.push(logs.socket);
  }
  await sleep(1_000);
  const before = residentBytes();
  const logged = async (): Promise<string> => (await engine.docker(['logs', '--timestamps', '--tail', '1', id])).stdout;
  const [first, times] = [await logged(), [] as number[]];
  for (let i = 0; i < 30; i += 1) times.push(await pingMs());
  await sleep(2_000);
  assert.notEqual(await logged(), first, 'the program stands still');
  assert.ok(residentBytes() - before < 96 << 20, `${(residentBytes() - before) >> 20} MiB more`);
  assert.ok(times.toSorted((a, b) => a - b)[25]! < 500, `pings took ${times.map(Math.round).join()} ms`);
  succeeded(await engine.docker(['stop', '-t', '1', id], { timeoutMs: 15_000 }));
  for (const socket of stuck) socket.destroy();
  await remove(id);
});

test('clients of hijacked connections: a byte at a time, halves, garbage, gone in the middle', { skip, timeout: 30_000 }, async () => {
  const id = await engine.create({ Cmd: ['cat'], OpenStdin: true, StdinOnce: false, AttachStdin: true, AttachStdout: true });
  await engine.http('POST', `/containers/${id}/start`);
  const slow = await engine.hijack(`/containers/${id}/attach?stream=1&stdin=1&stdout=1`);
  const received: Buffer[] = [];
  slow.socket.on('data', (chunk: Buffer) => received.push(chunk));
  const heard = (): string => frames(Buffer.concat(received)).stdout;
  for (const byte of 'slow\n') {
    slow.socket.write(byte);
    await sleep(20);
  }
  await until('it is echoed', () => heard() === 'slow\n');
  for (let i = 0; i < 50; i += 1) {
    const { socket } = await engine.hijack(`/containers/${id}/attach?stream=1&stdin=${i % 2}&stdout=1&logs=${i % 3}`);
    socket.on('error', () => undefined); // It is reset in the middle, on purpose.
    if (i % 5 === 0) socket.end();
    else if (i % 5 === 1) socket.write('x', () => socket.destroy());
    else if (i % 5 === 2) socket.end(Buffer.alloc(100_000, 1));
    else socket.destroy();
  }
  slow.socket.write('still here\n');
  await until('it is still there', () => heard().endsWith('still here\n'));
  await remove(id);
});

test('storms of waits, logs and inspects end with what they wait for', { skip, timeout: 30_000 }, async () => {
  const before = descriptors();
  const id = await engine.start([busybox, 'sleep', '1000']);
  const abort = new AbortController();
  const waits = Array.from({ length: 300 }, (_, i) => engine.http('POST', `/containers/${id}/wait?condition=${['not-running', 'next-exit', 'removed'][i % 3]}`, undefined, { signal: abort.signal }).catch(() => undefined));
  const logs = Array.from({ length: 100 }, () => engine.http('GET', `/containers/${id}/logs?follow=1&stdout=1`, undefined, { signal: abort.signal }).catch(() => undefined));
  await sleep(300);
  assert.ok(await pingMs() < 1_000);
  await Promise.all(Array.from({ length: 200 }, () => engine.inspect(id)));
  await remove(id);
  const ended = Promise.all([...waits, ...logs]);
  assert.equal(await Promise.race([ended.then(() => 'ended'), sleep(10_000, 'not ended', { ref: false })]), 'ended');
  abort.abort();
  await until('descriptors are given back', () => descriptors() <= before + 5, 5_000);
});

test('verbs of all kinds on one container at the same time', { skip, timeout: 40_000 }, async () => {
  for (let round = 0; round < 5; round += 1) {
    const id = await engine.create({ Cmd: ['sleep', '0.3'] });
    const verbs = [['POST', 'start'], ['POST', 'kill'], ['POST', 'stop?t=0'], ['GET', 'json'], ['POST', 'start'], ['GET', 'logs?stdout=1'], ['POST', 'resize?h=1&w=1'], ['POST', 'wait'], ['DELETE', '?force=1']] as const;
    const answers = await Promise.all(Array.from({ length: 27 }, (_, i) => {
      const [method, path] = verbs[(i * 7 + round) % verbs.length]!;
      return engine.http(method, path.startsWith('?') ? `/containers/${id}${path}` : `/containers/${id}/${path}`, undefined, { timeoutMs: 15_000 });
    }));
    for (const { status, text } of answers) assert.ok(status < 500, `${status} ${text}`);
    await engine.http('DELETE', `/containers/${id}?force=1`);
    assert.ok(!existsSync(join(engine.daemon!.place.rootDir, 'containers', id)));
  }
});

test('after all that: no container, the daemon and its supervisor the same', { skip }, async () => {
  assert.equal((await engine.docker(['ps', '-aq'])).stdout, '');
  assert.ok(engine.daemon!.supervisorPid !== undefined);
  assert.doesNotMatch(engine.daemon!.log, /the supervisor died/);
});
