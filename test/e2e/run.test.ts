// `docker run` as people and scripts use it: exit codes, streams, and what the program finds inside.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { busybox, configured, openEngine, succeeded, until } from './engine.ts';

const engine = await openEngine();
const sh = (script: string, ...flags: string[]) => engine.run(['--rm', ...flags, busybox, 'sh', '-c', script]);
const output = async (script: string, ...flags: string[]) => succeeded(await sh(script, ...flags)).trim();

test('run exits with the program\'s code', async () => {
  for (const code of [0, 1, 42, 125, 128, 255]) assert.equal((await sh(`exit ${code}`)).code, code);
});

test('run exits with 128 and the number of the signal that ended the program', async () => {
  for (const [signal, code] of [['KILL', 137], ['TERM', 143], ['SEGV', 139]] as const) {
    // Process 1 is immune to its own signals, so a child is ended and sh passes its status on.
    assert.equal((await sh(`sh -c 'kill -${signal} $$'; exit $?`)).code, code, signal);
  }
});

test('run exits with 127 when the program is not found', async () => {
  const missing = await engine.run(['--rm', busybox, 'no-such-program']);
  assert.equal(missing.code, 127);
  assert.match(missing.stderr, /exec: "no-such-program": executable file not found in \$PATH/);
  const missingPath = await engine.run(['--rm', busybox, '/no/such/program']);
  assert.equal(missingPath.code, 127);
  assert.match(missingPath.stderr, /exec: "\/no\/such\/program": stat \/no\/such\/program: no such file or directory/);
});

test('run exits with 126 when the program cannot be executed', async () => {
  for (const path of ['/bin/not-executable', '/etc']) {
    const outcome = await engine.run(['--rm', busybox, path]);
    assert.equal(outcome.code, 126, path);
    assert.match(outcome.stderr, /permission denied|is a directory/, path);
  }
});

test('run exits with 127 when a script\'s interpreter is missing', async () => {
  // runc finds out after it has told dockerd that the start is done, and ends with 255 then.
  const outcome = await engine.run(['--rm', busybox, '/bin/lost-interpreter']);
  assert.equal(outcome.code, engine.ours ? 127 : 255);
  assert.match(outcome.stderr, /no such file or directory/);
});

test('run exits with 125 when the client or the engine refuses', async () => {
  assert.equal((await engine.run(['--no-such-flag', busybox])).code, 125);
  assert.equal((await engine.run(['--rm', '--memory', '1k', busybox, 'true'])).code, 125);
});

test('a failed start leaves nothing with --rm', async () => {
  const name = engine.unique('failed');
  await engine.run(['--rm', '--name', name, busybox, 'no-such-program']);
  await until('removed', async () => (await engine.http('GET', `/containers/${name}/json`)).status === 404);
});

test('run keeps stdout and stderr apart', async () => {
  const both = await sh('echo out; echo err >&2; printf tail');
  assert.deepEqual([both.stdout, both.stderr], ['out\ntail', 'err\n']);
});

test('run -i passes stdin, and its end, to the program', async () => {
  const counted = await engine.run(['--rm', '-i', busybox, 'sh', '-c', 'wc -c; echo after'], { input: 'x'.repeat(100_000) });
  assert.equal(counted.stdout.replaceAll(/\s+/g, ' ').trim(), '100000 after');
});

test('run -i passes bytes unchanged in both directions', async () => {
  const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, index) => (index * 7) % 256));
  const digest = await engine.run(['--rm', '-i', busybox, 'sh', '-c', 'cat > /tmp/x; md5sum /tmp/x; cat /tmp/x >/dev/null'], { input: bytes });
  assert.equal(digest.stdout.split(' ')[0], createHash('md5').update(bytes).digest('hex'));
});

test('without -i the program\'s stdin is at its end', async () => {
  assert.equal((await engine.run(['--rm', busybox, 'wc', '-c'], { input: 'ignored' })).stdout.trim(), '0');
});

test('run writes megabytes of output whole and in order', async () => {
  const { stdout } = await sh('seq 1 300000');
  const lines = stdout.trimEnd().split('\n');
  assert.equal(lines.length, 300_000);
  assert.ok(lines.every((line, index) => line === String(index + 1)));
});

