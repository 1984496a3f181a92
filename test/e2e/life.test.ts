// A container's life beyond start and stop: pause, restart, rename, and restart policies; and what each state answers to each verb.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { busybox, openEngine, succeeded, until } from './engine.ts';

const engine = await openEngine();
const skip = !engine.ours && 'kill -9 of the daemon: a promise of ours';
const status = async (method: string, path: string, body?: Record<string, unknown>) => (await engine.http(method, path, body)).status;
const remove = async (...ids: string[]) => { succeeded(await engine.docker(['rm', '-f', ...ids])); };
const sleeper = (script = 'sleep 1000', ...flags: string[]) => engine.start([...flags, busybox, 'sh', '-c', script]);
const shown = async (id: string) => succeeded(await engine.docker(['ps', '-a', '--no-trunc', '--filter', `id=${id}`, '--format', '{{.State}} {{.Status}}'])).trim();
const state = async (id: string) => (await engine.inspect(id)).State.Status;

async function refused(expected: number, text: RegExp, method: string, path: string, body?: Record<string, unknown>): Promise<void> {
  const answer = await engine.http(method, path, body);
  // dockerd answers 500 to some of these: what is not paused cannot be unpaused.
  assert.ok(answer.status === expected || (!engine.ours && answer.status === 500), `${path}: ${answer.status}`);
  assert.match(answer.text, text);
}

/** Whether a program that counts in a file counts on. */
async function counts(id: string): Promise<boolean> {
  const length = async () => succeeded(await engine.docker(['logs', id])).length;
  const before = await length();
  await sleep(300);
  return await length() > before;
}

test('pause stops every process, unpause lets them go on', async () => {
  const id = await sleeper('while :; do echo x; usleep 20000; done & while :; do echo y; usleep 20000; done');
  await until('it counts', () => counts(id));
  assert.equal(succeeded(await engine.docker(['pause', id])).trim(), id);
  assert.match(await shown(id), /^paused Up .* \(Paused\)$/);
  await sleep(100);
  assert.equal(await counts(id), false);
  const { State } = await engine.inspect(id) as unknown as { State: Record<string, unknown> };
  assert.deepEqual([State.Status, State.Running, State.Paused, State.Restarting, State.Pid !== 0], ['paused', true, true, false, true]);
  assert.ok(succeeded(await engine.docker(['ps', '-q', '--no-trunc'])).includes(id), 'ps shows it without -a');
  assert.ok(succeeded(await engine.docker(['ps', '-q', '--no-trunc', '--filter', 'status=paused'])).includes(id));
  assert.equal(succeeded(await engine.docker(['unpause', id])).trim(), id);
  await until('it counts again', () => counts(id));
  assert.match(await shown(id), /^running Up [^()]*$/);
  await remove(id);
});

test('a paused container refuses exec, attach, start, pause and rm, in Docker\'s words', async () => {
  const name = engine.unique('paused');
  const id = await sleeper('sleep 1000', '--name', name);
  assert.equal(await status('POST', `/containers/${id}/pause`), 204);
  await refused(409, new RegExp(`Container ${id} is already paused`), 'POST', `/containers/${id}/pause`);
  await refused(409, new RegExp(`[Cc]ontainer ${name} is paused, unpause the container before exec`), 'POST', `/containers/${name}/exec`, { Cmd: ['ls'] });
  await refused(409, new RegExp(`container ${name} is paused, unpause the container before attach`), 'POST', `/containers/${name}/attach?stream=1&stdout=1`);
  await refused(409, /cannot start a paused container, try unpause instead/, 'POST', `/containers/${id}/start`);
  await refused(409, /cannot remove container \\"[^ ]*\\": container is paused and must be unpaused first/, 'DELETE', `/containers/${id}`);
  assert.equal(await status('POST', `/containers/${id}/unpause`), 204);
  await refused(409, new RegExp(`Container ${id} is not paused`), 'POST', `/containers/${id}/unpause`);
  await remove(id);
});

test('what does not run can be neither paused nor unpaused', async () => {
  const id = await engine.create({ Cmd: ['true'] });
  await refused(409, new RegExp(`container ${id} is not running`), 'POST', `/containers/${id}/pause`);
  await refused(409, new RegExp(`Container ${id} is not paused`), 'POST', `/containers/${id}/unpause`);
  for (const verb of ['pause', 'unpause', 'restart', 'rename?name=x1']) assert.equal(await status('POST', `/containers/no-such-one/${verb}`), 404, verb);
  await remove(id);
});

