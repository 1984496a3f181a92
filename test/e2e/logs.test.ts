// Logs: what the program wrote, once, in order, with its time, while it runs and after.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { busybox, openEngine, succeeded, until } from './engine.ts';
import { frames, stream } from './http.ts';

const engine = await openEngine();

/** Runs `script` to its end; the container stays for its log. */
async function ended(script: string, ...flags: string[]): Promise<string> {
  const id = await engine.start([...flags, busybox, 'sh', '-c', script]);
  await engine.http('POST', `/containers/${id}/wait`, undefined, { timeoutMs: 60_000 });
  return id;
}
const logs = async (id: string, query: string) => frames((await engine.http('GET', `/containers/${id}/logs?${query}`, undefined, { timeoutMs: 60_000 })).bytes);
const both = 'stdout=1&stderr=1';
const remove = async (id: string) => { succeeded(await engine.docker(['rm', '-f', id])); };

test('logs gives both streams apart, and each alone', async () => {
  const id = await ended('echo one; echo two >&2; echo three');
  const all = await logs(id, both);
  assert.deepEqual([all.stdout, all.stderr], ['one\nthree\n', 'two\n']);
  assert.deepEqual([(await logs(id, 'stdout=1')).stderr, (await logs(id, 'stderr=1')).stdout], ['', '']);
  const client = await engine.docker(['logs', id]);
  assert.deepEqual([client.stdout, client.stderr], ['one\nthree\n', 'two\n']);
  await remove(id);
});

test('logs without a stream chosen is refused', async () => {
  const id = await ended('true');
  const answer = await engine.http('GET', `/containers/${id}/logs`);
  assert.equal(answer.status, 400);
  assert.match((answer.json() as { message: string }).message, /you must choose at least one stream/);
  await remove(id);
});

test('tail gives the last lines, also 0, all, and more than there are', async () => {
  const id = await ended('seq 1 1000');
  assert.equal((await logs(id, `${both}&tail=3`)).stdout, '998\n999\n1000\n');
  assert.equal((await logs(id, `${both}&tail=0`)).stdout, '');
  assert.equal((await logs(id, `${both}&tail=5000`)).stdout.split('\n').length, 1001);
  assert.equal((await logs(id, `${both}&tail=all`)).stdout.split('\n').length, 1001);
  await remove(id);
});

test('timestamps are UTC with nanoseconds and do not go back', async () => {
  const id = await ended('echo a; sleep 0.2; echo b');
  const lines = (await logs(id, `${both}&timestamps=1`)).stdout.trimEnd().split('\n');
  const times = lines.map((line) => /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z) [ab]$/.exec(line)?.[1]);
  assert.ok(times.every((time) => time !== undefined), lines.join('|'));
  assert.ok(Date.parse(times[1]!) - Date.parse(times[0]!) >= 190);
  await remove(id);
});

test('since and until choose by time, absolute and relative', async () => {
  const id = await ended('echo early; sleep 1.2; echo late');
  const [early, late] = (await logs(id, `${both}&timestamps=1`)).stdout.trimEnd().split('\n').map((line) => Date.parse(line.split(' ')[0]!) / 1000);
  const middle = (early! + late!) / 2;
  assert.equal((await logs(id, `${both}&since=${middle.toFixed(6)}`)).stdout, 'late\n');
  assert.equal((await logs(id, `${both}&until=${middle.toFixed(6)}`)).stdout, 'early\n');
  assert.equal(succeeded(await engine.docker(['logs', '--since', '1h', id])), 'early\nlate\n');
  assert.equal(succeeded(await engine.docker(['logs', '--since', new Date(middle * 1000).toISOString(), id])), 'late\n');
  assert.equal(succeeded(await engine.docker(['logs', '--until', '1h', id])), '');
  await remove(id);
});

test('follow shows what is there, then each line as it comes, and ends with the program', async () => {
  const id = await engine.start([busybox, 'sh', '-c', 'echo first; while [ ! -e /go ]; do sleep 0.05; done; echo second; exit 0']);
  const response = await stream(engine.socketPath, 'GET', `/containers/${id}/logs?follow=1&${both}`);
  let seen = Buffer.alloc(0);
  response.on('data', (chunk: Buffer) => { seen = Buffer.concat([seen, chunk]); });
  let over = false;
  response.on('end', () => { over = true; });
  await until('the first line', () => frames(seen).stdout === 'first\n');
  assert.equal(over, false);
  succeeded(await engine.docker(['exec', id, 'touch', '/go']));
  await until('the end', () => over);
  assert.equal(frames(seen).stdout, 'first\nsecond\n');
  await remove(id);
});

