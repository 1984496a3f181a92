// The api over a real unix socket, before a fake engine.
import assert from 'node:assert/strict';
import { linkSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type IncomingHttpHeaders, request } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { pino } from 'pino';
import { isFail } from '../base/index.ts';
import type { Engine } from '../engine/index.ts';
import { FakeEngine, repeat } from './fake-engine.ts';
import { serve } from './index.ts';

const dir = mkdtempSync(join(tmpdir(), 'estiva-api-'));
const socketPath = join(dir, 'api.sock');
const logged: string[] = [];
const log = pino({ level: 'error' }, { write: (line: string) => void logged.push(line) });
let engine = new FakeEngine();
/** One server, and a new engine behind it for each test. */
const current: Engine = {
  get containers() { return engine.containers; },
  get images() { return engine.images; },
  get networks() { return engine.networks; },
  get volumes() { return engine.volumes; },
  get registries() { return engine.registries; },
  get builds() { return engine.builds; },
  get events() { return engine.events; },
  info: () => engine.info(),
  [Symbol.asyncDispose]: async () => undefined,
};
let server: AsyncDisposable;

before(async () => { server = await serve({ engine: current, socketPath, version: '0.0.1', log }); });
after(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true });
});
beforeEach(() => {
  engine = new FakeEngine();
  engine.programs.set('repeat', repeat);
});

interface Answer { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string }

function call(method: string, path: string, body?: string | Buffer, headers: Record<string, string> = { 'Content-Type': 'application/json' }): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path, headers: body === undefined ? {} : headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks).toString('latin1') }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const json = (answer: Answer) => JSON.parse(answer.body) as Record<string, never> & { message: string };

async function created(config: object = {}, name = 'c1'): Promise<string> {
  const answer = await call('POST', `/containers/create?name=${name}`, JSON.stringify({ Image: 'tool', Cmd: ['repeat'], OpenStdin: true, StdinOnce: true, ...config }));
  assert.equal(answer.status, 201, answer.body);
  return json(answer)['Id']!;
}

/** Sends raw bytes and collects the answer until the other side ends; `step` may send more. */
function raw(head: string, step: (socket: Socket, received: () => string) => void = () => undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect({ path: socketPath, allowHalfOpen: true }, () => socket.write(head));
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      received += chunk;
      step(socket, () => received);
    });
    socket.on('end', () => {
      socket.destroy();
      resolve(received);
    });
    socket.on('error', reject);
  });
}

const frame = (stream: 1 | 2, text: string) => `${String.fromCharCode(stream)}\0\0\0\0\0\0${String.fromCharCode(text.length)}${text}`;
const until = async (condition: () => boolean) => { for (let turn = 0; turn < 500 && !condition(); turn += 1) await new Promise((resolve) => setTimeout(resolve, 2)); assert.ok(condition()); };

test('serve() answers ping with all headers, with and without a version', async () => {
  for (const path of ['/_ping', '/v1.24/_ping', '/v1.51/_ping', '/v1.55/_ping']) {
    const { status, headers, body } = await call('GET', path);
    assert.deepEqual([status, body], [200, 'OK']);
    assert.deepEqual([headers['api-version'], headers['docker-experimental'], headers['ostype'], headers['swarm'], headers['pragma']], ['1.51', 'false', 'linux', 'inactive', 'no-cache']);
    assert.match(String(headers['server']), /^Estiva\/0\.0\.1 /);
    assert.ok(headers['builder-version']);
  }
  assert.equal((await call('HEAD', '/_ping')).body, '');
});

test('serve() refuses versions outside its range and paths that are not there, in Docker\'s words', async () => {
  assert.deepEqual([(await call('GET', '/v1.99/info')).status, json(await call('GET', '/v1.99/info')).message], [400, 'client version 1.99 is too new. Maximum supported API version is 1.55']);
  assert.match(json(await call('GET', '/v1.10/info')).message, /^client version 1\.10 is too old\. Minimum supported API version is 1\.24,/);
  for (const path of ['/nope', '/v1.43/nope', '/containers/x/json/', '/']) {
    const answer = await call('GET', path);
    assert.deepEqual([answer.status, json(answer)], [404, { message: 'page not found' }]);
  }
  assert.equal((await call('PUT', '/_ping')).status, 404);
  for (const [path, message] of [['/networks/x', 'network x not found'], ['/volumes/x', 'get x: no such volume'], ['/plugins/x/json', 'plugin "x" not found']] as const) {
    const answer = await call('GET', path);
    assert.deepEqual([answer.status, json(answer)], [404, { message }]);
  }
  assert.match(json(await call('POST', '/session?t=x')).message, /^BuildKit comes later/);
  assert.equal((await call('GET', '/containers/%zz/json')).status, 400);
});

