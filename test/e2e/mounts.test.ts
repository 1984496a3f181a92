// Mounts: binds, volumes, tmpfs, images and what other containers have mounted, with the real client, beside dockerd.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { after, test } from 'node:test';
import { busybox, openEngine, succeeded, until } from './engine.ts';
import { hostDirectory } from './host-directory.ts';

const engine = await openEngine();
const host = hostDirectory(engine, 'mounts');
after(() => host[Symbol.dispose]());
const ok = async (...args: string[]): Promise<string> => succeeded(await engine.docker(args));
const runs = async (...args: string[]): Promise<string> => succeeded(await engine.run(['--rm', ...args]));
const fails = async (...args: string[]): Promise<string> => {
  const outcome = await engine.docker(args);
  assert.notEqual(outcome.code, 0, outcome.stdout);
  return outcome.stderr;
};

/** Of these mount points: options of the mount, how it spreads, type and a tmpfs's options. Whether nobody could write to the file system is left out: whether one can is the mount's. */
async function mountinfo(places: readonly string[], ...args: string[]): Promise<Readonly<Record<string, string>>> {
  const lines = (await runs(...args, busybox, 'cat', '/proc/self/mountinfo')).split('\n').filter((line) => line !== '').map((line) => line.split(' '));
  return Object.fromEntries(lines.filter((fields) => places.includes(fields[4]!)).map((fields) => {
    const dash = fields.indexOf('-');
    const type = fields[dash + 1]!;
    const spread = fields.slice(6, dash).map((tag) => tag.split(':')[0]).join(',');
    return [fields[4], [fields[5], spread, type, type === 'tmpfs' ? fields[dash + 3]!.replace(/^r[ow],?/, '') : ''].filter((part) => part !== '').join(' ')];
  }));
}

mkdirSync(host.here('src/sub'), { recursive: true });
writeFileSync(host.here('src/file'), 'host');
const src = host.there('src');

test('mountinfo of binds and tmpfs is what dockerd makes of the same flags, line by line', async () => {
  const disk = spawnSync('stat', ['-fc', '%T', host.here('.')], { encoding: 'utf8' }).stdout.trim().replace('ext2/ext3', 'ext4');
  const found = await mountinfo(
    ['/rw', '/ro', '/one', '/single', '/top', '/all', '/etc/hostname', '/t', '/t2', '/t3', '/dev/shm', '/made', '/deep/down'],
    '-v', `${src}:/rw`, '-v', `${src}:/ro:ro`, '-v', `${src}/file:/one:ro,z`, '-v', `${src}/file:/etc/hostname:ro`, '-v', `${host.there('made/by/docker')}:/made`, '-v', `${src}:/deep/down`,
    '--mount', `type=bind,src=${src},dst=/single,bind-recursive=disabled`, '--mount', `type=bind,src=${src},dst=/top,ro,bind-recursive=writable`,
    '--mount', `type=bind,src=${src},dst=/all,ro,bind-recursive=readonly,bind-propagation=rprivate`,
    '--tmpfs', '/t:size=1m,mode=700', '--mount', 'type=tmpfs,dst=/t2,tmpfs-size=2m,tmpfs-mode=1770', '--mount', 'type=tmpfs,dst=/t3,readonly', '--tmpfs', '/dev/shm:size=3m',
  );
  assert.deepEqual(found, {
    '/rw': `rw,relatime ${disk}`, '/ro': `ro,relatime ${disk}`, '/one': `ro,relatime ${disk}`, '/single': `rw,relatime ${disk}`, '/top': `ro,relatime ${disk}`, '/all': `ro,relatime ${disk}`,
    '/etc/hostname': `ro,relatime ${disk}`, '/made': `rw,relatime ${disk}`, '/deep/down': `rw,relatime ${disk}`,
    '/t': 'rw,nosuid,nodev,noexec,relatime tmpfs size=1024k,mode=700', '/t2': 'rw,nosuid,nodev,noexec,relatime tmpfs size=2048k,mode=1770',
    '/t3': 'ro,nosuid,nodev,noexec,relatime tmpfs', '/dev/shm': 'rw,nosuid,nodev,noexec,relatime tmpfs size=3072k',
  });
  assert.equal(statSync(host.here('made/by/docker')).mode & 0o7777, 0o755);
});

