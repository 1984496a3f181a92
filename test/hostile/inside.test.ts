// Programs that attack from inside a running container: they look into processes on their way in, replace what the engine opens next, flood,
// fork and refuse to die. Nothing of the host is seen or changed, every verb on them ends in time, and the engine goes on.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openFiles } from '../e2e/census.ts';
import { busybox, openEngine, succeeded, until } from '../e2e/engine.ts';
import { debianRootfs } from '../fixtures/debian.ts';

const engine = await openEngine();
const skip = !engine.ours && 'another engine\'s weaknesses are not ours to test';
const remove = async (...ids: string[]): Promise<void> => { succeeded(await engine.docker(['rm', '-f', ...ids], { timeoutMs: 15_000 })); };
const inside = async (id: string, script: string): Promise<string> => succeeded(await engine.docker(['exec', id, 'sh', '-c', script])).trim();

/**
 * Looks, as fast as it can for four seconds, at the processes whose pids come next: whether their root is another than its own, whether the
 * program they are instances of can be written to, what their memory maps and what descriptors they hold.
 */
const spy = String.raw`
my ($own) = join ':', (stat '/')[0, 1]; my $next = $$ + 1; my (%seen, $looks); my $end = time + 4;
print "ready\n"; $| = 1;
while (time < $end) {
  for my $pid ($next .. $next + 3) {
    next unless -e "/proc/$pid";
    $looks++; $next = $pid if $pid > $next;
    if (my @root = stat "/proc/$pid/root/") { $seen{'a root of others'} = 1 if "$root[0]:$root[1]" ne $own; }
    if (opendir my $cwd, "/proc/$pid/cwd/") { $seen{'a directory outside'} = 1 if -e "/proc/$pid/cwd/etc/estiva-nowhere"; }
    my $exe = readlink("/proc/$pid/exe") // '';
    if ($exe =~ /node/) {
      $seen{'the engine\'s program, writable'} = 1 if open my $file, '+<', "/proc/$pid/exe";
      if (open my $maps, '<', "/proc/$pid/maps") {
        my @lines = <$maps>; @lines = () if (readlink("/proc/$pid/exe") // '') ne $exe;
        $seen{'the engine\'s program mapped'} = 1 if grep { /node/ } @lines;
        $seen{'the engine\'s heap'} = 1 if grep { /\[heap\]/ } @lines and reads($pid, grep { /\[heap\]/ } @lines);
      }
      if (opendir my $dir, "/proc/$pid/fd") {
        for my $fd (grep { /^\d+$/ && $_ > 2 } readdir $dir) {
          my $target = readlink("/proc/$pid/fd/$fd") // next;
          next if (readlink("/proc/$pid/exe") // '') ne $exe;
          $seen{"a descriptor: $target"} = 1 if $target !~ /^pipe:/;
        }
      }
    }
  }
}
sub reads { my ($pid, $line) = @_; my ($start, $stop) = map { hex } $line =~ /^(\w+)-(\w+)/;
  open my $mem, '<', "/proc/$pid/mem" or return 0; sysseek $mem, $start, 0; my $read = sysread $mem, my $bytes, 65536; return $read && $bytes =~ /[^\0]/; }
print "looks: ", ($looks // 0), "\n", map { "found $_\n" } sort keys %seen;`;

const debian = await debianRootfs();
const skipSpy = skip || (debian === undefined && 'needs Debian\'s perl');
if (skipSpy === false) succeeded(await engine.docker(['import', debian!, 'estiva-test/spy:1'], { timeoutMs: 120_000 }));

for (const flags of [[], ['--cap-add', 'SYS_PTRACE'], ['--cap-add', 'SYS_PTRACE', '--security-opt', 'seccomp=unconfined'], ['--privileged']]) {
  test(`a spy sees nothing of the engine in execs that arrive: ${flags.join(' ') || 'default'}`, { skip: skipSpy }, async () => {
    const id = await engine.start([...flags, 'estiva-test/spy:1', 'perl', '-e', spy]);
    for (let i = 0; i < 25; i += 1) await engine.docker(['exec', ...(i % 3 === 0 ? ['-t'] : []), id, 'true']);
    succeeded(await engine.docker(['wait', id]));
    const report = succeeded(await engine.docker(['logs', id])).split('\n');
    assert.ok(Number(/\d+/.exec(report.find((line) => line.startsWith('looks')) ?? '')?.[0]) > 5, report.join('\n'));
    assert.deepEqual(report.filter((line) => line.startsWith('found')), []);
    await remove(id);
  });
}

test('a pid namespace that is joined is the only one that is seen', { skip }, async () => {
  const first = await engine.start([busybox, 'sleep', '1000']);
  const seen = succeeded(await engine.run(['--rm', '--pid', `container:${first}`, busybox, 'sh', '-c', 'cat /proc/1/cmdline | tr "\\0" " "; ls /proc | grep -c "^[0-9]"; readlink /proc/1/ns/pid; readlink /proc/self/ns/pid'])).trim().split('\n');
  assert.ok(seen[0]!.startsWith('sleep 1000'), seen.join());
  assert.ok(Number(/\d+$/.exec(seen[0]!)![0]) < 8, seen.join());
  assert.equal(seen[1], seen[2]);
  assert.notEqual(seen[1], readlinkSync('/proc/self/ns/pid'));
  await remove(first);
});