test('serve() gives version and info in Docker\'s shape', async () => {
  assert.equal(json(await call('GET', '/version'))['Arch'], 'amd64');
  const info = json(await call('GET', '/v1.43/info'));
  assert.deepEqual([info['NCPU'], info['CgroupVersion'], info['MemoryLimit'], info['CPUSet'], info['Driver']], [2, '2', true, false, 'overlay2']);
});

test('create refuses bodies that are not what they should be, never with 500', async () => {
  const cases: readonly (readonly [body: string, status: number, message: RegExp])[] = [
    ['', 400, /got EOF/], ['[]', 400, /expected an object/], ['7', 400, /expected an object/], ['null', 400, /config cannot be empty/], ['{}', 400, /config cannot be empty/],
    ['}{', 400, /invalid JSON/], ['{"Image":"tool"}{', 400, /invalid JSON/], ['{"Image":1}', 400, /^Image: expected a string$/],
    ['{"Image":"tool","HostConfig":{"Memory":"x"}}', 400, /^HostConfig\.Memory: expected an integer$/], ['{"Image":"tool","HostConfig":[]}', 400, /^HostConfig: expected an object$/],
    ['{"Image":"tool","Env":"x"}', 400, /^Env: expected a list$/], ['{"Image":"tool","Labels":{"a":1}}', 400, /^Labels\.a: expected a string$/],
    ['{"Image":"nope"}', 404, /^No such image: nope:latest$/],
  ];
  for (const [body, status, message] of cases) {
    const answer = await call('POST', '/containers/create', body);
    assert.equal(answer.status, status, `${body} → ${answer.body}`);
    assert.match(json(answer).message, message);
  }
  assert.match(json(await call('POST', '/containers/create', '{}', { 'Content-Type': 'text/plain' })).message, /unsupported Content-Type/);
  assert.equal((await call('POST', '/containers/create', `{"Image":"${'x'.repeat(5 << 20)}"}`)).status, 413);
  assert.equal(engine.requests.length, 0);
});

test('create, start, list, inspect, stop, kill, remove reach the engine and answer Docker\'s statuses', async () => {
  const id = await created({ Labels: { a: 'b' } });
  assert.deepEqual(JSON.parse((await call('GET', '/containers/json')).body), []);
  assert.equal((await call('POST', `/v1.43/containers/${id}/start`)).status, 204);
  assert.equal((await call('POST', '/containers/c1/start')).status, 304);
  const [row] = JSON.parse((await call('GET', '/containers/json')).body) as Record<string, unknown>[];
  assert.deepEqual([row!['Names'], row!['Image'], row!['State'], row!['Status'], row!['Command']], [['/c1'], 'tool', 'running', 'Up Less than a second', 'repeat']);
  const inspect = json(await call('GET', '/containers/%2Fc1/json'));
  assert.deepEqual([inspect['Id'], inspect['Name'], (inspect['State']!)['Running'], inspect['Platform']], [id, '/c1', true, 'linux']);
  assert.equal((await call('POST', '/containers/c1/resize?h=10&w=20')).status, 200);
  assert.equal((await call('POST', '/containers/c1/resize?h=10')).status, 400);
  assert.deepEqual(json(await call('GET', '/containers/c1/estiva/explain')), { steps: [] });
  assert.equal((await call('POST', '/containers/c1/stop?t=3&signal=SIGINT')).status, 204);
  assert.equal((await call('POST', '/containers/c1/stop?t=x')).status, 400);
  assert.equal((await call('POST', '/containers/c1/kill')).status, 409);
  assert.equal((await call('DELETE', '/containers/c1?force=1&v=true')).status, 204);
  assert.equal((await call('GET', '/containers/c1/json')).status, 404);
  assert.deepEqual(engine.calls, ['resize 10x20', 'stop {"signal":"SIGINT","timeoutSeconds":3}', 'remove {"force":true,"volumes":true}']);
});