test('what is written to a bind is the host\'s, and what is read-only cannot be written', async () => {
  assert.equal(await runs('-v', `${src}:/x`, busybox, 'sh', '-c', 'cat /x/file; echo new > /x/made'), 'host');
  assert.equal(readFileSync(host.here('src/made'), 'utf8'), 'new\n');
  assert.match((await engine.run(['--rm', '-v', `${src}:/x:ro`, busybox, 'touch', '/x/no'])).stderr, /Read-only file system/);
  assert.ok(!existsSync(host.here('src/no')));
});

test('inspect and ps tell of mounts field by field', async () => {
  const [name, volume] = [engine.unique('told'), engine.unique('v')];
  await ok('create', '--name', name, '--network', 'none', '-v', `${volume}:/data:ro`, '-v', `${src}:/src:rslave,ro`, '--mount', `type=bind,src=${src},dst=/plain`, '--mount', 'type=tmpfs,dst=/t,tmpfs-size=1m', '--mount', `type=volume,src=${volume},dst=/again,volume-nocopy`, busybox, 'true');
  try {
    const [inspected] = JSON.parse(await ok('inspect', name)) as readonly [{ Mounts: readonly Record<string, unknown>[]; HostConfig: Record<string, unknown>; Config: Record<string, unknown> }];
    const told = inspected.Mounts.map(({ Source, ...mount }) => ({ ...mount, Source: String(Source).replace(/.*\/volumes\//, '<volumes>/') })).toSorted((a, b) => JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
    const sorted = (rows: readonly object[]): object[] => rows.toSorted((a, b) => JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
    assert.deepEqual(sorted(told), sorted([
      { Type: 'volume', Name: volume, Destination: '/data', Driver: 'local', Mode: 'ro', RW: false, Propagation: '', Source: `<volumes>/${volume}/_data` },
      { Type: 'volume', Name: volume, Destination: '/again', Driver: 'local', Mode: 'z', RW: true, Propagation: '', Source: `<volumes>/${volume}/_data` },
      { Type: 'bind', Destination: '/src', Mode: 'rslave,ro', RW: false, Propagation: 'rslave', Source: src },
      { Type: 'bind', Destination: '/plain', Mode: '', RW: true, Propagation: 'rprivate', Source: src },
      { Type: 'tmpfs', Destination: '/t', Mode: '', RW: true, Propagation: '', Source: '' },
    ]));
    // Docker's client sends them in any order.
    assert.deepEqual((inspected.HostConfig.Binds as readonly string[]).toSorted(), [`${volume}:/data:ro`, `${src}:/src:rslave,ro`].toSorted());
    assert.deepEqual((inspected.HostConfig.Mounts as readonly unknown[])[1], { Type: 'tmpfs', Target: '/t', TmpfsOptions: { SizeBytes: 1 << 20 } });
    for (const [filter, count] of [[volume, 1], ['/data', 1], [src, 1], ['/dat', 0], ['/nope', 0]] as const) assert.equal((await ok('ps', '-aq', '--filter', `name=${name}`, '--filter', `volume=${filter}`)).split('\n').length - 1, count, filter);
    assert.match(await ok('ps', '-a', '--no-trunc', '--filter', `name=${name}`, '--format', '{{.Mounts}} {{.LocalVolumes}}'), new RegExp(`${volume}.* 2\n`));
  } finally {
    await ok('rm', name);
    await ok('volume', 'rm', volume);
  }
});

test('a volume keeps what is written, takes what the image has at its place, and only then', async () => {
  const volume = engine.unique('keeps');
  try {
    assert.match(await runs('-v', `${volume}:/etc`, busybox, 'sh', '-c', 'echo mine > /etc/mine; ls /etc'), /passwd/);
    assert.match(await runs('-v', `${volume}:/v`, busybox, 'ls', '/v'), /mine\n(?:.*\n)*passwd/);
    assert.equal(await runs('-v', `${volume}:/bin2`, busybox, 'cat', '/bin2/mine'), 'mine\n');
    assert.equal(await runs('--mount', `type=volume,dst=/etc,volume-nocopy`, busybox, 'sh', '-c', 'ls /etc | grep -vE "^(hosts|hostname|resolv.conf)$"; true'), '');
  } finally {
    await ok('volume', 'rm', volume);
  }
});

test('volumes that nobody named go with rm -v and --rm, named ones stay; --volumes-from keeps them', async () => {
  const [first, second, volume] = [engine.unique('first'), engine.unique('second'), engine.unique('named')];
  const anonymous = async (): Promise<readonly string[]> => (JSON.parse(await ok('inspect', first)) as readonly [{ Mounts: readonly { Name?: string; Destination: string; Type: string; Source: string }[] }])[0].Mounts.filter(({ Destination }) => Destination === '/a').map(({ Name, Source }) => Name ?? Source.split('/').at(-2)!);
  await ok('create', '--name', first, '--network', 'none', '-v', '/a', '-v', `${volume}:/b`, busybox, 'sh', '-c', 'echo kept > /a/f');
  await ok('start', '-a', first);
  const [name = ''] = await anonymous();
  await ok('create', '--name', second, '--network', 'none', '--volumes-from', `${first}:ro`, busybox, 'sh', '-c', 'cat /a/f; touch /a/no /b/no');
  await ok('rm', '-v', first);
  assert.equal((await ok('volume', 'ls', '-q', '--filter', `name=${name}`)).trim(), name, 'another container has it');
  const ran = await engine.docker(['start', '-a', second]);
  assert.equal(ran.stdout, 'kept\n');
  assert.match(ran.stderr, /Read-only file system/);
  await ok('rm', '-v', second);
  assert.equal((await ok('volume', 'ls', '-q', '--filter', `name=${name}`)).trim(), '');
  await ok('volume', 'rm', volume);
});

test('cp reaches into volumes and binds, of a container that runs and of one that does not; export does not', async () => {
  const [name, volume] = [engine.unique('cp'), engine.unique('cpv')];
  await ok('create', '--name', name, '--network', 'none', '-v', `${volume}:/new/vol`, '-v', `${volume}:/locked:ro`, '-v', `${src}:/src`, busybox, 'sleep', '60');
  try {
    writeFileSync(host.here('note'), 'note');
    await ok('cp', host.here('note'), `${name}:/new/vol/stopped`);
    await ok('start', name);
    await ok('cp', host.here('note'), `${name}:/new/vol/running`);
    await ok('cp', host.here('note'), `${name}:/src/copied`);
    assert.equal(await ok('exec', name, 'cat', '/new/vol/stopped', '/new/vol/running'), 'notenote');
    assert.equal(readFileSync(host.here('src/copied'), 'utf8'), 'note');
    await ok('cp', `${name}:/new/vol/running`, host.here('back'));
    assert.equal(readFileSync(host.here('back'), 'utf8'), 'note');
    assert.match(await fails('cp', host.here('note'), `${name}:/locked/x`), /mounted volume is marked read-only/);
    await ok('exec', name, 'touch', '/new/beside');
    const members = spawnSync('tar', ['t'], { input: Buffer.from((await engine.http('GET', `/containers/${name}/export`)).bytes) }).stdout.toString().split('\n');
    assert.ok(members.includes('new/vol/') && members.includes('new/beside') && !members.includes('new/vol/running'));
    assert.deepEqual((await ok('diff', name)).trim().split('\n').toSorted(), ['A /locked', 'A /new', 'A /new/beside', 'A /new/vol', 'A /src']);
  } finally {
    await ok('rm', '-f', name);
    await ok('volume', 'rm', volume);
  }
});

test('a subpath is a part of its volume, and no link leads out of it', async () => {
  const volume = engine.unique('sub');
  try {
    await runs('-v', `${volume}:/v`, busybox, 'sh', '-c', 'mkdir -p /v/a/b; echo in > /v/a/f; ln -s a /v/rel; ln -s /etc /v/abs; ln -s ../.. /v/up');
    const at = (subpath: string): string[] => ['--mount', `type=volume,src=${volume},dst=/data,volume-subpath=${subpath}`];
    assert.equal(await runs(...at('a'), busybox, 'cat', '/data/f'), 'in\n');
    assert.equal(await runs(...at('rel'), busybox, 'cat', '/data/f'), 'in\n');
    assert.equal(await runs(...at('a/f'), busybox, 'cat', '/data'), 'in\n');
    for (const subpath of ['abs', 'up']) assert.match((await engine.run(['--rm', ...at(subpath), busybox, 'true'])).stderr, /path concatenation escapes the base directory/);
    assert.match((await engine.run(['--rm', ...at('nope'), busybox, 'true'])).stderr, /cannot access path .*no such file or directory/);
  } finally {
    await ok('volume', 'rm', volume);
  }
});

test('an image can be mounted, whole or a part of it, and not be written', async () => {
  assert.match(await runs('--mount', `type=image,src=${busybox},dst=/img`, busybox, 'ls', '/img/bin'), /busybox/);
  assert.match((await engine.run(['--rm', '--mount', `type=image,src=${busybox},dst=/img`, busybox, 'touch', '/img/x'])).stderr, /Read-only file system/);
  assert.match(await runs('--mount', `type=image,src=${busybox},dst=/img,image-subpath=etc`, busybox, 'cat', '/img/passwd'), /root/);
  assert.equal((await runs('--mount', `type=image,src=${busybox},dst=/img`, busybox, '/img/bin/busybox', 'echo', 'runs')).trim(), 'runs');
});

test('what cannot be mounted is refused in the same words', async () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['--mount', `type=bind,src=${host.there('nope')},dst=/x`], /invalid mount config for type "bind": bind source path does not exist: /],
    [['-v', `${src}:/`], /invalid specification: destination can't be '\/'/],
    [['-v', `${src}:rel`], /mount path must be absolute/],
    [['-v', `${src}:/x`, '-v', 'name:/x/'], /Duplicate mount point: \/x/],
    [['-v', `${src}:/x:ro,rw`], /invalid mode: ro,rw/],
    [['-v', 'a b:/x'], /includes invalid characters for a local volume name/],
    [['-v', `${src}:/etc/passwd`], /Are you trying to mount a directory onto a file \(or vice-versa\)\?/],
    [['-v', `${src}/file:/etc`], /Are you trying to mount a directory onto a file \(or vice-versa\)\?/],
    [['-v', '/etc/passwd'], /cannot mount volume over existing file, file exists/],
    [['--volumes-from', 'nobody'], /No such container: nobody/],
    [['--volume-driver', 'nope', '-v', 'name:/x'], /error looking up volume plugin nope: plugin "nope" not found/],
    [['--mount', 'type=volume,dst=/x,readonly'], /must not set ReadOnly mode when using anonymous volumes/],
  ];
  for (const [flags, message] of cases) {
    const outcome = await engine.run(['--rm', '--pull', 'never', ...flags, busybox, 'true']);
    assert.notEqual(outcome.code, 0, flags.join(' '));
    assert.match(outcome.stderr, message, flags.join(' '));
  }
});

const ours = { skip: engine.ours ? false : 'ours alone' };

test('shared, slave and private: what is mounted on one side is seen on the other, as asked', { skip: engine.ours ? false : 'this needs a mount that the test can make for the engine' }, async () => {
  mkdirSync(host.here('spread'));
  const mounted = (...args: string[]): void => { assert.equal(spawnSync('mount', args).status, 0, args.join(' ')); };
  mounted('-t', 'tmpfs', 'spread', host.here('spread'));
  try {
    mounted('--make-shared', host.here('spread'));
    for (const name of ['inner', 'outer']) mkdirSync(host.here(`spread/${name}`));
    const spread = host.there('spread');
    const id = await engine.start(['--privileged', '-v', `${spread}:/shared:rshared`, '-v', `${spread}:/slave:rslave`, '-v', `${spread}:/private`, busybox, 'sleep', '60']);
    await ok('exec', id, 'mount', '-t', 'tmpfs', 'inner', '/shared/inner');
    mounted('-t', 'tmpfs', 'outer', host.here('spread/outer'));
    const places = (await ok('exec', id, 'cat', '/proc/self/mountinfo')).split('\n').map((line) => line.split(' ')[4] ?? '').filter((place) => /(inner|outer)$/.test(place));
    assert.deepEqual(places.toSorted(), ['/shared/inner', '/shared/outer', '/slave/inner', '/slave/outer']);
    assert.match(readFileSync('/proc/self/mountinfo', 'utf8'), /spread\/inner /);
    await ok('rm', '-f', id);
  } finally {
    spawnSync('umount', ['-R', host.here('spread')]);
  }
  assert.match((await engine.run(['--rm', '-v', `${src}:/x:rshared`, busybox, 'true'])).stderr, /is mounted on .* but it is not a shared mount/);
});

test('Podman\'s words: ids shown as others, files given to the user, changes that go with the end', ours, async () => {
  mkdirSync(host.here('owned'));
  writeFileSync(host.here('owned/f'), 'old\n');
  symlinkSync('/etc/passwd', host.here('owned/link'));
  const before = statSync('/etc/passwd').uid;
  const owned = host.there('owned');
  const options = 'idmap=uids=0-1000-10;gids=0-2000-10';
  // A volume is on the same disk as the data root; not every disk can show ids as others.
  assert.match((await engine.run(['--rm', '-v', `${owned}:/x:${options}`, busybox, 'stat', '-c', '%u %g', '/x/f'])).stdout, /^1000 2000$/m);
  assert.equal(await runs('-v', `${owned}:/x:O`, busybox, 'sh', '-c', 'echo new > /x/f; cat /x/f'), 'new\n');
  assert.equal(readFileSync(host.here('owned/f'), 'utf8'), 'old\n');
  assert.equal(await runs('-u', '1234:4321', '-v', `${owned}:/x:U`, busybox, 'sh', '-c', 'stat -c "%u %g" /x/f; echo mine > /x/f'), '1234 4321\n');
  assert.equal(statSync('/etc/passwd').uid, before);
  assert.equal(await runs('-u', '1234:4321', '-v', `${owned}:/x:U,O`, busybox, 'sh', '-c', 'stat -c "%u %g" /x; touch /x/new; ls /x/new'), '1234 4321\n/x/new\n');
  writeFileSync(host.here('owned/later'), '');
  chmodSync(host.here('owned/f'), 0o4755);
  assert.equal(await runs('-u', '1234:4321', '-v', `${owned}:/x:U`, busybox, 'stat', '-c', '%n %u %a', '/x/f', '/x/later'), '/x/f 1234 4755\n/x/later 1234 644\n', 'also what came since, and what is that user\'s already keeps its bits');
  assert.match((await engine.run(['--rm', '-v', `${owned}/f:/x:O`, busybox, 'true'])).stderr, /Changes can be laid upon a directory, and .*\/f is none/);
  assert.match((await engine.run(['--rm', '-v', `${owned}:/x:idmap=uids=x`, busybox, 'true'])).stderr, /invalid map of ids/);
});

test('update: a mount comes to a running container and goes again, and a restart has it', ours, async () => {
  const [name, volume] = [engine.unique('live'), engine.unique('livev')];
  const update = async (body: Record<string, unknown>): Promise<{ readonly status: number; readonly text: string }> => engine.http('POST', `/containers/${name}/update`, body);
  await ok('run', '-d', '--name', name, '--network', 'none', busybox, 'sleep', '60');
  try {
    assert.equal((await update({ Mounts: [{ Type: 'bind', Source: src, Target: '/b', ReadOnly: true }, { Type: 'volume', Source: volume, Target: '/etc/vol' }, { Type: 'tmpfs', Target: '/t' }, { Type: 'image', Source: busybox, Target: '/img' }] })).status, 200);
    assert.equal(await ok('exec', name, 'sh', '-c', 'cat /b/file; touch /b/no 2>/dev/null || echo " locked"; echo kept > /etc/vol/f; test -x /img/bin/busybox && grep -c " /t tmpfs" /proc/mounts'), 'host locked\n1\n');
    assert.match((await update({ Mounts: [{ Type: 'bind', Source: src, Target: '/b' }] })).text, /Duplicate mount point: \/b/);
    const half = await update({ Mounts: [{ Type: 'bind', Source: src, Target: '/half' }, { Type: 'bind', Source: src, Target: '/etc/passwd' }] });
    assert.equal(half.status, 409, half.text);
    assert.equal(await ok('exec', name, 'sh', '-c', 'grep -c half /proc/self/mountinfo; true'), '0\n', 'all or nothing');
    assert.equal((await update({ Unmounts: ['/t', '/img'] })).status, 200);
    assert.match((await update({ Unmounts: ['/proc'] })).text, /nothing that was asked for is mounted there/);
    await ok('restart', '-t', '0', name);
    assert.equal(await ok('exec', name, 'sh', '-c', 'cat /etc/vol/f; grep -cE " /(b|etc/vol|t|img) " /proc/mounts'), 'kept\n2\n');
    assert.match((await engine.docker(['volume', 'rm', volume])).stderr, /volume is in use/);
    assert.equal((await update({ Unmounts: ['/etc/vol'] })).status, 200);
    await ok('volume', 'rm', volume);
  } finally {
    await ok('rm', '-f', name);
  }
});

test('kill -9 of the daemon, of the supervisor, of both: volumes stay in use, keep their data, and those without a name go with their container', ours, async () => {
  const daemon = engine.daemon!;
  const volume = engine.unique('durable');
  const listed = async (): Promise<readonly string[]> => (await ok('volume', 'ls', '-q')).split('\n').filter((name) => name !== '');
  const before = await listed();
  for (const who of ['daemon', 'supervisor', 'both'] as const) {
    const id = await engine.start(['--rm', '-v', `${volume}:/v`, '-v', '/anon', busybox, 'sh', '-c', `echo ${who} >> /v/log; echo x > /anon/f; sleep 60`]);
    await until('it writes', async () => (await ok('exec', id, 'cat', '/v/log')).includes(who));
    if (who !== 'daemon') process.kill(daemon.supervisorPid!, 'SIGKILL');
    if (who !== 'supervisor') {
      await daemon.crash();
      await daemon.start();
    }
    if (who !== 'both') {
      assert.match((await engine.docker(['volume', 'rm', volume])).stderr, /volume is in use/, who);
      assert.equal(await ok('exec', id, 'cat', '/anon/f'), 'x\n');
      await ok('rm', '-f', '-v', id);
    }
    await until(`only the named one is left after the death of ${who}`, async () => JSON.stringify(await listed()) === JSON.stringify([...before, volume].toSorted()));
  }
  assert.equal(await runs('-v', `${volume}:/v`, busybox, 'cat', '/v/log'), 'daemon\nsupervisor\nboth\n');
  await ok('volume', 'rm', volume);
});
