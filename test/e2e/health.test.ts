// Health checks: what the image or the flags ask for, results in inspect, words in ps; they rest while the container is paused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { busybox, openEngine, succeeded, until } from './engine.ts';

const engine = await openEngine();
const remove = async (...ids: string[]) => { succeeded(await engine.docker(['rm', '-f', ...ids])); };

interface Health {
  readonly Status: string;
  readonly FailingStreak: number;
  readonly Log: readonly { readonly Start: string; readonly End: string; readonly ExitCode: number; readonly Output: string }[];
}
const health = async (id: string) => (await engine.inspect(id) as unknown as { State: { Health?: Health } }).State.Health;
const words = async (id: string) => succeeded(await engine.docker(['ps', '-a', '--no-trunc', '--filter', `id=${id}`, '--format', '{{.Status}}'])).trim();
const checked = (command: string, flags: readonly string[] = [], script = 'sleep 1000') => engine.start(['--health-cmd', command, '--health-interval', '300ms', ...flags, busybox, 'sh', '-c', script]);

test('starting, healthy, unhealthy and healthy again, with results, as inspect and ps show them', async () => {
  const id = await checked('echo out; echo err >&2; test -e /ok', ['--health-retries', '2'], 'touch /ok; sleep 1000');
  assert.deepEqual(await health(id), { Status: 'starting', FailingStreak: 0, Log: [] });
  assert.match(await words(id), /^Up .* \(health: starting\)$/);
  await until('it is healthy', async () => (await health(id))?.Status === 'healthy');
  assert.match(await words(id), /^Up .* \(healthy\)$/);
  const [first] = (await health(id))!.Log;
  assert.equal(first!.ExitCode, 0);
  assert.match(first!.Output, /^(out\nerr\n|err\nout\n)$/);
  assert.ok(Date.parse(first!.End) >= Date.parse(first!.Start));
  succeeded(await engine.docker(['exec', id, 'rm', '/ok']));
  await until('it is unhealthy', async () => (await health(id))?.Status === 'unhealthy');
  const bad = (await health(id))!;
  assert.ok(bad.FailingStreak >= 2);
  assert.equal(bad.Log.at(-1)!.ExitCode, 1);
  assert.match(await words(id), /\(unhealthy\)$/);
  succeeded(await engine.docker(['exec', id, 'touch', '/ok']));
  await until('it is healthy again', async () => (await health(id))?.Status === 'healthy');
  assert.equal((await health(id))!.FailingStreak, 0);
  await until('the log is full', async () => (await health(id))!.Log.length >= 5);
  await sleep(400);
  assert.equal((await health(id))!.Log.length, 5);
  await remove(id);
});

test('no probe runs in a paused or an ended container; their log stays', async () => {
  const id = await checked('true');
  await until('it is healthy', async () => (await health(id))?.Status === 'healthy');
  succeeded(await engine.docker(['pause', id]));
  const paused = await health(id);
  assert.equal(paused!.Status, 'unhealthy');
  assert.match(await words(id), /\(Paused\)$/);
  await sleep(700);
  assert.deepEqual(await health(id), paused);
  succeeded(await engine.docker(['unpause', id]));
  await until('it is healthy again', async () => (await health(id))?.Status === 'healthy');
  succeeded(await engine.docker(['stop', '-t', '0', id]));
  const ended = await health(id);
  assert.equal(ended!.Status, 'unhealthy');
  assert.doesNotMatch(await words(id), /health/);
  succeeded(await engine.docker(['start', id]));
  assert.equal((await health(id))!.Status, 'starting');
  assert.ok((await health(id))!.Log.length >= ended!.Log.length);
  await remove(id);
});

test('a probe that takes too long is ended, and says so', async () => {
  const id = await checked('echo begun; sleep 1000', ['--health-timeout', '300ms', '--health-retries', '1']);
  await until('it is unhealthy', async () => (await health(id))?.Status === 'unhealthy');
  const result = (await health(id))!.Log.at(-1)!;
  assert.deepEqual([result.ExitCode, result.Output], [-1, 'Health check exceeded timeout (300ms): begun\n']);
  await remove(id);
});

test('a start period forgives failures, and probes at its own interval', async () => {
  const id = await engine.start(['--health-cmd', 'exit 1', '--health-interval', '10m', '--health-retries', '1', '--health-start-period', '1m', '--health-start-interval', '200ms', busybox, 'sleep', '1000']);
  await until('it was probed twice', async () => ((await health(id))?.Log.length ?? 0) >= 2);
  const early = (await health(id))!;
  assert.deepEqual([early.Status, early.FailingStreak], ['starting', 0]);
  await remove(id);
});

