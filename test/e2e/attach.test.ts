// Attach: a connection that becomes the program's streams. Raw sockets, because the framing and the half-close are what is tested.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { busybox, openEngine, succeeded, until } from './engine.ts';
import { frames } from './http.ts';

const engine = await openEngine();
const remove = async (id: string) => { succeeded(await engine.docker(['rm', '-f', id])); };
const start = async (id: string) => assert.equal((await engine.http('POST', `/containers/${id}/start`)).status, 204);
const streams = { AttachStdout: true, AttachStderr: true };

test('attach before start misses nothing, in two streams', async () => {
  const id = await engine.create({ Cmd: ['sh', '-c', 'echo out; echo err >&2; echo end'], ...streams });
  const attached = await engine.hijack(`/containers/${id}/attach?stream=1&stdout=1&stderr=1`);
  assert.deepEqual([attached.status, attached.headers['content-type']], [101, 'application/vnd.docker.multiplexed-stream']);
  await start(id);
  const seen = frames(await attached.rest());
  assert.deepEqual([seen.stdout, seen.stderr], ['out\nend\n', 'err\n']);
  await remove(id);
});

test('attach with a terminal is one raw stream', async () => {
  const id = await engine.create({ Cmd: ['echo', 'raw'], Tty: true, ...streams });
  const attached = await engine.hijack(`/containers/${id}/attach?stream=1&stdout=1&stderr=1`);
  assert.equal(attached.headers['content-type'], 'application/vnd.docker.raw-stream');
  await start(id);
  assert.equal((await attached.rest()).toString(), 'raw\r\n');
  await remove(id);
});

test('half-close: the program reads its end, answers, and the answer arrives', async () => {
  const id = await engine.create({ Cmd: ['sh', '-c', 'wc -c; sleep 0.3; echo after'], OpenStdin: true, StdinOnce: true, AttachStdin: true, ...streams });
  const attached = await engine.hijack(`/containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1`);
  await start(id);
  attached.socket.write('hello');
  attached.socket.end();
  assert.match(frames(await attached.rest()).stdout, /^\s*5\nafter\n$/);
  await remove(id);
});

test('logs=1 sends first what was before, then what comes', async () => {
  const id = await engine.start(['-i', busybox, 'sh', '-c', 'echo before; read line; echo "got $line"']);
  await until('the first line', async () => (await engine.docker(['logs', id])).stdout === 'before\n');
  const attached = await engine.hijack(`/containers/${id}/attach?logs=1&stream=1&stdin=1&stdout=1&stderr=1`);
  attached.socket.write('this\n');
  assert.equal(frames(await attached.rest()).stdout, 'before\ngot this\n');
  await remove(id);
});

test('two clients see the same; one leaves, the other stays', async () => {
  const id = await engine.start(['-i', busybox, 'cat']);
  const path = `/containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1`;
  const [first, second] = [await engine.hijack(path), await engine.hijack(path)];
  let seen = Buffer.alloc(0);
  second.socket.on('data', (chunk: Buffer) => { seen = Buffer.concat([seen, chunk]); });
  first.socket.write('one\n');
  await until('the second sees it', () => frames(seen).stdout === 'one\n');
  first.socket.destroy();
  await sleep(200);
  second.socket.write('two\n');
  await until('the second is still attached', () => frames(seen).stdout === 'one\ntwo\n');
  second.socket.destroy();
  assert.equal((await engine.inspect(id)).State.Running, true);
  await remove(id);
});

test('a client that leaves does not disturb the program', async () => {
  const id = await engine.create({ Cmd: ['sh', '-c', 'seq 1 20000; sleep 0.2; seq 20001 40000'], ...streams });
  const attached = await engine.hijack(`/containers/${id}/attach?stream=1&stdout=1&stderr=1`);
  await start(id);
  attached.socket.destroy();
  assert.equal(((await engine.http('POST', `/containers/${id}/wait`)).json() as { StatusCode: number }).StatusCode, 0);
  assert.equal(succeeded(await engine.docker(['logs', id])).split('\n').length, 40_001);
  await remove(id);
});

test('attach to a container that has ended closes at once', async () => {
  const id = await engine.start([busybox, 'true']);
  await engine.http('POST', `/containers/${id}/wait`);
  const outcome = await engine.docker(['attach', id]);
  assert.equal(outcome.code, 1);
  assert.match(outcome.stderr, /cannot attach to a stopped container/i);
  await remove(id);
});

test('attach to what does not exist is 404', async () => {
  await assert.rejects(engine.hijack('/containers/no-such-one/attach?stream=1&stdout=1'), /404.*No such container: no-such-one/);
});

test('docker start -a shows the output and exits with the code', async () => {
  const id = await engine.create({ Cmd: ['sh', '-c', 'echo hi; exit 8'], ...streams });
  const outcome = await engine.docker(['start', '-a', id]);
  assert.deepEqual([outcome.stdout, outcome.code], ['hi\n', 8]);
  await remove(id);
});

test('every byte value arrives unchanged', async () => {
  const id = await engine.create({ Cmd: ['cat'], OpenStdin: true, StdinOnce: true, AttachStdin: true, ...streams });
  const attached = await engine.hijack(`/containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1`);
  await start(id);
  const bytes = Buffer.from(Array.from({ length: 2_048 }, (_, index) => (index * 37) % 256));
  attached.socket.end(bytes);
  const seen = await attached.rest();
  const payload: Buffer[] = [];
  for (let at = 0; at < seen.length; at += 8 + seen.readUInt32BE(at + 4)) payload.push(seen.subarray(at + 8, at + 8 + seen.readUInt32BE(at + 4)));
  assert.deepEqual(Buffer.concat(payload), bytes);
  await remove(id);
});

test('ten megabytes go in and come out unchanged', async () => {
  const id = await engine.create({ Cmd: ['cat'], OpenStdin: true, StdinOnce: true, AttachStdin: true, ...streams });
  const attached = await engine.hijack(`/containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1`);
  await start(id);
  const bytes = 'abcdefghijklmno\n'.repeat(655_360);
  attached.socket.end(bytes);
  assert.ok(frames(await attached.rest()).stdout === bytes);
  await remove(id);
});
