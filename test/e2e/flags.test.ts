// Flags of run and create that do something of their own: the init, other containers' memory, cgroup parents, warnings and refusals.
// What flags merely set is compared with dockerd in parity.test.ts.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { busybox, openEngine, succeeded, until } from './engine.ts';

const engine = await openEngine();
const sh = (script: string, ...flags: string[]) => engine.run(['--rm', ...flags, busybox, 'sh', '-c', script]);
const output = async (script: string, ...flags: string[]) => succeeded(await sh(script, ...flags)).trim();
const remove = async (...names: string[]) => void succeeded(await engine.docker(['rm', '-f', ...names]));

test('--init: the program\'s exit code, and 128 and the signal that ended it', async () => {
  assert.equal((await sh('exit 7', '--init')).code, 7);
  // Without an init, process 1 would be immune to its own signal.
  assert.equal((await sh('kill -TERM $$; sleep 5', '--init')).code, 143);
  assert.equal((await engine.run(['--rm', '--init', busybox, 'no-such-program'])).code, 127);
});

test('--init passes signals on: a program without a handler stops at once', async () => {
  const id = await engine.start(['--init', busybox, 'sleep', '60']);
  const before = performance.now();
  succeeded(await engine.docker(['stop', '-t', '10', id]));
  assert.ok(performance.now() - before < 8000, 'it was killed');
  assert.equal((await engine.inspect(id)).State.ExitCode, 143);
  await remove(id);
});

test('--init reaps what the program leaves behind', async () => {
  const id = await engine.start(['--init', busybox, 'sh', '-c', 'for i in 1 2 3; do (sleep 0.2 &); done; sleep 60']);
  await until('reaped', async () => (await engine.docker(['exec', id, 'ps', '-o', 'stat,args'])).stdout.split('\n').filter((line) => /sleep 0\.2$|^Z/.test(line)).length === 0);
  const { Path, Args, HostConfig } = await engine.inspect(id);
  assert.deepEqual([Path, Args[0], HostConfig['Init']], ['sh', '-c', true]);
  await remove(id);
});

test('--init with a terminal: the program has it', async () => {
  assert.match(await output('tty; trap "echo caught" INT; kill -INT $$', '-t', '--init'), /^\/dev\/pts\/0\s+caught$/);
});

test('the init cannot be changed from inside, even by root', async () => {
  const changed = await sh('echo x > /sbin/docker-init', '--init', '--cap-add', 'DAC_OVERRIDE');
  assert.notEqual(changed.code, 0);
  assert.match(changed.stderr, /Read-only file system|Text file busy/);
});

test('--ipc container: one shared memory, one set of queues; only of a container that shares', async () => {
  const [lender, other] = [engine.unique('lender'), engine.unique('private')];
  await engine.start(['--name', lender, '--ipc', 'shareable', '--shm-size', '8m', busybox, 'sh', '-c', 'echo lent > /dev/shm/from-lender; sleep 60']);
  await engine.start(['--name', other, busybox, 'sleep', '60']);
  await until('written', async () => (await engine.docker(['exec', lender, 'test', '-s', '/dev/shm/from-lender'])).code === 0);
  const namespace = succeeded(await engine.docker(['exec', lender, 'readlink', '/proc/self/ns/ipc'])).trim();
  assert.equal(await output('cat /dev/shm/from-lender; readlink /proc/self/ns/ipc; echo back > /dev/shm/from-borrower; df -k /dev/shm | tail -1 | awk \'{print $2}\'', '--ipc', `container:${lender}`), `lent\n${namespace}\n8192`);
  assert.equal(succeeded(await engine.docker(['exec', lender, 'cat', '/dev/shm/from-borrower'])), 'back\n');
  const refused = await sh('true', '--ipc', `container:${other}`);
  assert.equal(refused.code, 125);
  assert.match(refused.stderr, /failed to join IPC namespace: container [0-9a-f]{64}: non-shareable IPC \(hint: use IpcMode:shareable for the donor container\)/);
  await remove(lender, other);
  const gone = await engine.run(['--ipc', `container:${lender}`, busybox, 'true']);
  assert.equal(gone.code, 125);
  assert.match(gone.stderr, /No such container: /);
});

test('--pid container: of one that does not run', async () => {
  const name = engine.unique('ended');
  succeeded(await engine.run(['--name', name, busybox, 'true']));
  const refused = await sh('true', '--pid', `container:${name}`);
  assert.equal(refused.code, 125);
  assert.match(refused.stderr, /failed to join PID namespace: container [0-9a-f]{64} is not running/);
  await remove(name);
});

