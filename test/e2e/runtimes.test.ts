// Containers by other OCI runtimes (`--runtime`): runc, crun, and our own program as if it were another's. Against a dockerd: its runc, and whatever
// it was given by name; `dockerd --add-runtime estiva=…/bin/estiva-runtime` proves that program.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { which } from '../fixtures/cache.ts';
import type { Daemon } from './daemon.ts';
import { busybox, dockerClient, openEngine, succeeded, until } from './engine.ts';
import { command } from './command.ts';

const engine = await openEngine();
const notOurs = !engine.ours && 'about what only ours has: a supervisor, runtimes without a shim';
const flags = engine.daemon === undefined ? [] : addedFlags(engine.daemon);
if (engine.daemon !== undefined) {
  await engine.daemon.stop();
  await engine.daemon.start(flags);
}
const runtimes = engine.ours ? [...['runc', 'crun'].filter((name) => which(name) !== undefined), 'own'] : await namedRuntimes();
const run = (runtime: string, ...args: readonly string[]) => engine.run(['--rm', '--runtime', runtime, ...args]);
const remove = async (...ids: string[]) => { succeeded(await engine.docker(['rm', '-f', ...ids])); };

async function namedRuntimes(): Promise<readonly string[]> {
  const { Runtimes } = (await engine.http('GET', '/info')).json() as { Runtimes: Record<string, unknown> };
  return Object.keys(Runtimes).filter((name) => !name.startsWith('io.containerd.'));
}

/** crun refuses to work beside a version 2 cgroup tree with controllers: it is shown none. */
function addedFlags({ place }: Daemon): readonly string[] {
  const own = ['--add-runtime', `own=${resolve(import.meta.dirname, '../../bin/estiva-runtime')}`];
  if (!existsSync('/sys/fs/cgroup/unified') || which('crun') === undefined) return own;
  const wrapper = `${place.rootDir}/../crun`;
  writeFileSync(wrapper, `#!/bin/sh\nexec unshare -m sh -c 'umount /sys/fs/cgroup/unified; exec ${which('crun')!} "$@"' crun "$@"\n`);
  chmodSync(wrapper, 0o755);
  return [...own, '--add-runtime', `crun=${wrapper}`];
}

