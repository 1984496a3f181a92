// estiva-runtime: what few configurations ask for, seen live; and podman, which runs its containers with it. The same tests pass against runc.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { acceptUnix, call as syscall, type Fd, listenUnix, Readiness, receiveFd } from '../../src/kernel/index.ts';
import { which } from '../fixtures/cache.ts';
import { bundle, call, detached, dir, isOurs, oursAlone, root, runOf, runtime, shell, stateOf, until, type Json } from './bundle.ts';
import { command } from './command.ts';

const maps = [{ containerID: 0, hostID: 100_000, size: 65_536 }];

test('state tells the version and the annotations of the configuration', async () => {
  const made = bundle(['sleep', '100'], (config) => { config['annotations'] = { 'org.example.key': 'value' }; });
  detached('create', made);
  const { ociVersion, annotations } = await stateOf(made.id);
  assert.deepEqual(annotations, { 'org.example.key': 'value' });
  // runc tells its own version.
  if (isOurs) assert.equal(ociVersion, '1.0.2');
});

test('events: figures at each interval, once with --stats, and to the end of the container', async () => {
  const made = bundle(['sleep', '100']);
  detached('run', made, ['--detach']);
  const { type, id, data } = JSON.parse((await call(['events', '--stats', made.id])).stdout) as { type: string; id: string; data: { memory: { usage: { usage: number } }; pids: { current: number }; cpu: { usage: { total: number } } } };
  assert.deepEqual([type, id, data.pids.current], ['stats', made.id, 1]);
  assert.ok(data.memory.usage.usage > 0 && data.cpu.usage.total > 0);
  const watched = watch(made.id, '100ms');
  await until(async () => watched.lines().length > 2);
  await call(['delete', '--force', made.id]);
  assert.equal(await watched.code, 0);
  assert.ok(watched.lines().every((line) => (JSON.parse(line) as Json)['type'] === 'stats'));
  assert.match((await call(['events', made.id])).stderr, /does not exist/);
});

test('events: a kill for memory is told', async () => {
  const made = bundle(shell('sleep 1; busybox dd if=/dev/zero of=/dev/null bs=60M count=1; sleep 100'), (config) => { (config.linux['resources'] as Json)['memory'] = { limit: 16_777_216, swap: 16_777_216 }; });
  detached('run', made, ['--detach']);
  const watched = watch(made.id, '1h');
  await until(async () => watched.lines().length > 0);
  assert.deepEqual(JSON.parse(watched.lines()[0]!), { type: 'oom', id: made.id });
  await call(['delete', '--force', made.id]);
  assert.equal(await watched.code, 0);
});

function watch(id: string, interval: string): { readonly lines: () => readonly string[]; readonly code: Promise<number> } {
  const child = spawn(runtime, ['--root', root, 'events', '--interval', interval, id], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => { output += chunk.toString(); });
  return { lines: () => output.split('\n').filter((line) => line !== ''), code: once(child, 'close').then(([code]) => code as number) };
}

test('seccomp: an agent is handed the listener, answers for the program, and is told the metadata', async () => {
  const made = bundle(shell('mkdir /made && echo told that it is made; test -d /made || echo and it is not there'), (config) => {
    config.linux['seccomp'] = {
      defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_AARCH64'], listenerPath: `${dir}/agent.sock`, listenerMetadata: 'for the agent',
      syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_NOTIFY' }],
    };
  });
  using agent = new Agent(`${dir}/agent.sock`);
  const { code, stdout, stderr } = await call(['run', '--bundle', made.path, made.id]);
  assert.deepEqual([code, stdout], [0, 'told that it is made\nand it is not there\n'], stderr);
  const { fds, metadata, state } = JSON.parse(agent.told) as { fds: string[]; metadata: string; state: Json };
  assert.deepEqual([fds, metadata, state['id']], [['seccompFd'], 'for the agent', made.id]);
  assert.equal(agent.answered, 1);
});

/** Answers every call that it is asked about with success, without making it. Source: seccomp_unotify(2). */
class Agent implements Disposable {
  readonly #readiness = new Readiness();
  readonly #socket: Fd;
  readonly #held = new DisposableStack();
  told = '';
  answered = 0;

  constructor(path: string) {
    this.#socket = this.#held.use(listenUnix(path));
    this.#held.defer(() => rmSync(path));
    this.#readiness.watch(this.#socket, () => this.#take());
  }