test('a program that is not there, a signal and much output are results', async () => {
  const create = async (Test: readonly string[]) => {
    const id = await engine.create({ Cmd: ['sleep', '1000'], Healthcheck: { Test, Interval: 200e6 } });
    assert.equal((await engine.http('POST', `/containers/${id}/start`)).status, 204);
    await until('there is a result', async () => ((await health(id))?.Log.length ?? 0) > 0);
    const result = (await health(id))!.Log[0]!;
    await remove(id);
    return result;
  };
  const missing = await create(['CMD', 'no-such-program']);
  assert.equal(missing.ExitCode, -1);
  assert.match(missing.Output, /exec: "no-such-program": executable file not found in \$PATH/);
  const noisy = await create(['CMD-SHELL', 'yes | head -c 10000; kill -9 $$']);
  assert.equal(noisy.ExitCode, 137);
  assert.ok(noisy.Output.endsWith('...') && noisy.Output.length === 4099, String(noisy.Output.length));
});

test('what is no health check: --no-healthcheck, times without a command, an unknown type', async () => {
  for (const flags of [['--no-healthcheck'], ['--health-interval', '3s']]) {
    const id = await engine.start([...flags, busybox, 'sleep', '1000']);
    assert.equal(await health(id), undefined);
    assert.match(await words(id), /^Up [^()]*$/);
    await remove(id);
  }
  const unknown = await engine.create({ Cmd: ['sleep', '1000'], Healthcheck: { Test: ['BOGUS', 'x'] } });
  assert.equal((await engine.http('POST', `/containers/${unknown}/start`)).status, 204);
  assert.equal(await health(unknown), undefined);
  await remove(unknown);
});

test('a health check without a command says so and runs nothing', { skip: !engine.ours && 'dockerd 28.5 dies of it' }, async () => {
  const answer = await engine.http('POST', '/containers/create', { Image: busybox, Cmd: ['sleep', '1000'], Healthcheck: { Test: ['CMD'] }, HostConfig: { NetworkMode: 'none' } });
  const { Id, Warnings } = answer.json() as { Id: string; Warnings: string[] };
  assert.match(Warnings.join(), /No health check is made: CMD has no command/);
  assert.equal((await engine.http('POST', `/containers/${Id}/start`)).status, 204);
  assert.equal(await health(Id), undefined);
  await remove(Id);
});

test('times and counts that make no sense are refused', async () => {
  for (const [setting, text] of [
    [{ Interval: 100 }, 'Interval in Healthcheck cannot be less than 1ms'], [{ Timeout: 100 }, 'Timeout in Healthcheck cannot be less than 1ms'],
    [{ StartPeriod: -1 }, 'StartPeriod in Healthcheck cannot be less than 1ms'], [{ StartInterval: 5 }, 'StartInterval in Healthcheck cannot be less than 1ms'],
    [{ Retries: -1 }, 'Retries in Healthcheck cannot be negative'],
  ] as const) {
    const answer = await engine.http('POST', '/containers/create', { Image: busybox, Healthcheck: { Test: ['CMD', 'true'], ...setting }, HostConfig: { NetworkMode: 'none' } });
    assert.deepEqual([answer.status, (answer.json() as { message: string }).message], [400, text]);
  }
  for (const [flags, text] of [
    [['--no-healthcheck', '--health-cmd', 'x'], /--no-healthcheck conflicts with --health-\* options/], [['--health-interval', '-1s'], /--health-interval cannot be negative/],
    [['--health-interval', '5'], /missing unit in duration/],
  ] as const) {
    const outcome = await engine.run([...flags, busybox, 'true']);
    assert.equal(outcome.code, 125);
    assert.match(outcome.stderr, text);
  }
});

test('after kill -9 of the daemon the checks go on', { skip: !engine.ours && 'a promise of ours' }, async () => {
  const id = await checked('echo x >> /probes; test -e /ok', ['--health-retries', '1'], 'touch /ok; sleep 1000');
  await until('it is healthy', async () => (await health(id))?.Status === 'healthy');
  await engine.daemon!.crash();
  await engine.daemon!.start();
  assert.equal((await health(id))!.Status, 'healthy');
  succeeded(await engine.docker(['exec', id, 'rm', '/ok']));
  await until('it is unhealthy', async () => (await health(id))?.Status === 'unhealthy');
  await remove(id);
});
