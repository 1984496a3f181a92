// Mounts: binds, volumes, tmpfs, images and what other containers have mounted, with the real client, beside dockerd.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { after, test } from 'node:test';
import { busybox, openEngine, succeeded } from './engine.ts';
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
    assert.deepEqual(inspected.HostConfig.Binds, [`${volume}:/data:ro`, `${src}:/src:rslave,ro`]);
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