  /** The text may come after the descriptor. */
  #take(): void {
    const connection = this.#held.use(acceptUnix(this.#socket)!);
    this.#readiness.watch(connection, () => {
      this.#readiness.unwatch(connection);
      const listener = this.#held.use(receiveFd(connection)!);
      const rest = Buffer.alloc(65_536);
      this.told = `{${rest.toString('utf8', 0, syscall('read', connection.number, rest, rest.length))}`;
      this.#readiness.watch(listener, (events) => ((events & 1) === 0 ? this.#readiness.unwatch(listener) : this.#answer(listener)));
    });
  }

  #answer(listener: Fd): void {
    const asked = Buffer.alloc(80);
    syscall('ioctl', listener.number, 0xc0502100, asked);
    const answer = Buffer.alloc(24);
    asked.copy(answer, 0, 0, 8);
    syscall('ioctl', listener.number, 0xc0182101, answer);
    this.answered++;
  }

  [Symbol.dispose](): void {
    this.#readiness[Symbol.dispose]();
    this.#held.dispose();
  }
}

test('rootfsPropagation: with a shared root, what is mounted in a shared bind reaches the host; with a private one it does not', async () => {
  const source = `${dir}/spread`;
  mkdirSync(source);
  assert.equal(spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', source]).status, 0);
  try {
    mkdirSync(`${source}/below`);
    assert.equal(spawnSync('mount', ['--make-shared', source]).status, 0);
    for (const [propagation, expected] of [['shared', 1], ['private', 0]] as const) {
      const made = bundle(shell('mount -t tmpfs tmpfs /bound/below && sleep 100'), (config) => {
        config.linux['rootfsPropagation'] = propagation;
        config.mounts.push({ destination: '/bound', type: 'bind', source, options: ['rbind', `r${propagation}`] });
        for (const set of Object.values(config.process['capabilities'] as Record<string, string[]>)) if (set.length > 0) set.push('CAP_SYS_ADMIN');
      });
      detached('run', made, ['--detach']);
      const mounted = (): number => readFileSync('/proc/self/mountinfo', 'utf8').split('\n').filter((line) => line.includes(` ${source}/below `)).length;
      await until(async () => (await call(['exec', made.id, 'grep', '-q', ' /bound/below tmpfs', '/proc/mounts'])).code === 0);
      assert.equal(mounted(), expected, propagation);
      await call(['delete', '--force', made.id]);
      // The host's copy of a mount is the host's to take away.
      spawnSync('umount', [`${source}/below`]);
    }
  } finally {
    spawnSync('umount', ['-R', source]);
  }
});

test('--no-pivot: the root is entered without pivot_root, and nothing of the host is seen', async () => {
  const made = bundle(shell('cat /kept/file; ls -d /var 2>/dev/null; grep -c . /proc/mounts >/dev/null && pwd'));
  const { code, stdout, stderr } = await call(['run', '--no-pivot', '--bundle', made.path, made.id]);
  assert.deepEqual([code, stdout], [0, 'from the image\n/\n'], stderr);
});

test('exec into a container with a user namespace: its ids, its capabilities', async () => {
  const made = bundle(['sleep', '100'], (config) => {
    config.linux.namespaces.push({ type: 'user' });
    config.linux['uidMappings'] = config.linux['gidMappings'] = maps;
  });
  spawnSync('chown', ['-R', '100000:100000', `${made.path}/rootfs`]);
  for (const path of [dir, made.path]) spawnSync('chmod', ['a+x', path]);
  detached('run', made, ['--detach']);
  const { code, stdout, stderr } = await call(['exec', '--user', '5:6', made.id, 'sh', '-c', 'id -u; id -g; cat /proc/self/uid_map; exit 3']);
  assert.deepEqual([code, stdout.replaceAll(/ +/g, ' ')], [3, '5\n6\n 0 100000 65536\n'], stderr);
  assert.equal((await call(['exec', made.id, 'sh', '-c', 'touch /by-root && stat -c %u /by-root'])).stdout, '0\n');
  assert.match(spawnSync('stat', ['-c', '%u', `${made.path}/rootfs/by-root`]).stdout.toString(), /^100000/);
});

test('time offsets hold for the program and for what is executed beside it', { skip: oursAlone }, async () => {
  const made = bundle(['sleep', '100'], (config) => {
    config.linux.namespaces.push({ type: 'time' });
    config.linux['timeOffsets'] = { boottime: { secs: 9_000_000, nanosecs: 5 }, monotonic: { secs: 7_000_000 } };
  });
  detached('run', made, ['--detach']);
  const { pid } = await stateOf(made.id);
  assert.match(readFileSync(`/proc/${String(pid)}/timens_offsets`, 'utf8'), /monotonic\s+7000000\s+0\nboottime\s+9000000\s+5\n/);
  assert.ok(Number((await call(['exec', made.id, 'cat', '/proc/uptime'])).stdout.split(' ')[0]) > 9_000_000);
});

test('mounts: ridmap shows mapped ids below, too; idmap does not', { skip: oursAlone }, async () => {
  const source = `${dir}/mapped-tree`;
  mkdirSync(`${source}/below`, { recursive: true });
  spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', `${source}/below`]);
  writeFileSync(`${source}/below/file`, 'x');
  chownSync(`${source}/below/file`, 1000, 1000);
  try {
    for (const [option, expected] of [['ridmap', '7 7\n'], ['idmap', '1000 1000\n']] as const) {
      const ids = [{ containerID: 1000, hostID: 7, size: 1 }];
      const { stdout, stderr } = await runOf(shell('stat -c "%u %g" /bound/below/file'), (config) => { config.mounts.push({ destination: '/bound', type: 'bind', source, options: ['rbind', option], uidMappings: ids, gidMappings: ids }); });
      assert.deepEqual([stdout, stderr], [expected, ''], option);
    }
  } finally {
    spawnSync('umount', [`${source}/below`]);
  }
});

test('a hook of the host that takes longer than its time is killed', async () => {
  const slow = { path: '/bin/sh', args: ['sh', '-c', 'exec sleep 60'], env: ['PATH=/bin:/usr/bin'], timeout: 1 };
  const began = performance.now();
  for (const phase of ['prestart', 'createRuntime']) {
    const { code, stdout, stderr } = await runOf(shell('echo ran'), (config) => { config['hooks'] = { [phase]: [slow] }; });
    assert.deepEqual([code === 0, stdout], [false, ''], phase);
    assert.match(stderr, /hook/);
  }
  // What comes after the start cannot undo it.
  const { code, stdout } = await runOf(shell('echo ran; sleep 2'), (config) => { config['hooks'] = { ...(isOurs ? { poststart: [slow] } : {}), poststop: [slow] }; });
  assert.deepEqual([code, stdout], [0, 'ran\n']);
  assert.ok(performance.now() - began < 30_000);
});

test('podman runs its containers with it: exit code, exec, terminal, limits, removal', { skip: which('podman') === undefined && 'podman is missing' }, async () => {
  const { path } = bundle(['true']);
  const podman = (...args: readonly string[]) => command('podman', ['--runtime', isOurs ? runtime : which(runtime)!, '--root', `${dir}/podman`, '--runroot', `${dir}/podman-run`, '--tmpdir', `${dir}/podman-tmp`, '--storage-driver', 'vfs', '--cgroup-manager', 'cgroupfs', '--events-backend', 'none', ...args], { timeoutMs: 60_000 });
  const rootfs = ['--network', 'none', '--cgroup-parent', '/estiva-test-bundles/podman', '--rootfs', `${path}/rootfs`];
  const ran = await podman('run', '--rm', '--memory', '64m', ...rootfs, 'sh', '-c', 'id -u; echo err >&2; exit 9');
  assert.deepEqual([ran.code, ran.stdout], [9, '0\n'], ran.stderr);
  assert.match(ran.stderr, /^err$/m);
  const started = await podman('run', '-d', '--name', 'stays', ...rootfs, 'sleep', '100');
  assert.equal(started.code, 0, started.stderr);
  const exec = await podman('exec', '-e', 'A=b', 'stays', 'sh', '-c', 'echo $A; exit 4');
  assert.deepEqual([exec.code, exec.stdout], [4, 'b\n'], exec.stderr);
  assert.equal((await podman('pause', 'stays')).code, 0);
  assert.equal((await podman('unpause', 'stays')).code, 0);
  assert.equal((await podman('rm', '-f', '-t', '0', 'stays')).code, 0);
  await forgetMonitors();
});

/** The groups of podman's monitors, which it leaves behind; the monitors end after their containers. */
async function forgetMonitors(): Promise<void> {
  const groups = readdirSync('/sys/fs/cgroup').map((name) => `/sys/fs/cgroup/${name}/estiva-test-bundles/podman`).filter((group) => existsSync(group));
  const isEmpty = (group: string): boolean => readFileSync(`${group}/cgroup.procs`, 'latin1') === '' && below(group).every(isEmpty);
  await until(async () => groups.every(isEmpty));
  for (const group of groups) removeGroups(group);
}

function below(group: string): readonly string[] {
  return readdirSync(group, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => `${group}/${name}`);
}

function removeGroups(group: string): void {
  for (const one of below(group)) removeGroups(one);
  rmdirSync(group);
}
