// A container's life through the API and the client: verbs, states, names, and the answers to verbs that the state does not allow.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { busybox, openEngine, succeeded, until } from './engine.ts';
import { stream } from './http.ts';

const engine = await openEngine();
const status = async (method: string, path: string, body?: Record<string, unknown>) => (await engine.http(method, path, body)).status;
const remove = async (id: string) => assert.equal(await status('DELETE', `/containers/${id}?force=1&v=1`), 204);
const sleeper = (script = 'sleep 1000') => engine.start([busybox, 'sh', '-c', script]);

test('create, start, wait, inspect, remove: each state as Docker shows it', async () => {
  const id = await engine.create({ Cmd: ['sh', '-c', 'sleep 0.3; exit 7'] });
  const created = (await engine.inspect(id)).State;
  assert.deepEqual([created.Status, created.Running, created.Pid, created.ExitCode, created.StartedAt, created.FinishedAt],
    ['created', false, 0, 0, '0001-01-01T00:00:00Z', '0001-01-01T00:00:00Z']);
  assert.equal(await status('POST', `/containers/${id}/start`), 204);
  const running = (await engine.inspect(id)).State;
  assert.deepEqual([running.Status, running.Running, running.FinishedAt], ['running', true, '0001-01-01T00:00:00Z']);
  assert.ok(running.Pid > 1);
  const waited = (await engine.http('POST', `/containers/${id}/wait`)).json() as { StatusCode: number };
  assert.equal(waited.StatusCode, 7);
  const exited = (await engine.inspect(id)).State;
  assert.deepEqual([exited.Status, exited.Running, exited.Pid, exited.ExitCode], ['exited', false, 0, 7]);
  assert.ok(Date.parse(exited.FinishedAt) >= Date.parse(exited.StartedAt));
  assert.equal(await status('DELETE', `/containers/${id}`), 204);
  assert.equal(await status('GET', `/containers/${id}/json`), 404);
});

test('every exit code from 0 to 255 is reported', async () => {
  const codes = engine.ours ? Array.from({ length: 256 }, (_, code) => code) : [0, 1, 2, 63, 64, 127, 128, 129, 254, 255];
  for (const code of codes) {
    const id = await engine.create({ Cmd: ['sh', '-c', `exit ${code}`] });
    await engine.http('POST', `/containers/${id}/start`);
    assert.equal(((await engine.http('POST', `/containers/${id}/wait`)).json() as { StatusCode: number }).StatusCode, code);
    await engine.http('DELETE', `/containers/${id}`);
  }
});

test('verbs twice: start and stop answer 304, kill of a stopped one 409', async () => {
  const id = await sleeper();
  assert.equal(await status('POST', `/containers/${id}/start`), 304);
  assert.equal(await status('POST', `/containers/${id}/stop?t=0`), 204);
  assert.equal(await status('POST', `/containers/${id}/stop`), 304);
  const killed = await engine.http('POST', `/containers/${id}/kill`);
  assert.equal(killed.status, 409);
  assert.match((killed.json() as { message: string }).message, /is not running/);
  await remove(id);
});

test('verbs on what does not exist answer 404 with Docker\'s text', async () => {
  for (const [method, path] of [['GET', 'json'], ['POST', 'start'], ['POST', 'stop'], ['POST', 'kill'], ['POST', 'wait'], ['POST', 'resize?h=1&w=1'], ['GET', 'logs?stdout=1']] as const) {
    const answer = await engine.http(method, `/containers/no-such-one/${path}`);
    assert.equal(answer.status, 404, path);
    assert.match((answer.json() as { message: string }).message, /No such container: no-such-one$/, path);
  }
  assert.equal(await status('DELETE', '/containers/no-such-one'), 404);
});

test('remove refuses a running container, force removes it', async () => {
  const id = await sleeper();
  const refused = await engine.http('DELETE', `/containers/${id}`);
  assert.equal(refused.status, 409);
  assert.match((refused.json() as { message: string }).message, /cannot remove container .*: container is running/);
  const { Pid } = (await engine.inspect(id)).State;
  await remove(id);
  if (engine.ours) assert.throws(() => process.kill(Pid, 0), /ESRCH/);
});

test('a name in use is refused with 409 and both names; it is free after remove', async () => {
  const name = engine.unique('named');
  const first = succeeded(await engine.docker(['create', '--network', 'none', '--label', 'x', '--name', name, busybox])).trim();
  const second = await engine.http('POST', `/containers/create?name=${name}`, { Image: busybox, HostConfig: { NetworkMode: 'none' } });
  assert.equal(second.status, 409);
  const { message } = second.json() as { message: string };
  assert.equal(message, `Conflict. The container name "/${name}" is already in use by container "${first}". You have to remove (or rename) that container to be able to reuse that name.`);
  await remove(name);
  const third = await engine.http('POST', `/containers/create?name=${name}`, { Image: busybox, HostConfig: { NetworkMode: 'none' } });
  assert.equal(third.status, 201);
  await remove(name);
});