for (const runtime of runtimes) {
  // Whole once with each stranger; ours starts a Node for each call.
  const brief = runtime === 'own' && 'as with the others';

  test(`${runtime}: exit codes, input, both streams, user and directory are as with any`, async () => {
    const all = await run(runtime, '-i', '--user', '1000:50', '-w', '/some/where', '-e', 'A=b', '-h', 'named', busybox, 'sh', '-c', 'cat; pwd; id -u; id -g; echo $A; hostname; umask; echo on stderr >&2; echo given > /dev/stdout; exit 17');
    assert.deepEqual([all.code, all.stderr], [17, 'on stderr\n']);
    assert.equal((await run(runtime, busybox, 'sh', '-c', 'sh -c "kill -9 \\$\\$"; exit $?')).code, 137);
    const given = await command(dockerClient(), ['run', '--rm', '-i', ...engine.flags.split(' '), '--runtime', runtime, busybox, 'cat'], { input: 'typed\n', env: { ...process.env, DOCKER_HOST: engine.dockerHost } });
    assert.deepEqual([given.code, given.stdout], [0, 'typed\n']);
    assert.match(all.stdout, /^\/some\/where\n1000\n50\nb\nnamed\n0022\ngiven\n$/);
  });

  test(`${runtime}: a program that is not there is 127, one that cannot be run 126, and inspect says so`, { skip: brief }, async () => {
    const missing = await run(runtime, busybox, '/no/such');
    assert.deepEqual([missing.code, /no such file or directory|not found/.test(missing.stderr)], [127, true], missing.stderr);
    const denied = await run(runtime, busybox, '/etc/passwd');
    assert.deepEqual([denied.code, /permission denied/.test(denied.stderr)], [126, true], denied.stderr);
    const id = succeeded(await engine.docker(['create', ...engine.flags.split(' '), '--runtime', runtime, busybox, '/no/such'])).trim();
    assert.notEqual((await engine.docker(['start', id])).code, 0);
    assert.deepEqual([(await engine.inspect(id)).State.ExitCode, (await engine.inspect(id)).State.Status], [127, 'created']);
    await remove(id);
  });

  test(`${runtime}: rights and limits reach it`, { skip: brief }, async () => {
    const { stdout } = await run(runtime, '-m', '64m', '--pids-limit', '40', '--cap-drop', 'ALL', '--cap-add', 'CHOWN', '--security-opt', 'no-new-privileges', '--read-only', '--tmpfs', '/scratch:size=1m', '--ulimit', 'nofile=99:99',
      busybox, 'sh', '-c', 'grep -E "^(CapEff|NoNewPrivs|Seccomp):" /proc/self/status; touch /x 2>&1; touch /scratch/x && echo scratch; ulimit -n; mkdir /proc/x 2>/dev/null; unshare -U true 2>/dev/null || echo no user namespace; cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null');
    for (const expected of [/CapEff:\s+0000000000000001/, /NoNewPrivs:\s+1/, /Seccomp:\s+2/, /Read-only file system/, /^scratch$/m, /^99$/m, /no user namespace/, /^67108864$/m]) assert.match(stdout, expected);
  });

  test(`${runtime}: exec, pause, update, top, stats, cp, kill and stop of a running one`, { skip: brief }, async () => {
    const id = await engine.start(['--runtime', runtime, '--init', busybox, 'sh', '-c', 'trap "echo asked; exit 5" TERM; trap "echo usr" USR1; echo ready; while :; do sleep 0.1; done']);
    await until('it is ready', async () => (await engine.docker(['logs', id])).stdout.includes('ready'));
    const inside = await engine.docker(['exec', '-u', '65534', '-w', '/tmp', '-e', 'X=y', id, 'sh', '-c', 'id -u; pwd; echo $X; exit 4']);
    assert.deepEqual([inside.code, inside.stdout], [4, '65534\n/tmp\ny\n']);
    const missing = await engine.docker(['exec', id, 'nosuch']);
    assert.deepEqual([missing.code, /not found in \$PATH/.test(missing.stdout + missing.stderr)], [127, true]);
    assert.equal((await engine.docker(['exec', '-i', id, 'cat'], { input: 'typed\n' })).stdout, 'typed\n');
    succeeded(await engine.docker(['update', '--pids-limit', '50', '-m', '100m', '--memory-swap', '100m', id]));
    assert.match(succeeded(await engine.docker(['stats', '--no-stream', '--format', '{{.MemUsage}}', id])), / \/ 100MiB/);
    // The dockerd to compare with may have no ps.
    if (engine.ours) assert.match(succeeded(await engine.docker(['top', id])), /sleep|sh/);
    succeeded(await engine.docker(['pause', id]));
    assert.equal((await engine.inspect(id)).State.Status, 'paused');
    succeeded(await engine.docker(['unpause', id]));
    assert.match(succeeded(await engine.docker(['exec', id, 'sh', '-c', 'echo kept > /root-file; cat /proc/1/comm'])), /init/);
    assert.match(succeeded(await engine.docker(['cp', `${id}:/root-file`, '-'])), /kept/);
    succeeded(await engine.docker(['kill', '-s', 'USR1', id]));
    await until('the signal has come', async () => (await engine.docker(['logs', id])).stdout.includes('usr'));
    succeeded(await engine.docker(['stop', id]));
    assert.equal((await engine.inspect(id)).State.ExitCode, 5);
    assert.equal(succeeded(await engine.docker(['logs', id])), 'ready\nusr\nasked\n');
    // Its root is as it was, and it starts again.
    succeeded(await engine.docker(['start', id]));
    assert.equal(succeeded(await engine.docker(['exec', id, 'cat', '/root-file'])), 'kept\n');
    succeeded(await engine.docker(['kill', id]));
    await until('it has ended', async () => (await engine.inspect(id)).State.Status === 'exited');
    assert.equal((await engine.inspect(id)).State.ExitCode, 137);
    await remove(id);
  });

  test(`${runtime}: a terminal of its own, for the container and for an exec`, async () => {
    const line = `${dockerClient()} run --rm -t --runtime ${runtime} ${engine.flags} ${busybox} sh -c 'tty; test -t 0 && test -t 1 && echo both; stty size; exit 6'`;
    const shown = await command('script', ['-qec', `stty rows 33 columns 77; ${line}`, '/dev/null'], { env: { ...process.env, DOCKER_HOST: engine.dockerHost, TERM: 'xterm' } });
    assert.deepEqual([shown.code, shown.stdout], [6, '/dev/pts/0\r\r\nboth\r\r\n33 77\r\r\n']);
    const id = await engine.start(['--runtime', runtime, busybox, 'sleep', '1000']);
    const exec = await command('script', ['-qec', `${dockerClient()} exec -t ${id} sh -c 'test -t 0 && echo tty; exit 9'`, '/dev/null'], { env: { ...process.env, DOCKER_HOST: engine.dockerHost, TERM: 'xterm' } });
    assert.deepEqual([exec.code, exec.stdout], [9, 'tty\r\r\n']);
    await remove(id);
  });

  test(`${runtime}: networks, processes and shared memory of other containers are joined`, { skip: brief }, async () => {
    const id = await engine.start(['--runtime', runtime, '--ipc', 'shareable', '-h', 'lender', busybox, 'sh', '-c', 'echo lent > /dev/shm/file; sleep 1000']);
    const joined = await engine.docker(['run', '--rm', '--runtime', runtime, '--network', `container:${id}`, '--ipc', `container:${id}`, '--pid', `container:${id}`, busybox, 'sh', '-c', 'cat /dev/shm/file; hostname; ps | grep -c "sleep 1000"']);
    assert.deepEqual([joined.code, joined.stdout.split('\n').slice(0, 2)], [0, ['lent', 'lender']], joined.stderr);
    assert.ok(Number(joined.stdout.split('\n')[2]) >= 1, joined.stdout);
    await remove(id);
  });

  test(`${runtime}: restart policy, health check and the kernel's OOM killer`, { skip: brief }, async () => {
    const id = await engine.start(['--runtime', runtime, '--restart', 'on-failure:2', '--health-cmd', 'true', '--health-interval', '1s', busybox, 'sh', '-c', 'test -e /third && sleep 1000; test -e /second && touch /third; touch /second; exit 1']);
    await until('it runs for the third time, and is healthy', async () => {
      const { RestartCount, State } = await engine.inspect(id);
      return RestartCount === 2 && (State as unknown as { Health?: { Status: string } }).Health?.Status === 'healthy';
    });
    await remove(id);
    const name = engine.unique('oom');
    assert.equal((await engine.run(['--name', name, '--runtime', runtime, '-m', '20m', '--memory-swap', '20m', busybox, 'sh', '-c', 'dd if=/dev/zero of=/dev/null bs=60M count=1'])).code, 137);
    assert.equal((await engine.inspect(name)).State.OOMKilled, true);
    await remove(name);
  });

  test(`${runtime}: the daemon is killed, then the supervisor, then both; no byte is lost, no process left`, { skip: notOurs || brief }, async () => {
    const daemon = engine.daemon!;
    const id = await engine.start(['--runtime', runtime, busybox, 'sh', '-c', 'i=0; while [ ! -e /enough ]; do echo $((i=i+1)); usleep 5000; done; exit 21']);
    await daemon.crash();
    await daemon.start(flags);
    const { State: { Pid, Status } } = await engine.inspect(id);
    assert.equal(Status, 'running');
    process.kill(daemon.supervisorPid!, 'SIGKILL');
    await until('another supervisor is there', async () => (await engine.docker(['exec', id, 'true'])).code === 0);
    assert.equal((await engine.inspect(id)).State.Pid, Pid);
    succeeded(await engine.docker(['exec', id, 'touch', '/enough']));
    await until('it has ended', async () => (await engine.inspect(id)).State.Status === 'exited');
    assert.equal((await engine.inspect(id)).State.ExitCode, 21);
    const numbers = succeeded(await engine.docker(['logs', id])).trimEnd().split('\n').map(Number);
    assert.ok(numbers.every((number, index) => number === index + 1), `of ${numbers.length} lines one is missing or twice`);
    succeeded(await engine.docker(['start', id]));
    await remove(id);
    const lost = await engine.start(['--runtime', runtime, busybox, 'sleep', '1000']);
    const { supervisorPid } = daemon;
    await daemon.crash();
    process.kill(supervisorPid!, 'SIGKILL');
    await daemon.start(flags);
    assert.deepEqual([(await engine.inspect(lost)).State.Status, (await engine.inspect(lost)).State.ExitCode], ['exited', 137]);
    succeeded(await engine.docker(['start', lost]));
    assert.equal((await engine.docker(['exec', lost, 'echo', 'again'])).stdout, 'again\n');
    await remove(lost);
    assert.deepEqual(readdirSync(`${daemon.place.runDir}/runtimes/${runtime}`), [], 'the runtime remembers nothing');
  });
}