test('who may trace is not joined by a first process, which would be theirs', { skip }, async () => {
  const tracer = await engine.start(['--cap-add', 'SYS_PTRACE', busybox, 'sleep', '1000']);
  assert.match((await engine.run(['--rm', '--pid', `container:${tracer}`, busybox, 'true'])).stderr, /may trace processes/);
  const app = await engine.start([busybox, 'sleep', '1000']);
  const debug = await engine.start(['--cap-add', 'SYS_PTRACE', '--pid', `container:${app}`, busybox, 'sleep', '1000']);
  assert.equal(await inside(app, 'echo exec works'), 'exec works');
  assert.equal(succeeded(await engine.docker(['exec', '-t', debug, 'tty'])).trim(), '/dev/pts/0');
  await remove(debug, app, tracer);
});

test('descriptors of a program: 0, 1 and 2, of an exec too, and where others may trace', { skip }, async () => {
  for (const flags of [[], ['--cap-add', 'SYS_PTRACE']]) {
    const list = 'for f in /proc/$$/fd/*; do [ -e $f ] && echo ${f##*/}; done; true';
    const id = await engine.start([...flags, busybox, 'sh', '-c', `${list}; exec sleep 1000`]);
    await until('it has printed', async () => (await engine.docker(['logs', id])).stdout !== '');
    assert.equal(succeeded(await engine.docker(['logs', id])), '0\n1\n2\n');
    assert.equal(await inside(id, list), '0\n1\n2');
    assert.equal(await inside(id, 'cut -d" " -f6 /proc/$$/stat; cat /proc/$$/stat | cut -d" " -f1').then((text) => new Set(text.split('\n')).size), 1, 'a session of its own');
    await remove(id);
  }
});

test('what an exec opens may be replaced: passwd, group, console, ptmx; nothing hangs', { skip }, async () => {
  const swaps = ['rm -f /etc/passwd /etc/group; mkfifo /etc/passwd /etc/group', 'rm -f /etc/passwd; ln -s /proc/kmsg /etc/passwd', 'rm -f /etc/passwd; ln -s /dev/zero /etc/passwd', 'rm -f /etc/passwd; mknod /etc/passwd c 240 255', 'rm -rf /etc/passwd; mkdir /etc/passwd', 'rm -f /etc/passwd; dd if=/dev/zero of=/etc/passwd bs=1M count=8 2>/dev/null'];
  for (const swap of swaps) {
    const id = await engine.start([busybox, 'sh', '-c', `${swap}; rm -f /dev/null /dev/ptmx /dev/tty; mkfifo /dev/null /dev/ptmx /dev/tty; echo swapped; exec sleep 1000`]);
    await until('swapped', async () => (await engine.docker(['logs', id])).stdout.includes('swapped'));
    for (const flags of [['-u', 'bob'], ['-u', '5'], ['-t'], ['-t', '-u', 'bob'], ['-d']]) {
      const outcome = await engine.docker(['exec', ...flags, id, 'true'], { timeoutMs: 5_000 });
      assert.doesNotMatch(outcome.stderr, /internal error/, `${swap} ${flags.join(' ')}`);
    }
    await remove(id);
  }
});

test('host kernel settings are out of reach', { skip }, async () => {
  const id = await engine.start([busybox, 'sleep', '1000']);
  const before = readFileSync('/proc/sys/kernel/core_pattern', 'utf8');
  const attempts = ['echo x > /proc/sys/kernel/core_pattern', 'echo b > /proc/sysrq-trigger', 'echo 1 > /proc/sys/vm/drop_caches', 'mount -t proc none /tmp', 'mount -o remount,rw /proc/sys', 'mount -t cgroup none /tmp', 'mount -t tmpfs none /tmp', 'umount /proc/kcore', 'umount /proc/sys',
    'mkdir /sys/fs/cgroup/x 2>/dev/null || mkdir /sys/fs/cgroup/memory/x', 'echo /x > /sys/fs/cgroup/memory/release_agent', 'echo 1 > /sys/fs/cgroup/memory/notify_on_release', 'echo +x > /sys/fs/cgroup/cgroup.subtree_control', 'echo mem > /sys/power/state', 'touch /sys/kernel/x',
    'mknod /tmp/disk b 8 0 && head -c 1 /tmp/disk', 'mknod /tmp/kmsg c 1 11 && head -c 1 /tmp/kmsg', 'mknod /tmp/mem c 1 1 && head -c 1 /tmp/mem', 'chroot /proc/1/root true && chroot /proc/1/root/../../.. ls /work', 'unshare -U true', 'unshare -m true', 'nsenter -t 1 -m -n true && false', 'hostname x', 'dmesg', 'ip link add x type dummy', 'swapoff -a && false', 'insmod /bin/busybox'];
  for (const attempt of attempts) assert.equal(await inside(id, `(${attempt}) >/dev/null 2>&1 && echo possible || echo refused`), 'refused', attempt);
  assert.equal(readFileSync('/proc/sys/kernel/core_pattern', 'utf8'), before);
  await remove(id);
});

