// Attaching over WebSocket: both ways, logs, detaching, closing, and frames that are none. Over raw frames: Node's own client speaks only to TCP.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { openEngine, until } from './engine.ts';

const engine = await openEngine();

interface WebSocketClient {
  readonly socket: Socket;
  readonly head: string;
  /** What came in data frames. */
  text(): string;
  /** The code of the close frame that came. */
  closedWith(): number | undefined;
  pongs(): readonly string[];
  hasEnded(): boolean;
  send(operation: number, payload: string | Buffer, options?: { readonly isLast?: boolean; readonly isMasked?: boolean }): void;
}

async function open(path: string): Promise<WebSocketClient> {
  const key = randomBytes(16).toString('base64');
  const socket = connect(engine.socketPath);
  let received = Buffer.alloc(0);
  let hasEnded = false;
  socket.on('data', (chunk: Buffer) => { received = Buffer.concat([received, chunk]); });
  socket.on('close', () => { hasEnded = true; });
  socket.on('error', () => undefined);
  socket.write(`GET ${path} HTTP/1.1\r\nHost: d\r\nOrigin: http://localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`);
  await until('the head', () => received.includes('\r\n\r\n'));
  const headEnd = received.indexOf('\r\n\r\n');
  const head = received.toString('latin1', 0, headEnd);
  if (head.startsWith('HTTP/1.1 101')) assert.match(head, new RegExp(`Sec-WebSocket-Accept: ${createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64').replaceAll('+', '\\+')}`));
  const frames = () => parse(received.subarray(headEnd + 4));
  return {
    socket, head, hasEnded: () => hasEnded,
    text: () => frames().filter(({ operation }) => operation <= 2).map(({ payload }) => payload.toString()).join(''),
    closedWith: () => frames().find(({ operation }) => operation === 8)?.payload.readUInt16BE(0),
    pongs: () => frames().filter(({ operation }) => operation === 10).map(({ payload }) => payload.toString()),
    send: (operation, payload, { isLast = true, isMasked = true } = {}) => {
      const bytes = Buffer.from(payload);
      const mask = randomBytes(4);
      const length = bytes.length < 126 ? Buffer.from([bytes.length]) : Buffer.from([126, bytes.length >> 8, bytes.length & 0xff]);
      length[0]! |= isMasked ? 0x80 : 0;
      socket.write(Buffer.concat([Buffer.from([(isLast ? 0x80 : 0) | operation]), length, ...(isMasked ? [mask, bytes.map((byte, index) => byte ^ mask[index & 3]!)] : [bytes])]));
    },
  };
}

function parse(bytes: Buffer): { readonly operation: number; readonly payload: Buffer }[] {
  const frames = [];
  for (let at = 0; at + 2 <= bytes.length;) {
    const short = bytes[at + 1]! & 0x7f;
    const headBytes = short < 126 ? 2 : short === 126 ? 4 : 10;
    const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
    if (at + headBytes + length > bytes.length) break;
    frames.push({ operation: bytes[at]! & 0x0f, payload: bytes.subarray(at + headBytes, at + headBytes + length) });
    at += headBytes + length;
  }
  return frames;
}

const all = 'stream=1&stdin=1&stdout=1&stderr=1';
async function running(script: string, more: Record<string, unknown> = {}): Promise<string> {
  const id = await engine.create({ Cmd: ['sh', '-c', script], OpenStdin: true, ...more });
  await engine.http('POST', `/containers/${id}/start`);
  return id;
}

