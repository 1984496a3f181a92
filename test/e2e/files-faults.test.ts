// Copies in and out while the container works against them, while clients and containers go away: what the answers are, and that nothing is left.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { tarHeader, writeTar } from '../../src/spec/tar/index.ts';
import { openFiles } from './census.ts';
import { busybox, openEngine } from './engine.ts';
import { stream } from './http.ts';

const engine = await openEngine();
const dir = mkdtempSync(`${tmpdir()}/estiva-files-faults-`);
after(() => rmSync(dir, { recursive: true }));

const copies = 1_000;
const atOnce = 8;
const largeBytes = 32 << 20;
const sentBytes = 12 << 20;

async function tarOf(path: string, content: Buffer): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(writeTar([{ header: tarHeader({ type: 'file', path, sizeBytes: content.length }), data: [content] }])));
}

const large = await tarOf('large', Buffer.alloc(largeBytes, 1));

/** So many runs of `work`, some at once. */
async function many(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (next < count) await work(next++);
  }));
}

/** Threads and open files of our daemon; nothing to see of another engine. */
function held(): { readonly threads: number; readonly files: number } | undefined {
  const pid = engine.daemon?.pid;
  return pid === undefined ? undefined : { threads: readdirSync(`/proc/${pid}/task`).length, files: [...openFiles(pid).values()].reduce((sum, count) => sum + count, 0) };
}

async function nothingIsLeft(before: ReturnType<typeof held>): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const now = held();
    if (now === undefined || before === undefined || (now.threads <= before.threads && now.files <= before.files)) return;
    await sleep(50);
  }
  assert.deepEqual(held(), before);
}

/** A copy in of which the client has sent a part: more than is unpacked without a worker. */
async function begunCopy(id: string): Promise<ClientRequest> {
  const sent = request({ socketPath: engine.socketPath, method: 'PUT', path: `/containers/${id}/archive?path=/tmp`, agent: false, headers: { 'Host': 'docker', 'Content-Type': 'application/x-tar' } });
  await new Promise<void>((resolve) => { sent.write(large.subarray(0, sentBytes), () => resolve()); });
  await sleep(100);
  return sent;
}

test(`cp: ${copies} copies in and out of a container that swaps the directory for a link never touch the host`, async () => {
  const outside = `${dir}/outside`;
  mkdirSync(outside);
  writeFileSync(`${outside}/canary`, 'host');
  const id = await engine.start([busybox, 'sh', '-c', `mkdir -p ${outside} /x/d; while :; do rm -rf /x/d; ln -s ${outside} /x/d; rm /x/d; mkdir /x/d; done`]);
  const tar = await tarOf('canary', Buffer.from('container'));
  const statuses = new Map<number, number>();
  await many(copies, async (index) => {
    const { status, bytes } = index % 2 === 0
      ? await engine.http('PUT', `/containers/${id}/archive?path=/x/d`, tar)
      : await engine.http('GET', `/containers/${id}/archive?path=/x/d/canary`);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    assert.ok(!bytes.includes('host'), 'a file of the host came out');
  });
  assert.equal(readFileSync(`${outside}/canary`, 'utf8'), 'host');
  assert.deepEqual(readdirSync(outside), ['canary']);
  assert.ok((statuses.get(200) ?? 0) > 0, 'none succeeded');
  // What becomes of one copy is a matter of the race; that none is a fault of the engine is not.
  if (engine.ours) assert.deepEqual([...statuses.keys()].filter((status) => ![200, 400, 404].includes(status)), []);
  await engine.docker(['rm', '-f', id]);
});

test('archive: a client that hangs up, in and out, leaves nothing and the container goes on', async () => {
  const id = await engine.start([busybox, 'sh', '-c', `head -c ${largeBytes} /dev/zero > /large; sleep 60`]);
  while ((await engine.http('HEAD', `/containers/${id}/archive?path=/large`)).status !== 200) await sleep(20);
  const before = held();
  for (let n = 0; n < 3; n++) {
    const sent = await begunCopy(id);
    sent.on('error', () => undefined); // hung up by ourselves
    sent.destroy();
    const coming = await stream(engine.socketPath, 'GET', `/containers/${id}/archive?path=/large`);
    await once(coming, 'readable');
    coming.destroy();
  }
  await nothingIsLeft(before);
  assert.equal((await engine.http('PUT', `/containers/${id}/archive?path=/tmp`, await tarOf('small', Buffer.from('after')))).status, 200);
  await engine.docker(['rm', '-f', id]);
});

// dockerd holds kill and rm up until the copy's client is done.
const ours = { skip: !engine.ours && 'only ours lets a container end, and go, during a copy' };

test('archive: a copy goes on to its end when the container ends, and is refused when it is removed', ours, async () => {
  const before = held();
  const ended = await engine.start([busybox, 'sleep', '60']);
  const first = await begunCopy(ended);
  const rest = large.subarray(sentBytes);
  await engine.docker(['kill', ended]);
  assert.equal(await statusOf(first, rest), 200);
  assert.equal((await engine.http('HEAD', `/containers/${ended}/archive?path=/tmp/large`)).status, 200);
  const second = await begunCopy(ended);
  await engine.docker(['rm', '-f', ended]);
  assert.equal(await statusOf(second, rest), 409);
  await nothingIsLeft(before);
});

async function statusOf(sent: ClientRequest, rest: Buffer): Promise<number | undefined> {
  const answered = once(sent, 'response') as Promise<[IncomingMessage]>;
  sent.end(rest);
  const [response] = await answered;
  response.resume();
  return response.statusCode;
}