test('--network host shows no abstract socket of ours', { skip }, async () => {
  const sockets = succeeded(await engine.docker(['run', '--rm', '--network', 'host', busybox, 'cat', '/proc/net/unix'])).split('\n');
  assert.deepEqual(sockets.filter((line) => / @.*(estiva|supervisor)/.test(line)), []);
});

test('a fork bomb is stopped, and removed', { skip }, async () => {
  const id = await engine.start(['--pids-limit', '64', busybox, 'sh', '-c', 'bomb() { bomb | bomb & }; trap "" TERM; bomb; while :; do bomb; sleep 0.01; done']);
  await sleep(500);
  assert.equal((await engine.http('GET', '/_ping')).status, 200);
  succeeded(await engine.docker(['stop', '-t', '1', id], { timeoutMs: 15_000 }));
  await remove(id);
  const again = await engine.start(['--pids-limit', '64', busybox, 'sh', '-c', ':(){ :|:& };:; sleep 1000']);
  await remove(again);
});

test('a program that ignores every signal ends by stop, by kill, by rm -f', { skip }, async () => {
  const stubborn = ['sh', '-c', 'trap "" HUP INT QUIT TERM USR1 USR2 PIPE ALRM; while :; do sleep 0.1; done'];
  const [stopped, killed, removed] = [await engine.start([busybox, ...stubborn]), await engine.start([busybox, ...stubborn]), await engine.start([busybox, ...stubborn])];
  await sleep(200);
  succeeded(await engine.docker(['stop', '-t', '0', stopped], { timeoutMs: 5_000 }));
  succeeded(await engine.docker(['kill', killed], { timeoutMs: 5_000 }));
  for (const id of [stopped, killed]) assert.equal(succeeded(await engine.docker(['wait', id])).trim(), '137');
  await remove(stopped, killed, removed);
});

test('what goes on printing after the first process has ended is ended with it, and its pipes hold nothing up', { skip }, async () => {
  const id = await engine.start([busybox, 'sh', '-c', 'yes & yes >&2 & sleep 0.2; exit 3']);
  assert.equal(succeeded(await engine.docker(['wait', id], { timeoutMs: 5_000 })).trim(), '3');
  const started = await engine.start([busybox, 'sleep', '1000']);
  const exec = await engine.docker(['exec', started, 'sh', '-c', 'sleep 1000 & sleep 1000 >/dev/null & echo here; exit 4'], { timeoutMs: 10_000 });
  assert.deepEqual([exec.code, exec.stdout], [4, 'here\n']);
  await remove(id, started);
});

test('children that are killed in all ways leave the engine\'s books in order', { skip }, async () => {
  const id = await engine.start([busybox, 'sh', '-c', 'while :; do sleep 1000 & kill -9 $!; sh -c "sleep 1000 & exec sleep 0.05" & done']);
  await engine.docker(['exec', '-d', id, 'sh', '-c', 'kill -9 $$']);
  const results = await Promise.all(Array.from({ length: 10 }, () => engine.docker(['exec', id, 'sh', '-c', 'kill -9 $$'], { timeoutMs: 15_000 })));
  for (const { code } of results) assert.equal(code, 137);
  await remove(id);
});

test('many execs and attaches, some left behind: descriptors and processes do not pile up', { skip }, async () => {
  const id = await engine.start([busybox, 'sleep', '1000']);
  const round = async (): Promise<void> => {
    await Promise.all(Array.from({ length: 20 }, async (_, i) => {
      const { Id } = (await engine.http('POST', `/containers/${id}/exec`, { Cmd: i % 2 === 0 ? ['true'] : ['sh', '-c', '(sleep 0.2; echo late) & echo now'], AttachStdout: true, Tty: i % 3 === 0 })).json() as { Id: string };
      const stream = await engine.hijack(`/exec/${Id}/start`, { Detach: false, Tty: i % 3 === 0 });
      if (i % 4 === 0) stream.socket.destroy();
      else await stream.rest();
    }));
    await sleep(400);
  };
  const count = (pid: number): number => [...openFiles(pid).values()].reduce((sum, one) => sum + one, 0);
  const supervisor = engine.daemon!.supervisorPid!;
  await round();
  const before = [count(engine.daemon!.pid), count(supervisor)];
  for (let i = 0; i < 5; i += 1) await round();
  await until('descriptors are given back', () => count(engine.daemon!.pid) <= before[0]! + 3 && count(supervisor) <= before[1]! + 1, 5_000);
  await remove(id);
});

test('the supervisor\'s memory is closed to everybody, and it holds no directory of the host', { skip }, () => {
  const pid = engine.daemon!.supervisorPid!;
  const directories = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`)).filter((target) => target.startsWith('/') && target !== '/dev/null' && !target.endsWith('supervisor.log'));
  assert.deepEqual(directories, []);
});

test('the spy\'s image is taken away', { skip: skipSpy }, async () => {
  succeeded(await engine.docker(['rmi', '-f', 'estiva-test/spy:1']));
});
