// estiva-runtime as engines use it: bundles, state directories, exit codes. The same tests pass against runc (ESTIVA_E2E_RUNTIME=runc), but for
// those of what Debian's runc 1.1 does not have, which say so.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, openSync, closeSync, readFileSync, writeFileSync, chownSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { bundle, call, detached, dir, isOurs, oursAlone, root, runOf, runtime, shell, stateOf, until, type Json } from './bundle.ts';
import { command } from './command.ts';

test('run: the program is alone, its output and exit code are the program\'s', async () => {
  const { code, stdout } = await runOf(shell('echo pid $$; ls -d /proc/[0-9]* | cat; exit 7'));
  assert.deepEqual([code, stdout.startsWith('pid 1\n/proc/1\n')], [7, true]);
});

test('create waits for start; state, pid file, kill, delete follow the container', async () => {
  const made = bundle(['sleep', '100']);
  assert.equal(detached('create', made).status, 0);
  assert.equal((await stateOf(made.id))['status'], 'created');
  assert.equal(readFileSync(`${made.path}/pid`, 'utf8'), String((await stateOf(made.id))['pid']));
  assert.equal((await call(['start', made.id])).code, 0);
  assert.equal((await stateOf(made.id))['status'], 'running');
  assert.match((await call(['start', made.id])).stderr, /cannot start an already running container/);
  assert.match((await call(['delete', made.id])).stderr, /that is not stopped: running/);
  assert.match((await call(['list', '-q'])).stdout, new RegExp(made.id));
  assert.equal((await call(['kill', made.id, 'KILL'])).code, 0);
  await until(async () => (await stateOf(made.id))['status'] === 'stopped');
  assert.match((await call(['kill', made.id, 'TERM'])).stderr, /container not running/);
  assert.equal((await call(['delete', made.id])).code, 0);
  assert.match((await call(['state', made.id])).stderr, /container does not exist/);
  assert.equal((await call(['delete', '--force', made.id])).code, 0);
});

test('a container that has not been started has run nothing, and goes with delete --force', async () => {
  const made = bundle(shell('touch /ran'));
  detached('create', made);
  assert.equal((await call(['delete', '--force', made.id])).code, 0);
  assert.equal(existsSync(`${made.path}/rootfs/ran`), false);
});

test('what waits for start is small, and its executable is none of the host\'s', { skip: oursAlone }, async () => {
  const made = bundle(['true']);
  detached('create', made);
  const pid = String((await stateOf(made.id))['pid']);
  assert.ok(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) < 1000, 'less than a megabyte');
  assert.match(spawnSync('readlink', [`/proc/${pid}/exe`]).stdout.toString(), /^\/memfd:/);
});

test('exec: another program in the container, with its own exit code, directory, variables and user', async () => {
  const made = bundle(['sleep', '100']);
  detached('run', made, ['--detach']);
  const { code, stdout } = await call(['exec', '--cwd', '/kept', '--env', 'X=y', '--user', '5:6', made.id, 'sh', '-c', 'echo $X; cat file; id -u; id -g; exit 9']);
  assert.deepEqual([code, stdout], [9, 'y\nfrom the image\n5\n6\n']);
  const missing = await call(['exec', made.id, 'no-such-program']);
  assert.match(missing.stderr, /exec: \\?"no-such-program\\?": executable file not found in \$PATH/);
  assert.notEqual(missing.code, 0);
});

test('a program that is not there is told at create, in the log and on stderr, and nothing stays', async () => {
  const made = bundle(['no-such-program']);
  const { status, stderr } = detached('create', made);
  assert.equal(status, 1);
  assert.match(stderr, /executable file not found in \$PATH/);
  const last = JSON.parse(readFileSync(`${made.path}/log`, 'utf8').trim().split('\n').at(-1)!) as Json;
  assert.equal(last['level'], 'error');
  assert.match(String(last['msg']), /exec: "no-such-program": executable file not found in \$PATH/);
  assert.match((await call(['state', made.id])).stderr, /does not exist/);
});