test('follow with tail=0 shows only what is new; a follower of an ended container ends at once', async () => {
  const id = await engine.start([busybox, 'sh', '-c', 'echo old; while [ ! -e /go ]; do sleep 0.05; done; echo new']);
  await until('the log has the line', async () => (await logs(id, both)).stdout === 'old\n');
  const follower = engine.docker(['logs', '-f', '--tail', '0', id]);
  await sleep(500);
  succeeded(await engine.docker(['exec', id, 'touch', '/go']));
  assert.equal((await follower).stdout, 'new\n');
  assert.equal((await engine.docker(['logs', '-f', id])).stdout, 'old\nnew\n');
  await remove(id);
});

test('lines longer than 16 KiB come back whole', async () => {
  const id = await ended('head -c 100000 /dev/zero | tr "\\0" a; echo; echo next');
  const { stdout } = await logs(id, both);
  assert.equal(stdout, `${'a'.repeat(100_000)}\nnext\n`);
  assert.equal((await logs(id, `${both}&tail=1`)).stdout, 'next\n');
  await remove(id);
});

test('a last line without newline, empty lines, and no output at all', async () => {
  const id = await ended('printf "a\\n\\n\\nend"');
  assert.equal((await logs(id, both)).stdout, 'a\n\n\nend');
  const silent = await ended('true');
  assert.equal((await logs(silent, both)).count, 0);
  await remove(id);
  await remove(silent);
});

test('text that is not ASCII comes back unchanged', async () => {
  const id = await ended('printf "caf\\303\\251 \\342\\202\\254 \\360\\237\\220\\263 \\"quoted\\" back\\\\\\\\slash \\t tab \\033[1m\\n"');
  assert.equal((await logs(id, both)).stdout, 'café € 🐳 "quoted" back\\slash \t tab \u001B[1m\n');
  await remove(id);
});

test('bytes that are no UTF-8 become U+FFFD in the json-file log', async () => {
  const name = engine.unique('binary');
  succeeded(await engine.run(['--name', name, busybox, 'sh', '-c', 'printf "\\377\\376x\\n"']));
  assert.equal((await logs(name, both)).stdout, '��x\n');
  await remove(name);
});

test('200,000 lines are logged whole and in order', async () => {
  const id = await ended('seq 1 200000');
  const lines = (await logs(id, both)).stdout.trimEnd().split('\n');
  assert.equal(lines.length, 200_000);
  assert.ok(lines.every((line, index) => line === String(index + 1)));
  await remove(id);
});

test('max-size and max-file bound the log; what is kept is whole lines, the newest', async () => {
  const id = await ended('seq 1 100000', '--log-opt', 'max-size=200k', '--log-opt', 'max-file=3');
  const lines = (await logs(id, both)).stdout.trimEnd().split('\n').map(Number);
  assert.equal(lines.at(-1), 100_000);
  assert.ok(lines.length > 2_000 && lines.length < 20_000, String(lines.length));
  assert.ok(lines.every((line, index) => index === 0 || line === lines[index - 1]! + 1));
  await remove(id);
});

test('a follower reads on over a rotation without losing or doubling a line', async () => {
  const id = await engine.start(['--log-opt', 'max-size=100k', '--log-opt', 'max-file=4', busybox, 'sh', '-c', 'for i in $(seq 1 20); do seq $((i*1000-999)) $((i*1000)); sleep 0.05; done']);
  const { stdout } = await engine.docker(['logs', '-f', id]);
  const lines = stdout.trimEnd().split('\n').map(Number);
  assert.equal(lines.at(-1), 20_000);
  assert.ok(lines.every((line, index) => index === 0 || line === lines[index - 1]! + 1));
  await remove(id);
});

test('--log-driver none keeps nothing and says so', async () => {
  const id = await ended('echo lost', '--log-driver', 'none');
  const outcome = await engine.docker(['logs', id]);
  assert.equal(outcome.code, 1);
  assert.match(outcome.stderr, /configured logging driver does not support reading/);
  await remove(id);
});

test('a log driver that is not there yet is refused by name', { skip: !engine.ours && 'dockerd has it' }, async () => {
  const outcome = await engine.run(['--rm', '--log-driver', 'syslog', busybox, 'true']);
  assert.equal(outcome.code, 125);
  assert.match(outcome.stderr, /"syslog" is not supported yet/);
});

test('the log goes on over a restart of the container', async () => {
  const id = await ended('echo again');
  succeeded(await engine.docker(['start', id]));
  await engine.http('POST', `/containers/${id}/wait`);
  assert.equal((await logs(id, both)).stdout, 'again\nagain\n');
  await remove(id);
});
