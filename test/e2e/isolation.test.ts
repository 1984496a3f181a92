// Isolation, read from inside: what the program may do, what it sees, which limits hold. And the same container under a dockerd and under ours,
// laid side by side: every difference must be one that is listed here with its reason.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { debianRootfs } from '../fixtures/debian.ts';
import { busybox, dockerdSocket, openEngine, succeeded } from './engine.ts';
import type { Facts } from './facts.ts';
import { factsOfExec, factsOfRun } from './facts.ts';

const engine = await openEngine();
const output = async (script: string, ...flags: string[]) => succeeded(await engine.run(['--rm', ...flags, busybox, 'sh', '-c', script])).trim();
let facts: Facts = {};
before(async () => { facts = await factsOfRun(engine); });

function assertSafe(seen: Facts): void {
  const status = seen['capabilities, seccomp, no_new_privs, ids']!;
  for (const line of ['CapInh:\t0000000000000000', 'CapPrm:\t00000000a80425fb', 'CapEff:\t00000000a80425fb', 'CapBnd:\t00000000a80425fb', 'CapAmb:\t0000000000000000', 'Seccomp:\t2', 'NoNewPrivs:\t0']) {
    assert.ok(status.split('\n').includes(line), `${line} in\n${status}`);
  }
  assert.equal(seen['open files at start'], '0\n1\n2');
  for (const refused of ['unshare a user namespace', 'unshare a mount namespace', 'kernel log', 'set the clock', 'a disk by its number', 'memory by its number']) {
    assert.equal(seen[refused], 'Operation not permitted', refused);
  }
  assert.match(seen['mount a tmpfs']!, /permission denied/);
  assert.equal(seen['core pattern is read-only'], 'Read-only file system');
  assert.doesNotMatch(seen['cgroup is read-only']!, /made/);
}

test('the first program: 14 capabilities, seccomp on, nothing inherited, no open file but 0, 1, 2', () => { assertSafe(facts); });

test('an exec\'d program has the same posture', async () => {
  const id = await engine.start([busybox, 'sleep', '100']);
  const exec = await factsOfExec(engine, id);
  assertSafe(exec);
  // The umask, limits and processes differ for reasons of their own (an exec is not the first process).
  for (const same of ['capabilities, seccomp, no_new_privs, ids', 'mounts', 'device nodes', 'limits', 'oom score', 'sysctls', 'links']) assert.equal(exec[same], facts[same], same);
  succeeded(await engine.docker(['rm', '-f', id]));
});

test('kernel files that tell of the host read as nothing', () => {
  const masked = facts['masked paths']!.split('\n');
  for (const line of masked) assert.match(line, / (absent|has 0 (entries|bytes))$/);
  assert.equal(masked.length, 12);
});

test('kernel files that steer the host are read-only', () => {
  const lines = facts['read-only paths']!.split('\n');
  for (const path of ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys']) assert.ok(lines.some((line) => line.startsWith(`${path} ro`)), path);
});

test('/dev has six devices and the usual links, no more', () => {
  const nodes = facts['device nodes']!.split('\n').filter((line) => !line.startsWith('console'));
  assert.deepEqual(nodes.filter((line) => line.includes('character')).map((line) => line.trim()), [
    'full character special file 666 0:0 1:7', 'null character special file 666 0:0 1:3', 'random character special file 666 0:0 1:8',
    'tty character special file 666 0:0 5:0', 'urandom character special file 666 0:0 1:9', 'zero character special file 666 0:0 1:5',
  ]);
  assert.ok(!nodes.some((line) => line.includes('block')));
});

test('namespaces differ from the host\'s: mnt, pid, uts, ipc, net', async () => {
  const inside = (await output('for n in mnt pid uts ipc net; do readlink /proc/self/ns/$n; done')).split('\n');
  for (const [index, name] of ['mnt', 'pid', 'uts', 'ipc', 'net'].entries()) assert.notEqual(inside[index], readlinkSync(`/proc/self/ns/${name}`), name);
});

test('a container of its own: process 1 is the program, and the host\'s processes are not seen', () => {
  assert.equal(facts['process 1'], 'sh');
  assert.ok(Number(facts.processes) <= 4);
});

test('nothing of the host is mounted but the files of /etc', () => {
  const places = facts.mounts!.split('\n').map((line) => line.split(' ')[0]!);
  assert.deepEqual(places.filter((place) => !/^\/$|^\/(dev|proc|sys)(\/|$)/.test(place)), ['/etc/hostname', '/etc/hosts', '/etc/resolv.conf']);
});

test('--network host shares that namespace, and only that', async () => {
  const net = succeeded(await engine.docker(['run', '--rm', '--network', 'host', busybox, 'sh', '-c', 'readlink /proc/self/ns/net; readlink /proc/self/ns/pid'])).trim();
  if (engine.ours) assert.ok(net.includes(readlinkSync('/proc/self/ns/net')) && !net.includes(readlinkSync('/proc/self/ns/pid')));
});

test('--cap-drop and --cap-add change exactly what they name', async () => {
  const effective = async (...flags: string[]) => output('grep CapEff /proc/self/status | cut -f2', ...flags);
  assert.equal(await effective('--cap-drop', 'ALL'), '0000000000000000');
  assert.equal(await effective('--cap-drop', 'NET_RAW', '--cap-drop', 'cap_mknod'), '00000000a00405fb');
  assert.equal(await effective('--cap-add', 'SYS_ADMIN'), '00000000a82425fb');
  assert.equal(await effective('--cap-drop', 'ALL', '--cap-add', 'CHOWN'), '0000000000000001');
  assert.equal(await effective('--user', 'bob'), '0000000000000000');
});

test('--privileged gives all capabilities, devices, and no seccomp', async () => {
  const seen = await output('grep -E "CapEff|Seccomp:" /proc/self/status; mount -t tmpfs none /tmp && echo mounted; [ -e /dev/kmsg ] && echo kmsg', '--privileged');
  // All that this machine gives: the bounding set of its own processes.
  const all = /CapBnd:\t(\w+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]!;
  assert.equal(seen, `CapEff:\t${all}\nSeccomp:\t0\nmounted\nkmsg`);
});

test('--security-opt no-new-privileges and seccomp=unconfined', async () => {
  assert.equal(await output('grep NoNewPrivs /proc/self/status', '--security-opt', 'no-new-privileges'), 'NoNewPrivs:\t1');
  assert.equal(await output('grep Seccomp: /proc/self/status', '--security-opt', 'seccomp=unconfined'), 'Seccomp:\t0');
});

test('--security-opt seccomp=FILE uses that profile', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'estiva-seccomp-'));
  const profile = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 95 }] };
  writeFileSync(`${dir}/profile.json`, JSON.stringify(profile));
  assert.match(await output('mkdir /x 2>&1; true', '--security-opt', `seccomp=${dir}/profile.json`), /Not supported|Operation not supported/);
  rmSync(dir, { recursive: true });
});