test('stop, kill, restart and rm -f work on a paused container', async () => {
  const stopped = await sleeper('trap "exit 3" TERM; while :; do usleep 50000; done');
  await sleep(200);
  succeeded(await engine.docker(['pause', stopped]));
  succeeded(await engine.docker(['stop', stopped]));
  assert.equal((await engine.inspect(stopped)).State.ExitCode, 3);
  const killed = await sleeper();
  succeeded(await engine.docker(['pause', killed]));
  succeeded(await engine.docker(['kill', killed]));
  await until('it is dead', async () => await state(killed) === 'exited');
  assert.equal((await engine.inspect(killed)).State.ExitCode, 137);
  succeeded(await engine.docker(['start', killed]));
  succeeded(await engine.docker(['pause', killed]));
  succeeded(await engine.docker(['restart', '-t', '0', killed]));
  assert.equal(await state(killed), 'running');
  succeeded(await engine.docker(['pause', killed]));
  await remove(killed, stopped);
});

test('a signal that is not the chosen stop signal leaves a paused container paused; without a chosen one any signal lets it go on', async () => {
  const chosen = await sleeper('sleep 1000', '--stop-signal', 'TERM');
  const free = await sleeper('sleep 1000');
  for (const id of [chosen, free]) {
    succeeded(await engine.docker(['pause', id]));
    succeeded(await engine.docker(['kill', '-s', 'WINCH', id]));
  }
  assert.equal(await state(chosen), 'paused');
  await until('it goes on', async () => await state(free) === 'running');
  await remove(chosen, free);
});

test('attached clients and logs go on across a pause', async () => {
  const id = await engine.start(['-i', busybox, 'cat']);
  const attached = await engine.hijack(`/containers/${id}/attach?stream=1&stdin=1&stdout=1`);
  succeeded(await engine.docker(['pause', id]));
  attached.socket.write('while paused\n');
  await sleep(100);
  assert.equal((await engine.docker(['logs', id])).stdout, '');
  succeeded(await engine.docker(['unpause', id]));
  await until('it echoes', async () => (await engine.docker(['logs', id])).stdout === 'while paused\n');
  attached.socket.destroy();
  await remove(id);
});

test('restart stops and starts, also what does not run; --rm does not remove it in between', async () => {
  const id = await sleeper('trap "exit 0" TERM; while :; do usleep 50000; done', '--rm');
  await sleep(200);
  const before = await engine.inspect(id);
  assert.equal(succeeded(await engine.docker(['restart', id])).trim(), id);
  const after = await engine.inspect(id);
  assert.notEqual(after.State.Pid, before.State.Pid);
  assert.ok(after.State.StartedAt > before.State.StartedAt);
  const created = await engine.create({ Cmd: ['sleep', '1000'] });
  succeeded(await engine.docker(['restart', created]));
  assert.equal(await state(created), 'running');
  await refused(400, /invalid signal: NOPE/i, 'POST', `/containers/${created}/restart?signal=NOPE`);
  assert.equal(await state(created), 'running');
  succeeded(await engine.docker(['restart', '-s', 'KILL', created]));
  await remove(id, created);
});

test('rename: found by the new name at once, running or not; taken, bad and equal names are refused', async () => {
  const [first, second, third] = [engine.unique('first'), engine.unique('second'), engine.unique('third')];
  const id = await sleeper('sleep 1000', '--name', first);
  succeeded(await engine.docker(['rename', first, second]));
  assert.equal((await engine.inspect(second)).Id, id);
  assert.equal(await status('GET', `/containers/${first}/json`), 404);
  const other = succeeded(await engine.docker(['create', '--network', 'none', '--name', first, busybox])).trim();
  await refused(409, new RegExp(`Error when allocating new name: Conflict. The container name \\\\"/${first}\\\\" is already in use by container \\\\"${other}\\\\"`), 'POST', `/containers/${second}/rename?name=${first}`);
  await refused(400, /Renaming a container with the same name as its current name/, 'POST', `/containers/${second}/rename?name=/${second}`);
  await refused(400, /Neither old nor new names may be empty/, 'POST', `/containers/${second}/rename`);
  await refused(400, /Error when allocating new name: Invalid container name \(\/b d\), only \[a-zA-Z0-9\]\[a-zA-Z0-9_.-\] are allowed/, 'POST', `/containers/${second}/rename?name=b%20d`);
  assert.equal((await engine.inspect(id)).Name, `/${second}`);
  succeeded(await engine.docker(['rename', other, third]));
  succeeded(await engine.docker(['rename', id.slice(0, 12), first]));
  assert.equal((await engine.inspect(first)).Id, id);
  await remove(id, other);
});