test('hooks run in their phases, in order, and are told the state', async () => {
  const made = bundle(shell('echo program >>/log'), (config, path) => {
    const log = `${path}/rootfs/log`;
    const host = (name: string): Json => ({ path: '/bin/sh', args: ['sh', '-c', `read -r state; case $state in *'"id":"estiva-test'*) echo ${name} >>${log};; esac; case $state in *'"status":"creating"'*) echo creating >>${log};; esac`], env: ['PATH=/bin:/usr/bin'] });
    config['hooks'] = {
      prestart: [host('prestart')], createRuntime: [host('createRuntime')], createContainer: [host('createContainer')], poststart: [host('poststart')], poststop: [host('poststop')],
      startContainer: [{ path: '/bin/sh', args: ['sh', '-c', 'read -r state; echo startContainer >>/log; exit 0'] }],
    };
  });
  assert.equal((await call(['run', '--bundle', made.path, made.id])).code, 0);
  const lines = readFileSync(`${made.path}/rootfs/log`, 'utf8').trim().split('\n').filter((line) => line !== 'creating');
  // Beside the program: before or after what that says.
  assert.equal(lines.filter((line) => line === 'poststart').length, 1);
  assert.deepEqual(lines.filter((line) => line !== 'poststart'), ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'program', 'poststop']);
});

for (const phase of ['prestart', 'createRuntime', 'createContainer', 'startContainer'] as const) {
  test(`a ${phase} hook that fails ends the container before its program`, async () => {
    const { code, stdout } = await runOf(shell('echo ran'), (config) => { config['hooks'] = { [phase]: [{ path: phase === 'startContainer' ? '/bin/sh' : '/bin/sh', args: ['sh', '-c', 'exit 3'] }] }; });
    assert.notEqual(code, 0);
    assert.equal(stdout, '');
  });
}

test('a hook that takes longer than its time is killed, and the container is not made', async () => {
  const { code, stderr } = await runOf(['true'], (config) => { config['hooks'] = { createContainer: [{ path: '/bin/sh', args: ['sh', '-c', 'sleep 20'], env: ['PATH=/bin'], timeout: 1 }] }; });
  assert.notEqual(code, 0);
  assert.match(stderr, /hook/);
});

