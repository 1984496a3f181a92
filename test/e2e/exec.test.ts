// Exec: another program in a running container, with the container's posture and its own streams.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { busybox, openEngine, succeeded, until } from './engine.ts';
import { frames } from './http.ts';

const engine = await openEngine();
let id = '';
before(async () => { id = await engine.start(['-e', 'FROM_RUN=yes', '-w', '/tmp', busybox, 'sleep', '1000']); });
after(async () => { await engine.docker(['rm', '-f', id]); });
const exec = (args: readonly string[], input?: string) => engine.docker(['exec', ...args], input === undefined ? {} : { input });
const createExec = async (config: Record<string, unknown>) => ((await engine.http('POST', `/containers/${id}/exec`, config)).json() as { Id: string }).Id;

test('exec runs the program with its output, streams apart, and its exit code', async () => {
  const outcome = await exec([id, 'sh', '-c', 'echo out; echo err >&2; exit 9']);
  assert.deepEqual([outcome.code, outcome.stdout, outcome.stderr], [9, 'out\n', 'err\n']);
});

test('exec sees the container: files, processes, environment, directory', async () => {
  assert.match(succeeded(await exec([id, 'ps'])), /\b1 root\s.*sleep 1000/);
  assert.equal(succeeded(await exec([id, 'sh', '-c', 'pwd; echo $FROM_RUN'])), '/tmp\nyes\n');
});

test('exec -e, -w, -u choose for this program', async () => {
  assert.equal(succeeded(await exec(['-e', 'MINE=1', '-w', '/etc', '-u', 'bob', id, 'sh', '-c', 'echo $MINE $FROM_RUN; pwd; id'])),
    '1 yes\n/etc\nuid=1000(bob) gid=1000(bob) groups=10(wheel),50(staff),1000(bob)\n');
});

test('exec -i passes stdin and its end', async () => {
  assert.equal((await exec(['-i', id, 'wc', '-c'], 'y'.repeat(200_000))).stdout.trim(), '200000');
});

test('exec without -i reads nothing', async () => {
  assert.equal(succeeded(await exec([id, 'wc', '-c'])).trim(), '0');
});

test('exec exits with 127 when not found, 126 when not executable', async () => {
  const missing = await exec([id, 'no-such-program']);
  assert.equal(missing.code, 127);
  assert.match(missing.stdout + missing.stderr, /exec: "no-such-program": executable file not found in \$PATH/);
  assert.equal((await exec([id, '/bin/not-executable'])).code, 126);
});

test('exec with a missing directory or user is refused', async () => {
  assert.notEqual((await exec(['-w', '/no/such', id, 'true'])).code, 0);
  const user = await exec(['-u', 'nobody-here', id, 'true']);
  assert.notEqual(user.code, 0);
  assert.match(user.stdout + user.stderr, /unable to find user nobody-here/);
});

test('exec -d returns at once and the program runs on', async () => {
  succeeded(await exec(['-d', id, 'sh', '-c', 'sleep 0.5; touch /tmp/detached']));
  await until('the file is there', async () => (await exec([id, 'test', '-e', '/tmp/detached'])).code === 0);
});

test('exec of a container that is not running is 409, of none 404', async () => {
  const stopped = await engine.create({ Cmd: ['true'] });
  const answer = await engine.http('POST', `/containers/${stopped}/exec`, { Cmd: ['true'] });
  assert.equal(answer.status, 409);
  assert.match((answer.json() as { message: string }).message, /container [0-9a-f]+ is not running/i);
  await engine.http('DELETE', `/containers/${stopped}`);
  assert.equal((await engine.http('POST', '/containers/no-such-one/exec', { Cmd: ['true'] })).status, 404);
  assert.equal((await exec(['no-such-one', 'true'])).code, 1);
});

test('an exec without a command is refused', async () => {
  const answer = await engine.http('POST', `/containers/${id}/exec`, { Cmd: [] });
  assert.equal(answer.status, 400);
  assert.match((answer.json() as { message: string }).message, /[Nn]o exec command specified/);
});

test('inspect of an exec: running with a pid, then its exit code', async () => {
  const exec = await createExec({ Cmd: ['sh', '-c', 'sleep 0.6; exit 5'], AttachStdout: true });
  const inspect = async () => (await engine.http('GET', `/exec/${exec}/json`)).json() as { Running: boolean; ExitCode: number | null; Pid: number; ContainerID: string; ProcessConfig: { entrypoint: string } };
  assert.equal((await engine.http('POST', `/exec/${exec}/start`, { Detach: true })).status, 200);
  const running = await inspect();
  assert.deepEqual([running.Running, running.ExitCode, running.ContainerID, running.ProcessConfig.entrypoint], [true, null, id, 'sh']);
  assert.ok(running.Pid > 1);
  await until('its end', async () => !(await inspect()).Running);
  assert.equal((await inspect()).ExitCode, 5);
});

test('an exec cannot be started twice, or when it does not exist', async () => {
  const once = await createExec({ Cmd: ['true'], AttachStdout: true });
  await (await engine.hijack(`/exec/${once}/start`, { Detach: false })).rest();
  assert.equal((await engine.http('POST', `/exec/${once}/start`, { Detach: true })).status, 409);
  assert.equal((await engine.http('POST', '/exec/no-such-exec/start', {})).status, 404);
  assert.equal((await engine.http('GET', '/exec/no-such-exec/json')).status, 404);
});

test('exec over a raw connection: frames without a terminal, raw with one', async () => {
  const plain = await createExec({ Cmd: ['sh', '-c', 'echo o; echo e >&2'], AttachStdout: true, AttachStderr: true });
  const seen = frames(await (await engine.hijack(`/exec/${plain}/start`, { Detach: false, Tty: false })).rest());
  assert.deepEqual([seen.stdout, seen.stderr], ['o\n', 'e\n']);
  const tty = await createExec({ Cmd: ['echo', 'o'], AttachStdout: true, Tty: true });
  assert.equal((await (await engine.hijack(`/exec/${tty}/start`, { Detach: false, Tty: true })).rest()).toString(), 'o\r\n');
});

test('output of an exec is not in the container\'s log', async () => {
  succeeded(await exec([id, 'echo', 'not-logged']));
  assert.equal(succeeded(await engine.docker(['logs', id])), '');
});

test('an exec ends with its container', async () => {
  const other = await engine.start([busybox, 'sleep', '1000']);
  const running = exec([other, 'sleep', '1000']);
  await sleep(500);
  succeeded(await engine.docker(['kill', other]));
  assert.equal((await running).code, 137);
  succeeded(await engine.docker(['rm', other]));
});

test('ten execs at once each get their own output', async () => {
  const outputs = await Promise.all(Array.from({ length: 10 }, (_, index) => exec([id, 'sh', '-c', `echo ${index}; seq 1 2000 | tail -1`])));
  assert.deepEqual(outputs.map((outcome) => outcome.stdout), Array.from({ length: 10 }, (_, index) => `${index}\n2000\n`));
});

test('exec makes no zombies', async () => {
  for (let round = 0; round < 5; round += 1) await exec([id, 'true']);
  assert.doesNotMatch(succeeded(await exec([id, 'sh', '-c', 'cat /proc/[0-9]*/status'])), /State:\s+Z/);
});
