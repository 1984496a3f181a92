// The client against Node's own HTTP server, on a unix socket: what our few lines of HTTP must understand.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { DaemonError, openDocker, readJsonLines, textOf, type Docker } from './docker.ts';
import { parseHost } from './host.ts';

interface Daemon extends AsyncDisposable {
  readonly docker: Docker;
  readonly server: Server;
  readonly connections: () => number;
}

async function daemonOf(listener: (request: IncomingMessage, response: ServerResponse) => void): Promise<Daemon> {
  const folder = mkdtempSync(`${tmpdir()}/estiva-client-`);
  const path = `${folder}/d.sock`;
  let connections = 0;
  const server = createServer(listener).on('connection', () => { connections += 1; });
  await new Promise<void>((resolve) => { server.listen(path, resolve); });
  const docker = openDocker({ host: parseHost(`unix://${path}`), apiVersion: '1.44' });
  return {
    docker, server, connections: () => connections,
    async [Symbol.asyncDispose]() {
      docker[Symbol.dispose]();
      server.closeAllConnections();
      await new Promise((resolve) => { server.close(resolve); });
      rmSync(folder, { recursive: true });
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

test('json() sends a query and a body, reads the answer, and uses the connection again', async () => {
  await using daemon = await daemonOf((request, response) => {
    void bodyOf(request).then((body) => response.end(JSON.stringify({ url: request.url, type: request.headers['content-type'], body })));
  });
  const options = { query: { name: 'a b', force: true, all: false, none: undefined }, body: { Image: 'é' } };
  const expected = { url: '/v1.44/x?name=a%20b&force=1', type: 'application/json', body: '{"Image":"é"}' };
  assert.deepEqual(await daemon.docker.json('POST', '/x', options), expected);
  assert.deepEqual(await daemon.docker.json('POST', '/x', options), expected);
  assert.equal(daemon.connections(), 1);
});

test('call() reads chunked bodies cut anywhere, and one without length', async () => {
  await using daemon = await daemonOf((request, response) => {
    if (request.url?.endsWith('/close')) response.setHeader('Connection', 'close').removeHeader('Transfer-Encoding');
    for (let part = 0; part < 50; part += 1) response.write('x'.repeat(part * 100));
    response.end('end');
  });
  for (const path of ['/chunked', '/close']) {
    const text = await textOf(await daemon.docker.call('GET', path));
    assert.equal(text.length, 50 * 49 / 2 * 100 + 3);
    assert.ok(text.endsWith('xend'));
  }
});

test('call() throws the daemon\'s sentence with its status', async () => {
  await using daemon = await daemonOf((request, response) => {
    response.statusCode = request.url?.endsWith('/plain') ? 502 : 404;
    response.end(response.statusCode === 502 ? 'bad gateway\n' : JSON.stringify({ message: 'No such container: x' }));
  });
  await assert.rejects(daemon.docker.call('GET', '/x'), (error: unknown) => error instanceof DaemonError && error.status === 404 && error.message === 'No such container: x');
  await assert.rejects(daemon.docker.call('GET', '/plain'), (error: unknown) => error instanceof DaemonError && error.status === 502 && error.message === 'bad gateway');
});

test('call() uploads a stream in chunks', async () => {
  await using daemon = await daemonOf((request, response) => { void bodyOf(request).then((body) => response.end(String(body.length))); });
  async function* bytes(): AsyncGenerator<Uint8Array> { for (let part = 0; part < 20; part += 1) yield Buffer.alloc(100_000, 'y'); }
  assert.equal(await textOf(await daemon.docker.call('POST', '/load', { upload: { bytes: bytes(), contentType: 'application/x-tar' } })), '2000000');
});

test('call() gives the daemon\'s refusal in the middle of an upload', async () => {
  await using daemon = await daemonOf((request, response) => {
    request.once('data', () => response.writeHead(400).end(JSON.stringify({ message: 'no tar' })));
  });
  let sent = 0;
  async function* endless(): AsyncGenerator<Uint8Array> { for (;;) { sent += 65536; yield Buffer.alloc(65536); } }
  const load = daemon.docker.call('POST', '/load', { upload: { bytes: endless(), contentType: 'application/x-tar' } });
  await assert.rejects(load, { name: 'DaemonError', status: 400, message: 'no tar' });
  assert.ok(sent < 100e6);
});

test('readJsonLines() reads values cut anywhere', async () => {
  await using daemon = await daemonOf((_, response) => {
    const text = `${JSON.stringify({ status: 'é1' })}\r\n${JSON.stringify({ status: 'é2' })}\n`;
    const bytes = Buffer.from(text);
    for (const [at] of bytes.entries()) response.write(bytes.subarray(at, at + 1));
    response.end();
  });
  const seen: unknown[] = [];
  await readJsonLines(await daemon.docker.call('GET', '/x'), (value) => seen.push(value));
  assert.deepEqual(seen, [{ status: 'é1' }, { status: 'é2' }]);
});

test('hijack() takes the socket over, early bytes first, and half-closes', async () => {
  await using daemon = await daemonOf(() => undefined);
  daemon.server.on('upgrade', (_, socket, head) => {
    socket.write('HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nearly');
    let got = head.toString();
    socket.on('data', (chunk: Buffer) => { got += chunk.toString(); });
    socket.on('end', () => socket.end(`got ${got}`));
  });
  const { socket, early } = await daemon.docker.hijack('/attach', { body: {} });
  let text = early.toString();
  socket.on('data', (chunk: Buffer) => { text += chunk.toString(); });
  socket.resume();
  socket.end('typed');
  await new Promise((resolve) => { socket.on('end', resolve); });
  assert.match(text, /^earlygot .*typed$/);
  socket.destroy();
});

test('call() says that no daemon is there, after waking once', async () => {
  let woken = 0;
  using docker = openDocker({ host: parseHost('unix:///nonexistent/d.sock'), apiVersion: '1.44', wake: async () => { woken += 1; } });
  const message = 'Cannot connect to the Docker daemon at unix:///nonexistent/d.sock. Is the docker daemon running?';
  await assert.rejects(docker.call('GET', '/_ping'), { kind: 'unavailable', message });
  await assert.rejects(docker.call('GET', '/_ping'), { kind: 'unavailable', message });
  assert.equal(woken, 1);
});

test('parseHost() keeps the API on this machine', () => {
  assert.equal(parseHost('tcp://127.0.0.1:2375').kind, 'tcp');
  assert.throws(() => parseHost('tcp://10.0.0.1:2375'), { kind: 'unsupported' });
  assert.throws(() => parseHost('ssh://x'), { kind: 'unsupported' });
  assert.throws(() => parseHost('http://x'), { kind: 'invalid' });
});