test('--cgroup-parent leaves nothing behind', { skip: !engine.ours && 'dockerd leaves the directories' }, async () => {
  const parent = `estiva-parent-${process.pid}`;
  const trees = readdirSync('/sys/fs/cgroup').map((name) => `/sys/fs/cgroup/${name}/${parent}`).concat(`/sys/fs/cgroup/${parent}`);
  const id = await engine.start(['--cgroup-parent', `/${parent}/deep`, busybox, 'sleep', '60']);
  assert.ok(trees.some((tree) => existsSync(`${tree}/deep/${id}`)));
  await remove(id);
  await until('gone', () => !trees.some((tree) => existsSync(tree)));
});

test('create warns where dockerd warns', async () => {
  const made = await engine.http('POST', '/containers/create', { Image: busybox, HostConfig: { NetworkMode: 'none', CpuPercent: 5 } });
  const { Id, Warnings } = made.json() as { Id: string; Warnings: string[] };
  assert.deepEqual(Warnings, ['linux does not support CPU percent. Percent discarded.']);
  await remove(Id);
  const unwise = await engine.docker(['create', '--network', 'none', '--oom-kill-disable', busybox, 'true']);
  assert.match(unwise.stderr, /^WARNING: (OOM killer is disabled for the container, but no memory limit is set|Your kernel does not support OomKillDisable\. OomKillDisable discarded\.)/);
  await remove(unwise.stdout.trim());
});