test('--restart on-failure:2 tries three times in all, and stays exited', async () => {
  const id = await sleeper('echo run; exit 3', '--restart', 'on-failure:2');
  await until('it gave up', async () => await state(id) === 'exited');
  const seen = await engine.inspect(id);
  assert.deepEqual([seen.RestartCount, seen.State.ExitCode], [2, 3]);
  assert.equal(succeeded(await engine.docker(['logs', id])), 'run\nrun\nrun\n');
  assert.deepEqual(seen.HostConfig.RestartPolicy, { Name: 'on-failure', MaximumRetryCount: 2 });
  const fine = await sleeper('exit 0', '--restart', 'on-failure');
  await until('a success is no failure', async () => await state(fine) === 'exited');
  assert.equal((await engine.inspect(fine)).RestartCount, 0);
  await remove(id, fine);
});

test('--restart always: restarting with its exit code, later and later; verbs answer as Docker\'s; stop ends it, start counts anew', async () => {
  const id = await sleeper('exit 3', '--restart', 'always');
  await until('it was restarted three times', async () => (await engine.inspect(id)).RestartCount >= 4);
  await until('it waits', async () => await state(id) === 'restarting');
  assert.match(await shown(id), /^restarting Restarting \(3\) .* ago$/);
  const { State } = await engine.inspect(id) as unknown as { State: Record<string, unknown> };
  assert.deepEqual([State.Running, State.Paused, State.Restarting, State.Pid, State.ExitCode], [true, false, true, 0, 3]);
  await refused(409, new RegExp(`Container ${id} is restarting, wait until the container is running`), 'POST', `/containers/${id}/exec`, { Cmd: ['ls'] });
  await refused(409, new RegExp(`Container ${id} is restarting, wait until the container is running`), 'POST', `/containers/${id}/pause`);
  await refused(409, /container is restarting: stop the container before removing or force remove/, 'DELETE', `/containers/${id}`);
  assert.equal(await status('POST', `/containers/${id}/start`), 304);
  assert.equal(await status('POST', `/containers/${id}/stop`), 204);
  assert.match(await shown(id), /^exited Exited \(3\)/);
  await sleep(300);
  assert.equal(await state(id), 'exited');
  succeeded(await engine.docker(['start', id]));
  assert.ok((await engine.inspect(id)).RestartCount <= 2);
  await remove(id);
});

test('--restart always: restarted after exit 0 and a crash, not after kill; wait answers at each end', async () => {
  const id = await sleeper('if [ -e /second ]; then sleep 1000; fi; touch /second; sleep 0.3; exit 0', '--restart', 'always');
  const waited = (await engine.http('POST', `/containers/${id}/wait`)).json() as { StatusCode: number };
  assert.equal(waited.StatusCode, 0);
  await until('it is back', async () => await state(id) === 'running');
  assert.equal((await engine.inspect(id)).RestartCount, 1);
  succeeded(await engine.docker(['kill', id]));
  await sleep(500);
  assert.deepEqual([await state(id), (await engine.inspect(id)).State.ExitCode], ['exited', 137]);
  await remove(id);
});

test('what cannot be started again stays exited, with the reason', async () => {
  const id = await engine.start(['--restart', 'always', busybox, 'sh', '-c', 'sleep 0.2; rm /bin/sh; exit 1']);
  await until('it gave up', async () => await state(id) === 'exited');
  const { State } = await engine.inspect(id);
  assert.equal(State.ExitCode, 1, 'the code of its last run');
  assert.match(State.Error, /exec: "sh": executable file not found in \$PATH/);
  assert.notEqual((await engine.docker(['start', id])).code, 0);
  assert.equal((await engine.inspect(id)).State.ExitCode, 127, 'a start that somebody asked for');
  await remove(id);
});