test('attach/ws gives the log and what comes, and takes input in text, binary and fragments; it closes when the program ends', async () => {
  const id = await running('echo out; echo err >&2; read a; echo "<$a>"; read b; echo "<$b>"; read c; echo "<$c>"');
  await until('the log has both', async () => /out[\s\S]*err|err[\s\S]*out/.test((await engine.http('GET', `/containers/${id}/logs?stdout=1&stderr=1`)).text));
  const client = await open(`/v1.51/containers/${id}/attach/ws?logs=1&${all}`);
  assert.match(client.head, /^HTTP\/1\.1 101 /);
  await until('the log', () => ['out\nerr\n', 'err\nout\n'].includes(client.text()));
  client.send(1, 'text\n');
  await until('the first answer', () => client.text().endsWith('<text>\n'));
  client.send(2, Buffer.concat([Buffer.alloc(300, 'x'), Buffer.from('\n')]));
  await until('the second answer', () => client.text().endsWith(`<${'x'.repeat(300)}>\n`));
  client.send(2, 'fra', { isLast: false });
  client.send(0, 'gment\n');
  await until('the third answer', () => client.text().endsWith('<fragment>\n'));
  await until('the end', () => client.hasEnded() || client.closedWith() !== undefined);
  client.socket.destroy();
});

test('attach/ws: a close is the end of input when stdin is for one client only, otherwise the program goes on', async () => {
  const once = await running('cat; echo end of file > /ended; sleep 1000', { StdinOnce: true });
  const many = await running('cat; sleep 1000');
  const clients = await Promise.all([once, many].map((id) => open(`/containers/${id}/attach/ws?${all}`)));
  for (const client of clients) {
    client.send(1, 'x\n');
    await until('the echo', () => client.text() === 'x\n');
    client.send(8, Buffer.from([0x03, 0xe8]));
    if (engine.ours) await until('its end', () => client.hasEnded()); // dockerd may wait for the program's next output
    client.socket.destroy();
  }
  if (engine.ours) await until('the end of file is seen', async () => (await engine.docker(['exec', once, 'cat', '/ended'])).code === 0); // dockerd leaves stdin open
  assert.equal((await engine.inspect(many)).State.Running, true);
  await Promise.all([once, many].map((id) => engine.http('DELETE', `/containers/${id}?force=1`)));
});

test('attach/ws answers a ping', { skip: !engine.ours && 'dockerd hands the answer to a ping over as output' }, async () => {
  const id = await running('cat');
  const client = await open(`/containers/${id}/attach/ws?${all}`);
  client.send(9, 'are you there');
  await until('the pong', () => client.pongs().includes('are you there'));
  client.socket.destroy();
  await engine.http('DELETE', `/containers/${id}?force=1`);
});

test('attach/ws: detach keys leave a terminal running', async () => {
  const id = await running('cat', { Tty: true });
  const client = await open(`/containers/${id}/attach/ws?${all}&detachKeys=ctrl-x`);
  client.send(2, 'typed');
  await until('the echo', () => client.text().includes('typed'));
  client.send(2, '\x18');
  await until('the end', () => client.hasEnded() || client.closedWith() !== undefined);
  assert.equal((await engine.inspect(id)).State.Running, true);
  client.socket.destroy();
  await engine.http('DELETE', `/containers/${id}?force=1`);
});

test('attach/ws refuses containers that are not there, and requests that open no WebSocket', async () => {
  const refused = await open(`/containers/no-such-one/attach/ws?${all}`);
  assert.match(refused.head, /^HTTP\/1\.1 404 /);
  refused.socket.destroy();
  const id = await engine.create({ Cmd: ['true'] });
  assert.equal((await engine.http('GET', `/containers/${id}/attach/ws?${all}`)).status, 400);
});

test('attach/ws cuts off who sends frames that are none', { skip: !engine.ours && 'dockerd takes frames without a mask' }, async () => {
  const id = await running('cat');
  for (const wrong of [(client: WebSocketClient) => client.send(1, 'not masked', { isMasked: false }), (client: WebSocketClient) => client.send(3, 'no such operation'), (client: WebSocketClient) => client.send(9, 'x'.repeat(200)), (client: WebSocketClient) => client.send(9, 'in pieces', { isLast: false })]) {
    const client = await open(`/containers/${id}/attach/ws?${all}`);
    wrong(client);
    await until('the end', () => client.hasEnded());
    assert.equal(client.closedWith(), 1002);
  }
  assert.equal((await engine.http('GET', `/containers/${id}/logs?stdout=1`)).text, '');
  await engine.http('DELETE', `/containers/${id}?force=1`);
});