test('create refuses what no container can have, in dockerd\'s words', async () => {
  const cases: readonly (readonly [host: object, message: RegExp])[] = [
    [{ OomScoreAdj: 1001 }, /^Invalid value 1001, range for oom score adj is \[-1000, 1000\]/],
    [{ CpuShares: -5 }, /^invalid CPU shares \(-5\): value must be a positive integer/],
    [{ CpuRealtimePeriod: 10, CpuRealtimeRuntime: 20 }, /^cpu real-time runtime cannot be higher than cpu real-time period/],
    [{ ShmSize: -1 }, /^SHM size can not be less than 0/],
    [{ StorageOpt: { size: '1g' } }, /^--storage-opt is supported only for overlay over xfs with 'pquota' mount option/],
    [{ Isolation: 'hyperv' }, /^invalid isolation \(hyperv\): linux only supports 'default'/],
    [{ IOMaximumIOps: 1 }, /^invalid option: QoS maximum IOPs configuration is not supported on linux/],
    [{ IOMaximumBandwidth: 1 }, /^invalid option: QoS maximum bandwidth configuration is not supported on linux/],
    [{ SecurityOpt: ['foo'] }, /^invalid --security-opt 1: "foo"/],
    [{ SecurityOpt: ['no-new-privileges:maybe'] }, /^invalid --security-opt 2: "no-new-privileges:maybe"/],
    [{ UTSMode: 'x' }, /^invalid UTS mode: x/], [{ PidMode: 'x' }, /^invalid PID mode: x/], [{ IpcMode: 'x' }, /^invalid IPC mode: x/], [{ CgroupnsMode: 'x' }, /^invalid cgroup namespace mode: x/],
    [{ Annotations: { '': 'x' } }, /^invalid Annotations: the empty string is not permitted as an annotation key/],
    [{ Tmpfs: { rel: '' } }, /^invalid mount path: 'rel' mount path must be absolute/], [{ Tmpfs: { '/': '' } }, /^invalid specification: destination can't be '\/'/],
  ];
  for (const [host, message] of cases) {
    const answer = await engine.http('POST', '/containers/create', { Image: busybox, HostConfig: { NetworkMode: 'none', ...host } });
    // dockerd finds no storage option out only when it makes the layer, and calls it its own failure.
    const status = 'StorageOpt' in host && !engine.ours ? 500 : 400;
    assert.deepEqual([answer.status, message.test((answer.json() as { message: string }).message)], [status, true], `${JSON.stringify(host)}: ${answer.text}`);
  }
});

test('what dockerd finds out at the start is refused at create', { skip: !engine.ours && 'dockerd makes the container' }, async () => {
  for (const [flags, message] of [
    [['--tmpfs', '/x:foo'], /invalid tmpfs option "foo"/], [['--tmpfs', '/x:size=zz'], /invalid tmpfs option "size=zz"/],
    [['--security-opt', 'apparmor=mine'], /Cannot apply security option "apparmor=mine": (this kernel has no AppArmor|AppArmor profiles are not applied yet)/],
    [['--security-opt', 'label=user:x'], /Cannot apply security option "label=user:x": /], [['--cgroup-parent', '../x'], /Invalid cgroup path/],
    [['--log-opt', 'max-size=abc'], /invalid size: 'abc'/], [['--log-opt', 'tag={{.Foo}}'], /can't evaluate field Foo in type \*logger\.Info/], [['--log-opt', 'labels-regex=['], /error parsing regexp/],
  ] as const) {
    const name = engine.unique('refused');
    const outcome = await engine.docker(['create', '--name', name, ...flags, busybox, 'true']);
    assert.notEqual(outcome.code, 0, flags.join(' '));
    assert.match(outcome.stderr, message);
    assert.equal((await engine.http('GET', `/containers/${name}/json`)).status, 404);
  }
});

test('--env-file and --label-file', async () => {
  const dir = join(tmpdir(), engine.unique('files'));
  writeFileSync(`${dir}.env`, '# comment\nONE=1\nEMPTY=\n  INDENTED=x y \n');
  writeFileSync(`${dir}.labels`, 'one=1\n# no\ntwo=a=b\n');
  try {
    const name = engine.unique('files');
    assert.equal(await output('env | grep -E "^(ONE|EMPTY|INDENTED)" | sort', '--env-file', `${dir}.env`), 'EMPTY=\nINDENTED=x y \nONE=1'.trim());
    succeeded(await engine.docker(['create', '--name', name, '--label-file', `${dir}.labels`, '--network', 'none', busybox, 'true']));
    const labels = (await engine.inspect(name)).Config['Labels'] as Record<string, string>;
    assert.deepEqual([labels['one'], labels['two']], ['1', 'a=b']);
    await remove(name);
  } finally {
    rmSync(`${dir}.env`);
    rmSync(`${dir}.labels`);
  }
});

test('--sig-proxy=false keeps signals from the program; run ends with its client\'s signal, the container goes on', async () => {
  const name = engine.unique('proxy');
  const client = sh('sleep 2; echo done', '--name', name, '--sig-proxy=false');
  await until('running', async () => (await engine.http('GET', `/containers/${name}/json`)).text.includes('"Running":true'));
  assert.equal((await client).code, 0);
});

test('exec: detached, environment from a file, user, directory, privileged', async () => {
  const id = await engine.start([busybox, 'sleep', '60']);
  const file = join(tmpdir(), engine.unique('env'));
  writeFileSync(file, 'FROM_FILE=yes\n');
  try {
    const { stdout } = await engine.docker(['exec', '--env-file', file, '-e', 'HERE=1', '-u', 'bob:wheel', '-w', '/tmp', id, 'sh', '-c', 'echo $FROM_FILE $HERE $(id -u):$(id -g) $(pwd)']);
    assert.equal(stdout, 'yes 1 1000:10 /tmp\n');
    assert.match(succeeded(await engine.docker(['exec', '--privileged', id, 'grep', 'CapEff', '/proc/self/status'])), /CapEff:\s+0000[0-9a-f]+ff/);
    succeeded(await engine.docker(['exec', '-d', id, 'sh', '-c', 'echo detached > /tmp/mark']));
    await until('done', async () => (await engine.docker(['exec', id, 'cat', '/tmp/mark'])).stdout === 'detached\n');
  } finally {
    rmSync(file);
    await remove(id);
  }
});

test('an OOM score is the container\'s and its execs\' own, and never the supervisor\'s', { skip: !engine.ours && 'a dockerd has no supervisor' }, async () => {
  const id = await engine.start(['--oom-score-adj', '500', busybox, 'sleep', '1000']);
  const { Pid } = (await engine.inspect(id)).State;
  const scoreOf = (pid: number): string => readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8').trim();
  assert.equal(scoreOf(Pid), '500');
  assert.equal(succeeded(await engine.docker(['exec', id, 'sh', '-c', 'sleep 0.3; cat /proc/self/oom_score_adj'])), '500\n');
  assert.equal(scoreOf(engine.daemon!.supervisorPid!), scoreOf(process.pid));
});

test('the host\'s /dev/null stays the host\'s, whoever a program without input runs as', async () => {
  const owner = statSync('/dev/null').uid;
  succeeded(await engine.run(['--rm', '-u', '1234', busybox, 'true']));
  assert.equal(statSync('/dev/null').uid, owner);
});