test('list filters by label, name, status, ancestor, exited, before and since, and refuses others by name', async () => {
  await created({ Labels: { a: 'b' } }, 'one');
  await new Promise((resolve) => setTimeout(resolve, 3)); // creation times differ
  await created({ Labels: { c: 'd=e' } }, 'two');
  const names = async (filters: object, query = 'all=1') => (JSON.parse((await call('GET', `/containers/json?${query}&filters=${encodeURIComponent(JSON.stringify(filters))}`)).body) as { Names: string[] }[]).map(({ Names }) => Names[0]);
  assert.deepEqual(await names({}), ['/two', '/one']);
  assert.deepEqual(await names({}, 'limit=1'), ['/two']);
  assert.deepEqual(await names({ label: ['a=b'] }), ['/one']);
  assert.deepEqual(await names({ label: { 'c=d=e': true } }), ['/two']);
  assert.deepEqual(await names({ name: ['^/on'] }), ['/one']);
  assert.deepEqual(await names({ name: ['('] }), []);
  assert.deepEqual(await names({ status: ['created'] }, 'all=0'), ['/two', '/one']);
  assert.deepEqual(await names({ ancestor: ['tool', 'nope'] }), ['/two', '/one']);
  assert.deepEqual(await names({ ancestor: ['nope'] }), []);
  assert.deepEqual(await names({ before: ['two'] }), ['/one']);
  assert.deepEqual(await names({ since: ['one'] }), ['/two']);
  assert.deepEqual(await names({ exited: ['0'] }), []);
  for (const [filters, message] of [['{"foo":["x"]}', /^invalid filter 'foo'/], ['{"health":["x"]}', /must be one of none, starting, healthy, unhealthy$/], ['x', /invalid JSON/], ['{"status":["x"]}', /must be one of/]] as const) {
    const answer = await call('GET', `/containers/json?filters=${encodeURIComponent(filters)}`);
    assert.equal(answer.status, 400);
    assert.match(json(answer).message, message);
  }
});

test('attach upgrades, frames output and carries a half-close to the program', async () => {
  await created();
  let isSent = false;
  const received = await raw('POST /v1.51/containers/c1/attach?stream=1&stdin=1&stdout=1&stderr=1 HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nearly ', (socket, text) => {
    if (isSent || !text().includes('\r\n\r\n')) return;
    isSent = true;
    socket.end('late\n');
    void call('POST', '/containers/c1/start');
  });
  const [head, ...rest] = received.split('\r\n\r\n');
  assert.match(head!, /^HTTP\/1\.1 101 UPGRADED\r\nContent-Type: application\/vnd\.docker\.multiplexed-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n/);
  const body = rest.join('\r\n\r\n');
  assert.ok(body === `${frame(1, 'early ')}${frame(1, 'late\n')}${frame(2, 'bye\n')}` || body === `${frame(1, 'early late\n')}${frame(2, 'bye\n')}`, JSON.stringify(body));
  await until(() => engine.detached === 1);
});