test('policies are refused as Docker refuses them', async () => {
  const create = (HostConfig: Record<string, unknown>) => engine.http('POST', '/containers/create', { Image: busybox, HostConfig: { NetworkMode: 'none', ...HostConfig } });
  for (const [hostConfig, text] of [
    [{ RestartPolicy: { Name: 'bogus' } }, 'invalid restart policy: unknown policy \'bogus\'; use one of \'no\', \'always\', \'on-failure\', or \'unless-stopped\''],
    [{ RestartPolicy: { Name: 'always', MaximumRetryCount: 2 } }, 'invalid restart policy: maximum retry count can only be used with \'on-failure\''],
    [{ RestartPolicy: { Name: 'on-failure', MaximumRetryCount: -1 } }, 'invalid restart policy: maximum retry count cannot be negative'],
    [{ RestartPolicy: { Name: 'always' }, AutoRemove: true }, 'can\'t create \'AutoRemove\' container with restart policy'],
  ] as const) {
    const answer = await create(hostConfig);
    assert.deepEqual([answer.status, (answer.json() as { message: string }).message], [400, text]);
  }
  const both = await engine.run(['--rm', '--restart', 'always', busybox, 'true']);
  assert.equal(both.code, 125);
  assert.match(both.stderr, /conflicting options: cannot specify both --restart and --rm/);
});

test('kill -9 of the daemon: paused stays paused, a stopped one stays stopped, a restarting one comes back', { skip }, async () => {
  const daemon = engine.daemon!;
  const paused = await sleeper('while :; do echo x; usleep 20000; done');
  succeeded(await engine.docker(['pause', paused]));
  const restarting = await sleeper('echo run; exit 3', '--restart', 'always');
  await until('it was restarted', async () => (await engine.inspect(restarting)).RestartCount >= 4);
  const stopped = await sleeper('sleep 1000', '--restart', 'unless-stopped');
  succeeded(await engine.docker(['stop', '-t', '0', stopped]));
  const crashing = await sleeper('sleep 0.4; exit 5', '--restart', 'on-failure');
  const asked = await sleeper('trap "sleep 0.5; exit 0" TERM; while :; do usleep 10000; done', '--restart', 'always');
  await sleep(200);
  const stopping = engine.docker(['stop', asked]);
  await sleep(100);
  await daemon.crash();
  await stopping;
  await sleep(800);
  await daemon.start();
  assert.equal(await state(paused), 'paused');
  assert.equal(await counts(paused), false);
  succeeded(await engine.docker(['unpause', paused]));
  await until('it counts', () => counts(paused));
  const { RestartCount } = await engine.inspect(restarting);
  assert.ok(RestartCount >= 4, 'the count goes on');
  await until('it is restarted again', async () => (await engine.inspect(restarting)).RestartCount > RestartCount);
  assert.equal(await state(stopped), 'exited');
  await until('its end while the daemon was away counts', async () => (await engine.inspect(crashing)).RestartCount >= 1);
  assert.equal((await engine.inspect(asked)).State.ExitCode, 0);
  await remove(paused, restarting, stopped, crashing, asked);
});

test('after a reboot (no process, no run directory) always and unless-stopped come back, others do not', { skip }, async () => {
  const daemon = engine.daemon!;
  const start = (...flags: string[]) => sleeper('sleep 1000', ...flags);
  const back = [await start('--restart', 'always'), await start('--restart', 'unless-stopped')];
  const manual = await start('--restart', 'always');
  const stays = [await start(), await start('--restart', 'on-failure'), await start('--restart', 'unless-stopped')];
  succeeded(await engine.docker(['stop', '-t', '0', manual, stays[2]!]));
  const supervisor = daemon.supervisorPid!;
  await daemon.crash();
  process.kill(supervisor, 'SIGKILL');
  await sleep(100);
  rmSync(daemon.place.runDir, { recursive: true });
  await daemon.start();
  for (const id of [...back, manual]) await until('it is back', async () => await state(id) === 'running');
  for (const id of stays) assert.equal(await state(id), 'exited');
  assert.equal(succeeded(await engine.docker(['exec', back[0]!, 'echo', 'alive'])), 'alive\n');
  await remove(...back, manual, ...stays);
});
