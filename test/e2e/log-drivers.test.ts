// The log drivers: json-file, local and none, with Docker's options.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { busybox, openEngine, succeeded, until } from './engine.ts';

const engine = await openEngine();
const logs = (id: string, ...flags: string[]) => engine.docker(['logs', ...flags, id], { timeoutMs: 60_000 });
const remove = async (id: string) => void succeeded(await engine.docker(['rm', '-f', id]));

async function ended(script: string, ...flags: string[]): Promise<string> {
  const id = await engine.start([...flags, busybox, 'sh', '-c', script]);
  await engine.http('POST', `/containers/${id}/wait`);
  return id;
}

for (const driver of ['json-file', 'local']) {
  test(`${driver}: both streams, in order, by time, with times, from the end`, async () => {
    const id = await ended('echo one; echo two >&2; sleep 1.1; echo "three <é>"; printf "no newline"', '--log-driver', driver);
    const both = await logs(id);
    assert.deepEqual([both.stdout, both.stderr], ['one\nthree <é>\nno newline', 'two\n']);
    assert.equal((await logs(id, '--tail', '2')).stdout, 'three <é>\nno newline');
    const stamped = (await logs(id, '-t')).stdout.split('\n').map((line) => line.split(' ', 1)[0]!);
    assert.ok(stamped.every((time) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/.test(time)), stamped.join());
    assert.equal((await logs(id, '--since', stamped[1]!)).stdout, 'three <é>\nno newline');
    assert.equal((await logs(id, '--until', stamped[0]!)).stdout, 'one\n');
    assert.match((await logs(id, '-t', '--details')).stdout, /^\S+Z {2}one\n/);
    await remove(id);
  });

  test(`${driver}: rotated and compressed, the newest lines are kept, whole and in order`, async () => {
    const id = await ended('seq 1 100000', '--log-driver', driver, '--log-opt', 'max-size=100k', '--log-opt', 'max-file=3', '--log-opt', 'compress=true');
    const check = async () => {
      const lines = (await logs(id)).stdout.trimEnd().split('\n').map(Number);
      assert.equal(lines.at(-1), 100_000);
      assert.ok(lines.length > 2_000 && lines.length < 60_000, String(lines.length));
      assert.ok(lines.every((line, index) => index === 0 || line === lines[index - 1]! + 1));
    };
    await check();
    if (engine.ours) {
      const dir = join(engine.daemon!.place.rootDir, 'containers', id);
      await until('compressed', () => readdirSync(dir).filter((name) => name.endsWith('.gz')).length === 2 && !readdirSync(dir).some((name) => /log\.\d+$|\.tmp$/.test(name)));
      await check();
    }
    await remove(id);
  });

  test(`${driver}: a follower reads on over rotations`, async () => {
    const id = await engine.start(['--log-driver', driver, '--log-opt', 'max-size=100k', '--log-opt', 'max-file=4', busybox, 'sh', '-c', 'for i in $(seq 1 20); do seq $((i*1000-999)) $((i*1000)); sleep 0.05; done']);
    const lines = (await logs(id, '-f')).stdout.trimEnd().split('\n').map(Number);
    assert.equal(lines.at(-1), 20_000);
    assert.ok(lines.every((line, index) => index === 0 || line === lines[index - 1]! + 1));
    await remove(id);
  });

  test(`${driver}: mode=non-blocking loses nothing of a program that is no flood`, async () => {
    const id = await ended('seq 1 1000', '--log-driver', driver, '--log-opt', 'mode=non-blocking', '--log-opt', 'max-buffer-size=1m');
    assert.equal((await logs(id)).stdout.trimEnd().split('\n').length, 1000);
    await remove(id);
  });
}

test('mode=non-blocking: what a flood outruns is counted in the log, byte for byte', { skip: !engine.ours && 'dockerd drops without a word' }, async () => {
  const bytes = 30_000_000;
  const id = await engine.start(['--log-opt', 'max-size=-1', '--log-opt', 'mode=non-blocking', '--log-opt', 'max-buffer-size=4k', busybox, 'sh', '-c', `yes 123456789 | head -c ${bytes}`]);
  await engine.http('POST', `/containers/${id}/wait`, undefined, { timeoutMs: 30_000 });
  const { stdout } = await logs(id);
  const losses = [...stdout.matchAll(/\[estiva\] (\d+) bytes of output are missing here[^\n]*\n/g)];
  const missing = losses.reduce((sum, [, count]) => sum + Number(count), 0);
  const words = losses.reduce((sum, [text]) => sum + text.length, 0);
  assert.equal(stdout.length - words + missing, bytes);
  await remove(id);
});

test('json-file: details are labels, environment and a tag, as asked', async () => {
  const id = await ended('echo hi', '--name', engine.unique('details'), '--label', 'zz=1', '--label', 'aa=x, y=ü', '--label', 'qq=2', '-e', 'FOO=bar', '-e', 'BAR=x', '-e', 'BAZ=',
    '--log-opt', 'tag={{.ImageName}}', '--log-opt', 'labels=zz,aa', '--log-opt', 'labels-regex=^q', '--log-opt', 'env=FOO', '--log-opt', 'env-regex=^B');
  assert.equal((await logs(id, '--details')).stdout, 'BAR=x,BAZ=,FOO=bar,aa=x%2C+y%3D%C3%BC,qq=2,tag=estiva-test%2Fbusybox%3A1,zz=1 hi\n');
  assert.equal((await logs(id)).stdout, 'hi\n');
  await remove(id);
});

test('none: output reaches who is attached, and nothing is kept', async () => {
  const name = engine.unique('none');
  const outcome = await engine.run(['--name', name, '--log-driver', 'none', busybox, 'echo', 'seen']);
  assert.equal(outcome.stdout, 'seen\n');
  const refused = await logs(name);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /configured logging driver does not support reading/);
  assert.equal((await engine.http('GET', `/containers/${name}/logs?stdout=1`)).status, 501);
  assert.equal((await engine.inspect(name)).LogPath, '');
  await remove(name);
});

test('local and none keep their word over a crash of the daemon', { skip: !engine.ours && 'ours may be killed' }, async () => {
  const script = 'for i in $(seq 1 40); do echo line $i; sleep 0.05; done';
  const [local, none] = [await engine.start(['--log-driver', 'local', busybox, 'sh', '-c', script]), await engine.start(['--log-driver', 'none', busybox, 'sh', '-c', script])];
  await until('some lines', async () => (await logs(local)).stdout.includes('line 5\n'));
  await engine.daemon!.crash();
  await engine.daemon!.start();
  for (const id of [local, none]) await engine.http('POST', `/containers/${id}/wait`);
  assert.equal((await logs(local)).stdout, Array.from({ length: 40 }, (_, i) => `line ${i + 1}\n`).join(''));
  assert.equal((await engine.inspect(none)).State.ExitCode, 0);
  await remove(local);
  await remove(none);
});