test('run -d prints the id and leaves the program running', async () => {
  const id = await engine.start([busybox, 'sleep', '60']);
  assert.match(id, /^[0-9a-f]{64}$/);
  assert.equal((await engine.inspect(id)).State.Running, true);
  succeeded(await engine.docker(['rm', '-f', id]));
});

test('run --rm removes the container when it ends', async () => {
  const name = engine.unique('rm');
  succeeded(await engine.run(['--rm', '--name', name, busybox, 'true']));
  await until('removed', async () => (await engine.http('GET', `/containers/${name}/json`)).status === 404);
});

test('run --cidfile writes the id', async () => {
  const file = join(tmpdir(), engine.unique('cid'));
  succeeded(await engine.run(['--cidfile', file, '--rm', busybox, 'true']));
  assert.match(readFileSync(file, 'utf8'), /^[0-9a-f]{64}$/);
  rmSync(file);
});

test('environment: the image\'s, -e, -e NAME from the client, HOSTNAME, HOME, and PATH when the image has none', async () => {
  const env = await output('env', '-e', 'A=1', '-e', 'EMPTY=', '-e', 'WITH=a=b c', '--hostname', 'named');
  const lines = env.split('\n');
  for (const line of ['A=1', 'EMPTY=', 'WITH=a=b c', 'HOSTNAME=named', 'HOME=/root', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin']) {
    assert.ok(lines.includes(line), `${line} in ${env}`);
  }
  assert.ok(!lines.some((line) => line.startsWith('TERM=')));
  assert.equal(await output('echo $HOME', '--user', 'bob'), '/home/bob');
});

test('proxies of the client\'s configuration are in the environment, unless -e says otherwise', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'estiva-proxies-'));
  writeFileSync(join(dir, 'config.json'), JSON.stringify({ proxies: { default: { httpProxy: 'http://proxy:1', noProxy: 'localhost' } } }));
  const seen = succeeded(await engine.docker(['--config', dir, 'run', '--rm', '--network', 'none', '-e', 'no_proxy=mine', busybox, 'env']));
  rmSync(dir, { recursive: true });
  assert.deepEqual(seen.split('\n').filter((line) => /proxy/i.test(line)).toSorted(), ['HTTP_PROXY=http://proxy:1', 'NO_PROXY=localhost', 'http_proxy=http://proxy:1', 'no_proxy=mine']);
});

test('an image\'s entrypoint, command, environment, directory, user, labels', async () => {
  const plain = await engine.run(['--rm', configured]);
  assert.equal(plain.stdout, 'entry:2:default words\n');
  assert.equal((await engine.run(['--rm', configured, 'one'])).stdout, 'entry:1:one\n');
  const inside = await engine.run(['--rm', '--entrypoint', 'sh', '-e', 'OVERRIDE=flag', configured, '-c', 'id -un; pwd; echo $FROM_IMAGE $OVERRIDE; stat -c %u:%g /made/by/image']);
  assert.equal(inside.stdout, 'bob\n/made/by/image\nyes flag\n0:0\n');
});

test('layers: deleted, replaced, hidden and linked files', async () => {
  const seen = await engine.run(['--rm', '--user', '0', '--entrypoint', 'sh', configured, '-c',
    'ls /etc/to-delete 2>&1; cat /etc/to-replace; ls /opaque; stat -c "%a %u:%g %h" /etc/hard /etc/hard-link; ls -a /etc /opaque | grep -c "^.wh"']);
  assert.deepEqual(seen.stdout.trim().split('\n'), ['ls: /etc/to-delete: No such file or directory', 'second', 'above', '4755 1000:50 2', '4755 1000:50 2', '0']);
});

test('--workdir is created when missing, and is where the program starts', async () => {
  assert.equal(await output('pwd; stat -c %a:%u .', '-w', '/a/new/place'), '/a/new/place\n755:0');
});