test('a bad name is refused with the allowed characters', async () => {
  const answer = await engine.http('POST', '/containers/create?name=b%C3%A4d', { Image: busybox });
  assert.equal(answer.status, 400);
  assert.match((answer.json() as { message: string }).message, /Invalid container name \(bäd\), only \[a-zA-Z0-9\]\[a-zA-Z0-9_.-\]\+? are allowed/);
});

test('containers without a name get one; id, prefix and name all find them', async () => {
  const id = await engine.create({ Cmd: ['true'] });
  const { Name } = await engine.inspect(id.slice(0, 12));
  assert.match(Name, /^\/[a-z]+_[a-z]+\d?$/);
  assert.equal((await engine.inspect(Name.slice(1))).Id, id);
  assert.equal((await engine.inspect(id.slice(0, 20))).Id, id);
  await remove(id);
});

test('stop sends the stop signal, waits, then kills', async () => {
  const polite = await sleeper('trap "exit 3" TERM; while :; do sleep 0.05; done');
  await sleep(300);
  succeeded(await engine.docker(['stop', polite]));
  assert.equal((await engine.inspect(polite)).State.ExitCode, 3);
  const deaf = await sleeper('trap "" TERM; while :; do sleep 0.05; done');
  await sleep(300);
  const began = performance.now();
  succeeded(await engine.docker(['stop', '-t', '1', deaf]));
  assert.ok(performance.now() - began > 900);
  assert.equal((await engine.inspect(deaf)).State.ExitCode, 137);
  const own = await engine.start(['--stop-signal', 'USR1', busybox, 'sh', '-c', 'trap "exit 5" USR1; while :; do sleep 0.05; done']);
  await sleep(300);
  succeeded(await engine.docker(['stop', own]));
  assert.equal((await engine.inspect(own)).State.ExitCode, 5);
  for (const id of [polite, deaf, own]) await remove(id);
});

test('kill sends the named signal; a bad signal is refused', async () => {
  const id = await sleeper('trap "exit 9" HUP; while :; do sleep 0.05; done');
  await sleep(300);
  const bad = await engine.http('POST', `/containers/${id}/kill?signal=NOPE`);
  assert.equal(bad.status, 400);
  assert.match((bad.json() as { message: string }).message, /[Ii]nvalid signal: NOPE/);
  succeeded(await engine.docker(['kill', '-s', 'HUP', id]));
  assert.equal(succeeded(await engine.docker(['wait', id])).trim(), '9');
  await remove(id);
});

test('kill of the first process ends all others in the container', async () => {
  const id = await sleeper('sleep 999 & sleep 999 & wait');
  await until('three processes', async () => succeeded(await engine.docker(['exec', id, 'sh', '-c', 'pidof sleep | wc -w'])).trim() === '2');
  succeeded(await engine.docker(['kill', id]));
  assert.equal((await engine.inspect(id)).State.ExitCode, 137);
  await remove(id);
});

test('a stopped container starts again with its files', async () => {
  const id = await engine.create({ Cmd: ['sh', '-c', 'echo x >> /kept; wc -l < /kept'] });
  for (let round = 1; round <= 3; round += 1) {
    assert.equal(await status('POST', `/containers/${id}/start`), 204);
    await engine.http('POST', `/containers/${id}/wait`);
  }
  assert.equal(succeeded(await engine.docker(['logs', id])), '1\n2\n3\n');
  await remove(id);
});

test('wait: next-exit answers at the next exit, removed when it is gone', async () => {
  const id = await engine.create({ Cmd: ['sh', '-c', 'exit 4'] });
  const next = engine.http('POST', `/containers/${id}/wait?condition=next-exit`);
  await sleep(200);
  await engine.http('POST', `/containers/${id}/start`);
  assert.equal(((await next).json() as { StatusCode: number }).StatusCode, 4);
  const removed = engine.http('POST', `/containers/${id}/wait?condition=removed`);
  await sleep(200);
  await remove(id);
  assert.equal(((await removed).json() as { StatusCode: number }).StatusCode, 4);
});