test('in the host\'s pid namespace orphans are reaped, by whoever has become their parent', { skip: notOurs }, async () => {
  for (const runtime of runtimes.slice(0, 1)) {
    succeeded(await run(runtime, '--pid', 'host', busybox, 'sh', '-c', 'for i in 1 2 3; do (sleep 0.3 &) ; done; sleep 1'));
    const supervisor = engine.daemon!.supervisorPid!;
    await until('no child of the supervisor is a zombie', () => !readdirSync('/proc').filter((name) => /^\d+$/.test(name)).some((pid) => isZombieOf(pid, supervisor)));
  }
});

function isZombieOf(pid: string, parent: number): boolean {
  try {
    return new RegExp(`^\\d+ \\(.*\\) Z ${parent} `, 's').test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

test('a runtime that nobody knows is refused in dockerd\'s words, at create', async () => {
  const answer = await engine.http('POST', '/containers/create', { Image: busybox, HostConfig: { Runtime: 'nosuch', NetworkMode: 'none' } });
  assert.deepEqual([answer.status, (answer.json() as { message: string }).message.split(' (')[0]], [400, 'unknown or invalid runtime name: nosuch']);
});

test('info names the runtimes and the default; inspect says which one a container has', async () => {
  const { Runtimes, DefaultRuntime } = (await engine.http('GET', '/info')).json() as { Runtimes: Record<string, unknown>; DefaultRuntime: string };
  for (const runtime of runtimes) assert.ok(Runtimes[runtime] !== undefined, `${runtime} in ${Object.keys(Runtimes).join(' ')}`);
  const [asked, unasked] = [await engine.create({}, { Runtime: runtimes[0]! }), await engine.create({})];
  assert.deepEqual([(await engine.inspect(asked)).HostConfig['Runtime'], (await engine.inspect(unasked)).HostConfig['Runtime']], [runtimes[0], DefaultRuntime]);
  await remove(asked, unasked);
});

test('--default-runtime is what containers get that ask for none; one that is gone is told at start', { skip: notOurs }, async () => {
  const daemon = engine.daemon!;
  const added = `${daemon.place.rootDir}/../mine`;
  writeFileSync(added, `#!/bin/sh\nexec ${resolve(import.meta.dirname, '../../bin/estiva-runtime')} "$@"\n`);
  chmodSync(added, 0o755);
  await daemon.stop();
  await daemon.start([...flags, '--add-runtime', `mine=${added}`, '--default-runtime', 'mine']);
  const id = await engine.start([busybox, 'sleep', '1000']);
  assert.equal((await engine.inspect(id)).HostConfig['Runtime'], 'mine');
  succeeded(await engine.docker(['kill', id]));
  await daemon.stop();
  await daemon.start(flags);
  const start = await engine.http('POST', `/containers/${id}/start`);
  assert.deepEqual([start.status, (start.json() as { message: string }).message.split(' (')[0]], [400, 'unknown or invalid runtime name: mine']);
  await remove(id);
});

test('flags of the daemon that name no program, or ours, are refused at its start', { skip: notOurs }, async () => {
  const { place } = engine.daemon!;
  for (const [words, said] of [[['--add-runtime', 'estiva=/bin/true'], /runtime name 'estiva' is reserved/], [['--add-runtime', 'x=/no/such'], /there is no program "\/no\/such"/], [['--add-runtime', 'x'], /expected NAME=PATH/], [['--default-runtime', 'y'], /specified default runtime 'y' does not exist/]] as const) {
    const outcome = await command(resolve(import.meta.dirname, '../../bin/estiva'), ['daemon', '--root', `${place.rootDir}-refused`, '--run', `${place.runDir}-refused`, ...words]);
    assert.notEqual(outcome.code, 0);
    assert.match(outcome.stderr, said);
  }
});