test('--user by name, by name with its groups, by number, by number and group', async () => {
  const cases: readonly (readonly [string, string])[] = [
    ['bob', 'uid=1000(bob) gid=1000(bob) groups=10(wheel),50(staff),1000(bob)'], ['1000', 'uid=1000(bob) gid=1000(bob) groups=10(wheel),50(staff),1000(bob)'],
    ['bob:staff', 'uid=1000(bob) gid=50(staff) groups=50(staff)'], ['12345', 'uid=12345 gid=0(root) groups=0(root)'],
    ['12345:678', 'uid=12345 gid=678 groups=678'], ['daemon', 'uid=1(daemon) gid=1(daemon) groups=1(daemon),50(staff)'], ['0:50', 'uid=0(root) gid=50(staff) groups=50(staff)'],
  ];
  for (const [user, id] of cases) assert.equal(await output('id', '--user', user), id, user);
  assert.equal(await output('id', '--user', 'bob', '--group-add', '77', '--group-add', 'daemon'), 'uid=1000(bob) gid=1000(bob) groups=1(daemon),10(wheel),50(staff),77,1000(bob)');
});

test('an unknown user or group is refused by name', async () => {
  const user = await engine.run(['--rm', '--user', 'nobody-here', busybox, 'true']);
  assert.equal(user.code, 125);
  assert.match(user.stderr, /unable to find user nobody-here: no matching entries in passwd file/);
  const group = await engine.run(['--rm', '--user', 'bob:nogroup-here', busybox, 'true']);
  assert.equal(group.code, 125);
  assert.match(group.stderr, /unable to find group nogroup-here: no matching entries in group file/);
});

test('hostname: the id\'s first 12 characters, or --hostname; in /etc/hostname and /etc/hosts', async () => {
  const name = engine.unique('host');
  const plain = await engine.run(['--name', name, busybox, 'sh', '-c', 'hostname; cat /etc/hostname']);
  const short = (await engine.inspect(name)).Id.slice(0, 12);
  assert.equal(plain.stdout, `${short}\n${short}\n`);
  succeeded(await engine.docker(['rm', name]));
  assert.equal(await output('hostname; cat /etc/hostname', '--hostname', 'chosen'), 'chosen\nchosen');
  assert.match(await output('cat /etc/hosts'), /^127\.0\.0\.1\s+localhost$/m);
});

test('--add-host shows in /etc/hosts', async () => {
  assert.match(await output('cat /etc/hosts', '--add-host', 'other:10.1.2.3'), /^10\.1\.2\.3\s+other$/m);
});

test('--read-only refuses writes in the root, --tmpfs is writable', async () => {
  const seen = await output('touch /x 2>&1; touch /t/x && echo tmpfs; mount | grep " on /t "; touch /dev/shm/x && echo shm', '--read-only', '--tmpfs', '/t:size=1m,mode=700');
  assert.match(seen, /touch: \/x: Read-only file system\ntmpfs\ntmpfs on \/t type tmpfs \(rw,nosuid,nodev,noexec,relatime,size=1024k,mode=700[^)]*\)\nshm/);
});

test('--tmpfs with exec, and its size is a limit', async () => {
  const seen = await output('cp /bin/busybox /t/echo && /t/echo run; dd if=/dev/zero of=/t/big bs=1M count=8 2>&1 | grep -o "No space.*"', '--tmpfs', '/t:size=4m,exec');
  assert.equal(seen, 'run\nNo space left on device');
});

test('--shm-size, --ulimit, --sysctl reach the program', async () => {
  assert.match(await output('df -k /dev/shm | tail -1', '--shm-size', '8m'), /\s8192\s/);
  assert.equal(await output('ulimit -n; ulimit -Hn', '--ulimit', 'nofile=100:200'), '100\n200');
  assert.equal(await output('cat /proc/sys/kernel/shmmni', '--sysctl', 'kernel.shmmni=2222'), '2222');
});

test('--network container:x shares the other\'s network namespace', async () => {
  const first = await engine.start([busybox, 'sleep', '60']);
  const link = 'readlink /proc/self/ns/net';
  const shared = succeeded(await engine.docker(['run', '--rm', '--network', `container:${first}`, busybox, 'sh', '-c', link]));
  assert.equal(shared, succeeded(await engine.docker(['exec', first, 'sh', '-c', link])));
  succeeded(await engine.docker(['rm', '-f', first]));
});

test('--network none has a loopback that works and nothing else', async () => {
  assert.equal(await output('ls /sys/class/net; ip -o addr show dev lo | grep -o "inet [0-9./]*"; (echo hi | nc -l -p 5000 &) ; sleep 0.3; nc 127.0.0.1 5000 </dev/null'), 'lo\ninet 127.0.0.1/8\nhi');
});