test('mounts: read-only binds, tmpfs with its options, what was there copied up, attributes for all below', async () => {
  const source = `${dir}/source`;
  mkdirSync(`${source}/below`, { recursive: true });
  writeFileSync(`${source}/file`, 'from the host\n');
  const { stdout } = await runOf(shell('cat /bound/file; touch /bound/x 2>/dev/null || echo ro; grep " /t " /proc/mounts | grep -o "nosuid,nodev,noexec"; cat /kept/file; echo more >/kept/new && ls /kept; test -e /t/x || echo empty'), (config) => {
    config.mounts.push({ destination: '/bound', type: 'bind', source, options: ['rbind', 'ro'] }, { destination: '/t', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'noexec', 'nodev', 'size=64k', 'mode=1777'] });
    if (isOurs) config.mounts.push({ destination: '/kept', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup'] });
  });
  assert.equal(stdout, 'from the host\nro\nnosuid,nodev,noexec\nfrom the image\nfile\nnew\nempty\n');
});

test('mounts: rro makes what is mounted below read-only as well', { skip: oursAlone }, async () => {
  const source = `${dir}/tree`;
  mkdirSync(`${source}/below`, { recursive: true });
  spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', `${source}/below`]);
  try {
    for (const [option, expected] of [['ro', 'writable\n'], ['rro', 'read-only\n']] as const) {
      const { stdout } = await runOf(shell('touch /bound/below/x 2>/dev/null && echo writable || echo read-only'), (config) => { config.mounts.push({ destination: '/bound', type: 'bind', source, options: ['rbind', option] }); });
      assert.equal(stdout, expected, option);
    }
  } finally {
    spawnSync('umount', [`${source}/below`]);
  }
});

test('mounts: a bind with mapped ids shows the host\'s files as others\'', { skip: oursAlone }, async () => {
  const source = `${dir}/mapped`;
  mkdirSync(source);
  writeFileSync(`${source}/file`, 'x');
  chownSync(`${source}/file`, 1000, 1000);
  const maps = [{ containerID: 1000, hostID: 7, size: 1 }];
  const { stdout, stderr } = await runOf(shell('stat -c "%u %g" /bound/file'), (config) => { config.mounts.push({ destination: '/bound', type: 'bind', source, options: ['bind', 'idmap'], uidMappings: maps, gidMappings: maps }); });
  assert.deepEqual([stdout, stderr], ['7 7\n', '']);
});

test('a user namespace: root inside is somebody without power outside', async () => {
  const made = bundle(shell('id -u; cat /proc/self/uid_map; touch /made; test -c /dev/null && echo device >/dev/null && echo devices'), (config) => {
    config.linux.namespaces.push({ type: 'user' });
    config.linux['uidMappings'] = config.linux['gidMappings'] = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  });
  spawnSync('chown', ['-R', '100000:100000', `${made.path}/rootfs`]);
  for (const path of [dir, made.path]) spawnSync('chmod', ['a+x', path]);
  const { stdout, stderr } = await call(['run', '--bundle', made.path, made.id]);
  assert.deepEqual([stdout.replaceAll(/ +/g, ' '), stderr], ['0\n 0 100000 65536\ndevices\n', '']);
  assert.match(spawnSync('stat', ['-c', '%u', `${made.path}/rootfs/made`]).stdout.toString(), /^100000/);
});

test('a time namespace: its clocks are ahead as asked', { skip: oursAlone }, async () => {
  const { stdout } = await runOf(shell('cat /proc/uptime'), (config) => {
    config.linux.namespaces.push({ type: 'time' });
    config.linux['timeOffsets'] = { boottime: { secs: 5_000_000 } };
  });
  assert.ok(Number(stdout.split(' ')[0]) > 5_000_000, stdout);
});

test('namespaces are joined by path', async () => {
  const first = bundle(['sleep', '100'], (config) => { config['hostname'] = 'the-first'; });
  detached('run', first, ['--detach']);
  const pid = String((await stateOf(first.id))['pid']);
  const { stdout, stderr } = await runOf(shell('hostname; readlink /proc/self/ns/net; ls -d /proc/[0-9]* | grep -c .'), (config) => {
    delete config['hostname'];
    config.linux.namespaces = config.linux.namespaces.map((namespace) => {
      const file = { uts: 'uts', network: 'net', ipc: 'ipc', pid: 'pid' }[String(namespace['type'])];
      return file === undefined ? namespace : { ...namespace, path: `/proc/${pid}/ns/${file}` };
    });
  });
  const [hostname, network, processes] = stdout.trim().split('\n');
  assert.deepEqual([hostname, network, stderr], ['the-first', spawnSync('readlink', [`/proc/${pid}/ns/net`]).stdout.toString().trim(), '']);
  assert.ok(Number(processes) >= 2, 'it sees the first one\'s processes');
});

test('rights: capabilities, no new privileges, limits, the OOM score, groups and umask are as configured', async () => {
  const { stdout } = await runOf(shell('grep -E "^(CapEff|CapBnd|NoNewPrivs|Groups)" /proc/self/status; ulimit -n; cat /proc/self/oom_score_adj; umask'), (config) => {
    config.process['capabilities'] = { bounding: ['CAP_KILL'], effective: ['CAP_KILL'], permitted: ['CAP_KILL'], inheritable: [], ambient: [] };
    config.process['rlimits'] = [{ type: 'RLIMIT_NOFILE', soft: 77, hard: 88 }];
    config.process['oomScoreAdj'] = 123;
    config.process['user'] = { uid: 0, gid: 0, additionalGids: [5, 6], umask: 0o077 };
  });
  assert.equal(stdout.replaceAll('\t', ' '), 'Groups: 5 6 \nCapEff: 0000000000000020\nCapBnd: 0000000000000020\nNoNewPrivs: 1\n77\n123\n0077\n'.replace(/Groups.*\n/, (line) => (stdout.includes('Groups:\t5 6') ? line : '')));
});

test('the execution domain, the disk priority and the scheduler are as configured', { skip: oursAlone }, async () => {
  const made = bundle(shell('uname -m'), (config) => {
    config.linux['personality'] = { domain: 'LINUX32' };
    config.process['scheduler'] = { policy: 'SCHED_BATCH', nice: 3 };
    config.process['ioPriority'] = { class: 'IOPRIO_CLASS_BE', priority: 6 };
  });
  assert.match((await call(['run', '--bundle', made.path, made.id])).stdout, /^(i686|armv8l)\n$/);
});

test('a seccomp filter stops what it says', async () => {
  const { stdout } = await runOf(shell('mkdir /x 2>&1'), (config) => { config.linux['seccomp'] = { defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_AARCH64'], syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 13 }] }; });
  assert.match(stdout, /Permission denied/);
});

test('masked and read-only paths, sysctls, and a root that nobody writes to', async () => {
  const { stdout } = await runOf(shell('cat /proc/kcore; touch /x 2>/dev/null || echo read-only; cat /proc/sys/net/ipv4/ping_group_range; (echo 1 >/proc/sys/kernel/msgmax) 2>/dev/null || echo kept'), (config) => {
    config.root['readonly'] = true;
    config.linux['sysctl'] = { 'net.ipv4.ping_group_range': '0 5' };
  });
  assert.equal(stdout, 'read-only\n0\t5\nkept\n');
});

test('limits hold, change with update, and go with the container', async () => {
  const made = bundle(['sleep', '100'], (config) => { (config.linux['resources'] as Json)['memory'] = { limit: 33_554_432 }; (config.linux['resources'] as Json)['pids'] = { limit: 20 }; config.linux['cgroupsPath'] = `/estiva-test-bundles/${process.pid}`; });
  detached('run', made, ['--detach']);
  const file = ['/sys/fs/cgroup/memory', '/sys/fs/cgroup'].map((tree) => `${tree}/estiva-test-bundles/${process.pid}`).flatMap((path) => [`${path}/memory.limit_in_bytes`, `${path}/memory.max`]).find((path) => existsSync(path))!;
  assert.equal(readFileSync(file, 'utf8'), '33554432\n');
  assert.deepEqual(await call(['update', '--memory', '64m', made.id]), { code: 0, stdout: '', stderr: '' });
  assert.equal(readFileSync(file, 'utf8'), '67108864\n');
  assert.match((await call(['ps', '--format', 'json', made.id])).stdout, /^\[\d+\]/);
  await call(['delete', '--force', made.id]);
  assert.equal(existsSync(file), false);
});

test('pause stops everything, resume lets it go on', async () => {
  const made = bundle(shell('while :; do echo x; sleep 0.02; done'));
  detached('run', made, ['--detach']);
  const size = (): number => readFileSync(`${made.path}/out`).length;
  assert.deepEqual((await call(['pause', made.id])).code, 0);
  assert.equal((await stateOf(made.id))['status'], 'paused');
  const before = size();
  await sleep(150);
  assert.equal(size(), before);
  assert.match((await call(['exec', made.id, 'true'])).stderr, /cannot exec in a paused container/);
  assert.equal((await call(['resume', made.id])).code, 0);
  await until(() => Promise.resolve(size() > before));
});

test('--preserve-fds hands descriptors on, and nothing else is open', async () => {
  const made = bundle(shell('ls /proc/self/fd | cat; cat <&3'));
  writeFileSync(`${made.path}/handed`, 'handed on\n');
  const handed = openSync(`${made.path}/handed`, 'r');
  const { stdout } = spawnSync(runtime, ['--root', root, 'run', '--preserve-fds', '1', '--bundle', made.path, made.id], { stdio: ['ignore', 'pipe', 'pipe', handed], encoding: 'utf8' });
  closeSync(handed);
  // 4 is the directory that ls reads.
  assert.equal(stdout, '0\n1\n2\n3\n4\nhanded on\n');
});

test('a terminal: its own, with the size of ours, and the exit code', async () => {
  const made = bundle(shell('test -t 0 && readlink /proc/self/fd/0; test -c /dev/console && echo console; exit 4'), (config) => { config.process['terminal'] = true; });
  const { code, stdout } = await command('script', ['-qec', `${runtime} --root ${root} run --bundle ${made.path} ${made.id}`, '/dev/null']);
  assert.deepEqual([code, stdout.replaceAll(/\r|\^@|\0/g, '')], [4, '/dev/pts/0\nconsole\n']);
});

test('signals of the foreground go to the program', async () => {
  const made = bundle(shell('trap "echo got; exit 5" TERM; echo ready; while :; do sleep 0.05; done'));
  const child = spawn(runtime, ['--root', root, 'run', '--bundle', made.path, made.id], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    if (output === 'ready\n') child.kill('SIGTERM');
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  assert.deepEqual([code, output], [5, 'ready\ngot\n']);
});

for (const [what, field, change] of [
  ['Intel RDT', 'linux.intelRdt', (config) => { config.linux['intelRdt'] = { closID: 'x' }; }],
  ['an AppArmor profile without AppArmor', 'apparmor', (config) => { config.process['apparmorProfile'] = 'some-profile'; }],
  ['a sysctl of the host', 'sysctl', (config) => { config.linux['sysctl'] = { 'vm.swappiness': '1' }; }],
  ['a wrong type', 'process.cwd', (config) => { config.process['cwd'] = 5; }],
  ['a root that is not there', 'rootfs', (config) => { config.root['path'] = 'nowhere'; }],
] as const satisfies readonly (readonly [string, string, Parameters<typeof bundle>[1]])[]) {
  test(`a configuration with ${what} is refused, naming the field`, { skip: what === 'a wrong type' || what === 'Intel RDT' ? oursAlone : existsSync('/sys/kernel/security/apparmor') && field === 'apparmor' ? 'this kernel has AppArmor' : false }, async () => {
    const { code, stderr } = await runOf(['true'], change);
    assert.notEqual(code, 0);
    assert.ok(stderr.toLowerCase().includes(field.toLowerCase()), stderr);
  });
}

test('ids that are paths, ids that are taken and bundles without a configuration are refused', async () => {
  const made = bundle(['sleep', '100']);
  assert.match((await call(['run', '--bundle', made.path, '../x'])).stderr, /invalid (container )?ID format/i);
  detached('create', made);
  assert.match(detached('create', made).stderr, /(container with given ID already exists|container with id exists)/);
  assert.match((await call(['create', 'x'], { cwd: dir })).stderr, /config\.json not found/);
});

test('spec writes a configuration that features can carry out', { skip: oursAlone }, async () => {
  const features = JSON.parse((await call(['features'])).stdout) as { readonly hooks: readonly string[]; readonly linux: { readonly namespaces: readonly string[] }; readonly mountOptions: readonly string[] };
  assert.equal(features.hooks.length, 6);
  assert.deepEqual(features.linux.namespaces, ['cgroup', 'ipc', 'mount', 'network', 'pid', 'time', 'user', 'uts']);
  for (const option of ['rro', 'idmap', 'ridmap', 'tmpcopyup', 'nosymfollow', 'rprivate']) assert.ok(features.mountOptions.includes(option), option);
});