test('wait sends its head at once, so that a client may start after it', async () => {
  const id = await engine.create({ Cmd: ['true'] });
  const response = await stream(engine.socketPath, 'POST', `/containers/${id}/wait?condition=next-exit`);
  assert.equal(response.statusCode, 200);
  await engine.http('POST', `/containers/${id}/start`);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  assert.equal((JSON.parse(Buffer.concat(chunks).toString()) as { StatusCode: number }).StatusCode, 0);
  await remove(id);
});

test('ps lists running ones, -a all, newest first, with Docker\'s words', async () => {
  const running = await sleeper();
  const exited = await engine.create({ Cmd: ['sh', '-c', 'exit 2'] });
  await engine.http('POST', `/containers/${exited}/start`);
  await engine.http('POST', `/containers/${exited}/wait`);
  const created = await engine.create({ Cmd: ['true'] });
  const list = succeeded(await engine.docker(['ps', '-a', '--no-trunc', '--format', '{{.ID}} {{.State}} {{.Status}}'])).split('\n');
  const mine = [created, exited, running].map((id) => list.findIndex((line) => line.startsWith(id)));
  assert.deepEqual(mine, mine.toSorted((a, b) => a - b));
  assert.match(list[mine[0]!]!, / created Created$/);
  assert.match(list[mine[1]!]!, / exited Exited \(2\) (Less than a second|\d+ seconds?|About a minute) ago$/);
  assert.match(list[mine[2]!]!, / running Up (Less than a second|\d+ seconds?|About a minute)$/);
  const onlyRunning = succeeded(await engine.docker(['ps', '-q', '--no-trunc']));
  assert.ok(onlyRunning.includes(running) && !onlyRunning.includes(exited) && !onlyRunning.includes(created));
  for (const id of [running, exited, created]) await remove(id);
});

test('ps filters by id, name, label, status, exited', async () => {
  const name = engine.unique('filtered');
  const id = succeeded(await engine.docker(['create', '--network', 'none', '--name', name, '--label', 'colour=blue', busybox])).trim();
  const found = async (...filters: string[]) => succeeded(await engine.docker(['ps', '-aq', '--no-trunc', ...filters.flatMap((filter) => ['--filter', filter])])).split('\n').includes(id);
  assert.ok(await found(`name=${name}`) && await found(`id=${id.slice(0, 10)}`) && await found('label=colour=blue') && await found('label=colour', `name=${name}`) && await found('status=created'));
  assert.ok(!await found('label=colour=red') && !await found('status=running') && !await found(`name=${name}x`));
  await remove(id);
});

test('inspect shows what was asked for', async () => {
  const id = succeeded(await engine.docker(['create', '--network', 'none', '-it', '-e', 'A=b', '-w', '/w', '-u', 'bob', '--memory', '64m', '--cpus', '0.5', '--pids-limit', '50', '--label', 'k=v', busybox, 'echo', 'a b'])).trim();
  const seen = await engine.inspect(id);
  assert.deepEqual([seen.Path, seen.Args], ['echo', ['a b']]);
  const { Tty, OpenStdin, WorkingDir, User, Cmd, Labels, Image } = seen.Config as Record<string, unknown>;
  assert.deepEqual({ Tty, OpenStdin, WorkingDir, User, Cmd, Image }, { Tty: true, OpenStdin: true, WorkingDir: '/w', User: 'bob', Cmd: ['echo', 'a b'], Image: busybox });
  assert.equal((Labels as Record<string, string>).k, 'v');
  const { Memory, NanoCpus, PidsLimit, NetworkMode } = seen.HostConfig;
  assert.deepEqual({ Memory, NanoCpus, PidsLimit, NetworkMode }, { Memory: 64 * 1024 * 1024, NanoCpus: 500_000_000, PidsLimit: 50, NetworkMode: 'none' });
  assert.match(seen.Image, /^sha256:[0-9a-f]{64}$/);
  await remove(id);
});

test('inspect of something missing exits 1 and says so', async () => {
  const outcome = await engine.docker(['inspect', 'no-such-object']);
  assert.equal(outcome.code, 1);
  assert.equal(outcome.stdout.trim(), '[]');
  assert.match(outcome.stderr, /[Nn]o such object: no-such-object/);
});

test('twenty containers started and removed at once, none disturbs another', async () => {
  const codes = await Promise.all(Array.from({ length: 20 }, async (_, code) => {
    const id = await engine.create({ Cmd: ['sh', '-c', `sleep 0.1; exit ${code}`] });
    await engine.http('POST', `/containers/${id}/start`);
    const { StatusCode } = (await engine.http('POST', `/containers/${id}/wait`, undefined, { timeoutMs: 60_000 })).json() as { StatusCode: number };
    await remove(id);
    return StatusCode;
  }));
  assert.deepEqual(codes, Array.from({ length: 20 }, (_, code) => code));
});