test('memory limit: the kernel ends the program, 137 and OOMKilled', async () => {
  const id = await engine.start(['--memory', '32m', busybox, 'tail', '/dev/zero']);
  assert.equal(succeeded(await engine.docker(['wait', id])).trim(), '137');
  assert.equal((await engine.inspect(id)).State.OOMKilled, true);
  succeeded(await engine.docker(['rm', id]));
});

test('a program that ends by itself is not OOMKilled', async () => {
  const id = await engine.start(['--memory', '64m', busybox, 'sh', '-c', 'exit 137']);
  await engine.docker(['wait', id]);
  assert.equal((await engine.inspect(id)).State.OOMKilled, false);
  succeeded(await engine.docker(['rm', id]));
});

test('pids limit: no more processes than allowed', async () => {
  const outcome = await engine.run(['--rm', '--pids-limit', '10', busybox, 'sh', '-c', 'for i in $(seq 20); do sleep 2 & done; wait']);
  assert.match(outcome.stderr, /can't fork: Resource temporarily unavailable/);
});

test('cpu quota: a busy program gets its share and no more', async () => {
  const outcome = await engine.run(['--rm', '--cpus', '0.2', busybox, 'sh', '-c', 'time timeout 2 sh -c "while :; do :; done"']);
  const user = Number(/user\s+0m ([\d.]+)s/.exec(outcome.stderr)?.[1]);
  assert.ok(user > 0.1 && user < 0.75, outcome.stderr);
});

test('cpuset and cpu shares', async () => {
  const { CPUSet } = (await engine.http('GET', '/info')).json() as { CPUSet: boolean };
  if (CPUSet) assert.equal(await output('grep Cpus_allowed_list /proc/self/status | cut -f2', '--cpuset-cpus', '0'), '0');
  assert.equal(await output('cat /sys/fs/cgroup/cpu/cpu.shares 2>/dev/null || cat /sys/fs/cgroup/cpu.weight', '--cpu-shares', '512').then((shares) => ['512', '20', '59'].includes(shares)), true);
});

test('ulimits hold: open files', async () => {
  assert.match(await output('exec 3</etc/passwd 4</etc/passwd 5</etc/passwd 6</etc/passwd; echo all', '--ulimit', 'nofile=5:5').catch(String), /Too many open files|Bad file descriptor|No file descriptors|can't open|F_DUPFD/i);
});

test('--device gives that device and its cgroup permission', async () => {
  assert.equal(await output('test -c /dev/mine && head -c 4 /dev/mine | wc -c', '--device', '/dev/zero:/dev/mine:r'), '4');
});

test('a process in a container cannot see or signal the host, and cannot leave its root', async () => {
  assert.equal(await output('kill -0 99999 2>&1 | grep -o "No such process"; ls /proc/1/root/etc/passwd; cd /proc/self/cwd/../../../..; pwd -P'), 'No such process\n/proc/1/root/etc/passwd\n/');
});

const debian = process.arch === 'x64' ? await debianRootfs() : undefined;
test('system calls that attack the kernel are refused', { skip: debian === undefined && 'needs Debian\'s perl on x86-64' }, async () => {
  succeeded(await engine.docker(['import', debian!, 'estiva-test/perl:1'], { timeoutMs: 120_000 }));
  const calls: Readonly<Record<string, readonly [number, ...number[]]>> = {
    socket_AF_ALG: [41, 38, 5, 0], socket_AF_VSOCK: [41, 40, 1, 0], keyctl: [250, 0, 0, 0], add_key: [248, 0, 0, 0, 0, 0], io_uring_setup: [425, 1, 0],
    unshare_user: [272, 0x10000000], clone3: [435, 0, 0], bpf: [321, 0, 0, 0], mount: [165, 0, 0, 0, 0, 0], reboot: [169, 0, 0, 0], init_module: [175, 0, 0, 0],
    kexec_load: [246, 0, 0, 0, 0], open_by_handle_at: [304, -1, 0, 0], userfaultfd: [323, 0], perf_event_open: [298, 0, 0, -1, -1, 0], pivot_root: [155, 0, 0],
    setns: [308, -1, 0], swapon: [167, 0, 0], syslog: [103, 3, 0, 0],
  };
  const list = Object.entries(calls).map(([name, numbers]) => `[${JSON.stringify(name)},${numbers.join(',')}]`).join(',');
  const perl = `for my $c (${list}) { $! = 0; my $r = syscall($c->[1], map { $c->[$_] // 0 } 2..7); print $c->[0], " ", $r < 0 ? $!+0 : "allowed", "\\n" }`;
  const seen = succeeded(await engine.run(['--rm', 'estiva-test/perl:1', 'perl', '-e', perl])).trim().split('\n');
  // EPERM; for clone3 ENOSYS, so that C libraries fall back; for socket families EAFNOSUPPORT is as good.
  const refused = { clone3: ['38'], socket_AF_ALG: ['1', '97'], socket_AF_VSOCK: ['1', '97'], io_uring_setup: ['1', '38'] } as Readonly<Record<string, string[]>>;
  for (const line of seen) {
    const [name, errno] = line.split(' ') as [string, string];
    assert.ok((refused[name] ?? ['1']).includes(errno), line);
  }
  assert.equal(seen.length, Object.keys(calls).length);
  await engine.docker(['rmi', '-f', 'estiva-test/perl:1']);
});

/** Differences that are meant, by fact: which lines, and why. */
const meant: Readonly<Record<string, { readonly lines: RegExp; readonly why: string }>> = {
  'limits': { lines: /./, why: 'each daemon passes its own limits on' },
  'mounts': { lines: /^\/(proc|sys)\/(?!fs\/cgroup)\S+ tmpfs|^\/etc\/|^\/sys\/fs\/cgroup|^\/proc\/sysrq-trigger/, why: 'more is masked, the masks are one shared read-only tmpfs, and the cgroup namespace is private' },
  'cgroup is read-only': { lines: /^(Read-only file system)?$/, why: 'on cgroup v1 dockerd leaves the tmpfs above the hierarchies writable' },
  'files of etc': { lines: /^\/etc\/resolv\.conf regular (empty )?file 644 0:0$/, why: 'without a network there is nobody to ask for names' },
  'processes': { lines: /./, why: 'a moment\'s number' },
  'masked paths': { lines: / has 0 (entries|bytes)$| absent$/, why: 'more is masked' },
  'read-only paths': { lines: /./, why: 'flags of the mounts, tested above' },
};

function differences(ours: Facts, theirs: Facts): string[] {
  return Object.keys(theirs).flatMap((name) => {
    const [mine, peer] = [new Set(ours[name]?.split('\n')), new Set(theirs[name]?.split('\n'))];
    const lines = [...[...mine].filter((line) => !peer.has(line)).map((line) => ['ours', line] as const), ...[...peer].filter((line) => !mine.has(line)).map((line) => ['dockerd', line] as const)];
    return lines.filter(([, line]) => meant[name]?.lines.test(line) !== true).map(([whose, line]) => `${name}: only ${whose}: ${line}`);
  });
}

test('the same container under dockerd and here: no difference but those that are meant', { skip: dockerdSocket() === undefined && 'no dockerd: set ESTIVA_E2E_DOCKERD' }, async () => {
  const peer = await openEngine('dockerd');
  for (const flags of [[], ['--user', 'bob'], ['--read-only', '--cap-drop', 'ALL'], ['-t'], ['--memory', '64m', '--pids-limit', '100', '--cpus', '0.5']]) {
    assert.deepEqual(differences(await factsOfRun(engine, ...flags), await factsOfRun(peer, ...flags)), [], flags.join(' '));
  }
});

test('the host is as it was: its mounts are not changed by containers', () => {
  assert.doesNotMatch(readFileSync('/proc/self/mountinfo', 'utf8'), / \/(proc|sys|dev)\/\S+ .*estiva/);
});