test('a client that wants the connection closed may finish sending what is refused', async () => {
  const body = 'x'.repeat(8 << 20);
  const received = await raw(`POST /containers/create HTTP/1.1\r\nHost: d\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  assert.match(received, /^HTTP\/1\.1 413 /);
});

test('attach without an Upgrade header answers 200 and is a two-way stream too', async () => {
  await created();
  let isSent = false;
  const received = await raw('POST /v1.24/containers/c1/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\n\r\n', (socket, text) => {
    if (isSent || !text().includes('\r\n\r\n')) return;
    isSent = true;
    socket.write('one');
    setTimeout(() => socket.end('two'), 20);
    void call('POST', '/containers/c1/start');
  });
  assert.match(received, /^HTTP\/1\.1 200 OK\r\nContent-Type: application\/vnd\.docker\.raw-stream\r\n/);
  assert.ok(received.endsWith(`${frame(1, 'one')}${frame(1, 'two')}${frame(2, 'bye\n')}`), JSON.stringify(received));
});

test('attach answers errors as errors, before anything is upgraded', async () => {
  const received = await raw('POST /containers/nope/attach?stream=1 HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n');
  assert.match(received, /^HTTP\/1\.1 404 Not Found\r\n[^]*\{"message":"No such container: nope"\}\n$/);
  assert.equal((await call('POST', '/containers/nope/attach?detachKeys=foo')).status, 400);
});

test('attach to a terminal is raw, and the detach keys leave the program running', async () => {
  await created({ Tty: true });
  await call('POST', '/containers/c1/start');
  const received = await raw('POST /containers/c1/attach?stream=1&stdin=1&stdout=1&detachKeys=ctrl-a,x HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nhi\x01', (socket, text) => {
    if (text().endsWith('hi')) socket.write('x');
  });
  assert.match(received, /application\/vnd\.docker\.raw-stream[^]*\r\n\r\nhi$/);
  assert.equal(engine.containers.get('c1').state.status, 'running');
  await until(() => engine.detached === 1);
});

test('attach ends for a client that ends its input where that is not the program\'s end of file', async () => {
  for (const config of [{ Tty: true }, { StdinOnce: false }]) {
    const id = await created(config, `c${JSON.stringify(config).length}`);
    await call('POST', `/containers/${id}/start`);
    const received = await raw(`POST /containers/${id}/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n`, (socket) => socket.end());
    assert.match(received, /101 UPGRADED/);
    assert.equal(engine.containers.get(id).state.status, 'running');
  }
  await until(() => engine.detached === 2);
});

test('attach lets go of a container when its client dies', async () => {
  await created();
  await call('POST', '/containers/c1/start');
  const socket = connect(socketPath, () => socket.write('POST /containers/c1/attach?stream=1&stdout=1 HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n'));
  await new Promise((resolve) => socket.once('data', resolve));
  socket.destroy();
  await engine.containers.attach('c1', { stdin: true, stdout: false, stderr: false, logs: false, stream: true }).then((own) => own.write(Buffer.from('x')));
  await until(() => engine.detached === 1);
});

test('wait sends its headers at once and its JSON at the end', async () => {
  await created();
  const events: string[] = [];
  const ended = new Promise<string>((resolve) => {
    request({ socketPath, method: 'POST', path: '/containers/c1/wait?condition=next-exit' }, (response) => {
      events.push(`headers ${response.statusCode}`);
      void call('POST', '/containers/c1/start').then(() => call('POST', '/containers/c1/kill?signal=TERM'));
      response.setEncoding('utf8').on('data', (text: string) => resolve(text));
    }).end();
  });
  assert.equal(await ended, '{"StatusCode":137}\n');
  assert.deepEqual([events, engine.calls], [['headers 200'], ['kill TERM']]);
  assert.equal((await call('POST', '/containers/nope/wait')).status, 404);
  assert.equal((await call('POST', '/containers/c1/wait?condition=foo')).status, 400);
});

test('wait is given up when its client hangs up', async () => {
  await created();
  const waiting = request({ socketPath, method: 'POST', path: '/containers/c1/wait' }, () => waiting.destroy());
  waiting.on('error', () => undefined);
  waiting.end();
  await until(() => engine.abortedWaits === 1);
  assert.deepEqual(logged, []);
});

test('logs are framed, with times and details when asked, and end when a following client hangs up', async () => {
  await created();
  await call('POST', '/containers/c1/start');
  const own = await engine.containers.attach('c1', { stdin: true, stdout: false, stderr: false, logs: false, stream: true });
  await own.write(Buffer.from('a\n'));
  await until(() => engine.detached === 0);
  const plain = await call('GET', '/v1.43/containers/c1/logs?stdout=1&stderr=1&tail=all');
  assert.deepEqual([plain.headers['content-type'], plain.body], ['application/vnd.docker.multiplexed-stream', frame(1, 'a\n')]);
  const old = await call('GET', '/v1.41/containers/c1/logs?stdout=1&timestamps=1&details=1');
  assert.deepEqual([old.headers['content-type'], old.body], ['application/vnd.docker.raw-stream', frame(1, '2026-01-02T03:04:05.600000000Z  a\n')]);
  assert.equal((await call('GET', '/containers/c1/logs')).status, 400);
  assert.equal((await call('GET', '/containers/c1/logs?stdout=1&since=abc')).status, 400);
  const following = request({ socketPath, path: '/containers/c1/logs?stdout=1&follow=1' }, (response) => response.once('data', () => following.destroy()));
  following.on('error', () => undefined);
  following.end();
  await until(() => engine.detached === 1);
  assert.deepEqual(logged, []);
});

test('exec runs, streams, and tells exit codes; a command that is not there is told in the stream', async () => {
  await created();
  await call('POST', '/containers/c1/start');
  const exec = async (body: object) => json(await call('POST', '/containers/c1/exec', JSON.stringify(body)))['Id']! as string;
  const start = (id: string, body: string) => `POST /v1.43/exec/${id}/start HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const id = await exec({ Cmd: ['repeat'], AttachStdin: true, AttachStdout: true });
  let isSent = false;
  const received = await raw(start(id, '{"Detach":false}'), (socket) => {
    if (!isSent) socket.end('hello');
    isSent = true;
  });
  assert.ok(received.startsWith('HTTP/1.1 101 UPGRADED') && received.endsWith(`${frame(1, 'hello')}${frame(2, 'bye\n')}`), JSON.stringify(received));
  const inspect = json(await call('GET', `/exec/${id}/json`));
  assert.deepEqual([inspect['Running'], inspect['ExitCode'], inspect['ProcessConfig']], [false, 3, { tty: false, entrypoint: 'repeat', arguments: [], privileged: false }]);
  const missing = await exec({ Cmd: ['/nope'] });
  assert.match(await raw(start(missing, '{}')), /101 UPGRADED[^]*exec: "\/nope": no such file or directory\r\n$/);
  assert.equal(json(await call('GET', `/exec/${missing}/json`))['ExitCode'], 127);
  const { promise, resolve: launch } = Promise.withResolvers<void>();
  engine.launching = promise;
  // Nothing would come if the head came with the first output.
  const early = await raw(start(await exec({ Cmd: ['repeat'], AttachStdin: true, AttachStdout: true }), '{}'), (socket, sofar) => {
    if (!sofar().endsWith('\r\n\r\n')) return;
    launch();
    socket.end('x');
  });
  assert.ok(early.endsWith(`\r\n\r\n${frame(1, 'x')}${frame(2, 'bye\n')}`), JSON.stringify(early));
  const detached = await exec({ Cmd: 'true' });
  assert.deepEqual([(await call('POST', `/exec/${detached}/start`, '{"Detach":true}')).status, (await call('POST', `/exec/${detached}/resize?h=1&w=2`)).status], [200, 200]);
  assert.equal((await call('POST', '/containers/c1/exec', '{}')).status, 400);
  assert.equal((await call('POST', '/exec/nope/start', '{}')).status, 404);
});

test('images are listed, inspected, tagged and removed by names with slashes', async () => {
  const [row] = JSON.parse((await call('GET', '/images/json')).body) as Record<string, unknown>[];
  assert.deepEqual([row!['RepoTags'], row!['Size'], row!['Containers']], [['tool:latest'], 1234, 0]);
  const listed = async (filters: object) => (JSON.parse((await call('GET', `/images/json?filters=${encodeURIComponent(JSON.stringify(filters))}`)).body) as unknown[]).length;
  assert.deepEqual([await listed({ reference: ['tool'] }), await listed({ reference: ['to[a-z]l:l*'] }), await listed({ reference: ['t.ol'] }), await listed({ dangling: ['true'] }), await listed({ label: ['a=b'] })], [1, 1, 0, 0, 1]);
  for (const name of ['tool', 'reg.example:5000/a/b/tool', 'reg.example:5000%2Fa%2Fb%2Ftool']) assert.equal(json(await call('GET', `/images/${name}/json`))['Architecture'], 'amd64');
  assert.deepEqual([(await call('GET', '/images/nope/json')).status, json(await call('GET', '/images/nope/json')).message], [404, 'No such image: nope:latest']);
  assert.equal((await call('POST', '/images/a/b/tag?repo=c/d&tag=2')).status, 201);
  assert.deepEqual(JSON.parse((await call('DELETE', '/images/a/b:1?noprune=1')).body), [{ Untagged: 'tool:latest' }, { Deleted: engine.image.id }]);
  assert.deepEqual(engine.calls, ['tag a/b c/d:2', 'rmi a/b:1 {"force":false,"prune":false,"platforms":[]}']);
});

test('images are loaded and imported from bodies', async () => {
  const loaded = await call('POST', '/images/load?quiet=1', Buffer.alloc(300_000, 'A'), { 'Content-Type': 'application/x-tar' });
  assert.equal(loaded.body, `{"stream":"Loaded image: tool:latest\\n"}\r\n{"stream":"Loaded image ID: ${engine.image.id}\\n"}\r\n`);
  const broken = await call('POST', '/images/load', Buffer.alloc(3_000_000, 'B'), { 'Content-Type': 'application/x-tar' });
  assert.deepEqual([broken.status, json(broken).message], [400, 'Cannot load the archive: it is no tar']);
  const imported = await call('POST', '/images/create?fromSrc=-&repo=a/b&tag=c&message=m&changes=CMD%20x&changes=ENV%20a=b', Buffer.alloc(1_000_000), { 'Content-Type': 'text/plain' });
  assert.deepEqual([imported.body, engine.imported?.bytes, engine.imported?.options.reference, engine.imported?.options.changes], [`{"status":"${engine.image.id}"}\r\n`, 1_000_000, 'a/b:c', ['CMD x', 'ENV a=b']]);
});

test('a pull is told in Docker\'s words; what fails before the first of them is an answer of its own', async () => {
  const pull = (query: string) => call('POST', `/images/create?fromImage=${query}`);
  assert.deepEqual((await pull('tool&tag=latest&platform=linux/arm64')).body.split('\r\n'), [
    '{"status":"Pulling from library/tool","id":"latest"}',
    '{"status":"Downloading","progressDetail":{"current":1500000,"total":3000000},"progress":"[=========================>                         ]  1.5MB/3MB","id":"abc"}',
    '{"status":"Pull complete","progressDetail":{},"id":"abc"}', `{"status":"Digest: ${engine.image.id}"}`, '{"status":"Status: Downloaded newer image for tool:latest"}', '',
  ]);
  assert.match((await pull('broken&tag=1')).body, /\{"errorDetail":\{"message":"Content does not match its digest"\},"error":"Content does not match its digest"\}\r\n$/);
  const unknown = await pull('unknown&tag=sha256:abc');
  assert.deepEqual([unknown.status, json(unknown).message], [404, 'manifest for unknown@sha256:abc not found: manifest unknown: manifest unknown']);
  assert.equal((await pull('tool&platform=a/b/c/d')).status, 400);
  assert.deepEqual(engine.calls, ['pull tool:latest {"os":"linux","architecture":"arm64"}', 'pull broken:1 null', 'pull unknown@sha256:abc null']);
});

test('a push is told in Docker\'s words, its digest also as data', async () => {
  const platform = encodeURIComponent('{"os":"linux","architecture":"arm64"}');
  assert.deepEqual((await call('POST', `/images/a/tool/push?tag=latest&platform=${platform}`)).body.split('\r\n'), [
    '{"status":"The push refers to repository [docker.io/library/tool]"}', '{"status":"Mounted from other","progressDetail":{},"id":"abc"}', `{"status":"latest: digest: ${engine.image.id} size: 527"}`,
    `{"progressDetail":{},"aux":{"Tag":"latest","Digest":"${engine.image.id}","Size":527}}`, '',
  ]);
  const unknown = await call('POST', '/images/unknown/push?compression=zstd');
  assert.deepEqual([unknown.status, unknown.body.split('\r\n')[1]], [200, '{"errorDetail":{"message":"An image does not exist locally with the tag: unknown"},"error":"An image does not exist locally with the tag: unknown"}']);
  assert.deepEqual([(await call('POST', '/images/x/push?platform=linux')).status, (await call('POST', '/images/x/push?compression=xz')).status], [400, 400]);
  assert.deepEqual(engine.calls, ['push a/tool:latest {"os":"linux","architecture":"arm64"} gzip', 'push unknown null zstd']);
});

test('prune of images: without a tag unless dangling=false; system df', async () => {
  const prune = (filters: object) => call('POST', `/images/prune?filters=${encodeURIComponent(JSON.stringify(filters))}`);
  assert.deepEqual(json(await prune({})), { ImagesDeleted: [{ Untagged: 'tool:latest' }, { Deleted: engine.image.id }], SpaceReclaimed: 7 });
  await prune({ dangling: ['false'], 'label!': ['a=b'] });
  await prune({ dangling: { false: true }, until: ['1s'] });
  assert.deepEqual(engine.calls, ['prune images {"chosen":true,"all":false}', 'prune images {"chosen":false,"all":true}', 'prune images {"chosen":true,"all":true}']);
  assert.deepEqual([(await prune({ dangling: ['x'] })).status, (await prune({ before: ['x'] })).status, (await prune({ until: ['x'] })).status], [400, 400, 400]);
  const usage = json(await call('GET', '/system/df'));
  assert.deepEqual([usage['LayersSize'], (JSON.parse((await call('GET', '/system/df?type=image')).body) as { Images: { SharedSize: number }[] }).Images[0]!.SharedSize, usage['Volumes'], usage['EstivaKeptBlobs']], [7, 0, [], 3]);
  const some = json(await call('GET', '/system/df?type=container&type=volume'));
  assert.deepEqual([some['Images'], some['Containers'], some['BuildCache']], [null, [], null]);
  assert.equal(json(await call('GET', '/system/df?type=foo')).message, 'unknown object type: foo (One of container, image, volume, build-cache)');
});

test('attestations: by platform and type, with their statements on request', async () => {
  const of = async (query: string): Promise<unknown> => JSON.parse((await call('GET', `/images/a/tool/attestations${query}`)).body);
  const plain = { Descriptor: { mediaType: 'application/vnd.in-toto+json', digest: engine.image.id, size: 2 }, PredicateType: 'https://slsa.dev/provenance/v1' };
  assert.deepEqual([await of(''), await of('?statement=1&type=x&type=y')], [[plain], [{ ...plain, Statement: { of: 'it' } }]]);
  const platform = encodeURIComponent('{"os":"linux","architecture":"arm64"}');
  assert.equal((await call('GET', `/images/tool/attestations?platform=${platform}&platform=${platform}`)).status, 400);
  assert.deepEqual(engine.calls, ['attestations a/tool ', 'attestations a/tool x,y']);
});

test('a connection goes on after a body that was refused half-way', async () => {
  const body = 'B'.repeat(3_000_000);
  let isAsked = false;
  const received = await raw(`POST /images/load HTTP/1.1\r\nHost: d\r\nContent-Length: ${body.length}\r\n\r\n${body}`, (socket, text) => {
    if (!isAsked) socket.write('GET /_ping HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n');
    isAsked ||= text().includes('no tar');
  });
  assert.match(received, /^HTTP\/1\.1 400 [^]*no tar[^]*HTTP\/1\.1 200 OK[^]*OK$/);
});

test('a bug is answered with 500 and no story; the story is in the log', async () => {
  engine.images.list = () => { throw new Error('secret detail'); };
  const answer = await call('GET', '/images/json');
  assert.deepEqual([answer.status, json(answer)], [500, { message: 'internal error' }]);
  assert.match(logged.splice(0).join(), /secret detail/);
});

test('serve() replaces the socket of a dead daemon, refuses a live one and what is no socket', async () => {
  const isRefused = (kind: 'conflict' | 'invalid', text: RegExp) => (error: unknown) => isFail(error, kind) && text.test(error.message);
  await assert.rejects(serve({ engine, socketPath, version: '0', log }), isRefused('conflict', /another daemon answers there/));
  const path = join(dir, 'other.sock');
  writeFileSync(path, '');
  await assert.rejects(serve({ engine, socketPath: path, version: '0', log }), isRefused('invalid', /not a socket/));
  rmSync(path);
  await assert.rejects(serve({ engine, socketPath: join(dir, 'x'.repeat(120)), version: '0', log }), isRefused('invalid', /at most 107 bytes/));
  const stale = createServer();
  const kept = `${path}.kept`;
  await new Promise<void>((resolve) => stale.listen(kept, resolve));
  linkSync(kept, path); // closing removes one name; the other stays, and nobody listens
  await new Promise((resolve) => stale.close(resolve));
  const replacing = await serve({ engine, socketPath: path, version: '0', log });
  assert.equal(statSync(path).mode & 0o007, 0);
  await replacing[Symbol.asyncDispose]();
  assert.equal(statSync(path, { throwIfNoEntry: false }), undefined);
});

test('serve() closes with waiting and attached clients', async () => {
  const path = join(dir, 'closing.sock');
  const closing = await serve({ engine, socketPath: path, version: '0', log });
  await created();
  const waiting = new Promise((resolve) => {
    request({ socketPath: path, method: 'POST', path: '/containers/c1/wait' }, (response) => {
      void closing[Symbol.asyncDispose]().then(() => resolve('closed'));
      response.on('error', () => undefined).resume();
    }).on('error', () => undefined).end();
  });
  assert.equal(await waiting, 'closed');
  assert.equal(engine.abortedWaits, 1);
});
