// Images whose root file system aims at the host: links, files, FIFOs and devices in the places that an engine writes to or mounts on, and
// configurations that name the engine's own files. Each start either works, with the container's isolation whole, or is refused in one
// sentence; the host is as it was, and nothing hangs.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openEngine, succeeded } from '../e2e/engine.ts';
import type { TarEntry } from '../fixtures/tar.ts';
import { tar } from '../fixtures/tar.ts';
import { bring, directories } from './attacker.ts';

const engine = await openEngine();
const skip = !engine.ours && 'another engine\'s weaknesses are not ours to test';
const canary = mkdtempSync(join(tmpdir(), 'estiva-canary-'));
writeFileSync(join(canary, 'file'), 'untouched');
after(() => rmSync(canary, { recursive: true }));

/** What every container must answer, whatever its image is: the kernel's file systems, an own /dev/null, masks in force, nothing writable. */
const probe = `stat -c %t:%T /dev/null; stat -f -c %t /proc /sys; cat /proc/kcore /proc/keys /proc/timer_list 2>/dev/null | wc -c
ls /sys/firmware | wc -l; echo x 2>/dev/null > /proc/sys/kernel/core_pattern && echo WROTE; echo done`;
const whole = '1:3\n9fa0\n62656572\n0\n0\ndone';

async function startsWholeOrIsRefused(what: string, image: string, ...flags: readonly string[]): Promise<void> {
  const outcome = await engine.run(['--rm', ...flags, image, '/bin/sh', '-c', probe], { timeoutMs: 5_000 });
  if (outcome.code === 0) assert.equal(outcome.stdout.trim().replaceAll('\r', ''), whole, what);
  else {
    assert.ok([125, 126, 127].includes(outcome.code), `${what}: ${outcome.code} ${outcome.stdout}${outcome.stderr}`);
    assert.doesNotMatch(outcome.stderr, /internal error|\n\s+at /, what);
  }
  assert.deepEqual(readdirSync(canary), ['file'], what);
  assert.equal(readFileSync(join(canary, 'file'), 'utf8'), 'untouched', what);
}

const places = ['proc', 'sys', 'dev', 'dev/pts', 'dev/shm', 'dev/null', 'dev/console', 'dev/ptmx', 'etc', 'etc/hosts', 'etc/hostname', 'etc/resolv.conf', 'etc/passwd', 'etc/group', 'etc/mtab', 'sys/fs/cgroup'];
const parents = (path: string): TarEntry[] => (path.includes('/') ? directories(path.slice(0, path.lastIndexOf('/'))) : []);
const replaced = (path: string, entry: Omit<TarEntry, 'path'>): TarEntry[] => [...parents(path), { path, ...entry }];

for (const target of ['/', '../../../../../..', '/proc', '/proc/sys/kernel', '/proc/self/fd', '/proc/1/root', canary, join(canary, 'new'), '/loop']) {
  test(`links to ${target === canary ? 'a host directory' : target.startsWith(canary) ? 'a new host file' : target}`, { skip }, async () => {
    for (const place of places) {
      if (`/${place}` === target) continue;
      const image = await bring(engine, [...replaced(place, { type: 'symlink', target }), { path: 'loop', type: 'symlink', target: 'loop' }]);
      await startsWholeOrIsRefused(`/${place} → ${target}`, image);
      if (/^(dev|etc)/.test(place)) await startsWholeOrIsRefused(`/${place} → ${target}, terminal`, image, '-t');
    }
  });
}

for (const [what, entry] of Object.entries<Omit<TarEntry, 'path'>>({ file: { data: 'x' }, FIFO: { type: 'fifo' }, device: { type: 'char', device: [240, 255] } })) {
  test(`a ${what} in each place`, { skip }, async () => {
    for (const place of places) {
      const image = await bring(engine, replaced(place, entry));
      await startsWholeOrIsRefused(`/${place} is a ${what}`, image);
      await startsWholeOrIsRefused(`/${place} is a ${what}, user`, image, '-u', '1000:1000');
    }
  });
}

test('whiteouts in each place', { skip }, async () => {
  for (const place of places) await startsWholeOrIsRefused(`/${place} is taken away`, await bring(engine, replaced(place.replace(/([^/]+)$/, '.wh.$1'), { data: '' })));
});

test('a passwd file without end is not read: by size, by kind, by link', { skip }, async () => {
  const huge = await bring(engine, [...directories('etc'), { path: 'etc/group', data: Buffer.alloc(6 << 20, 'group:x:1:a\n') }, { path: 'etc/passwd', data: 'bob:x:1000:1000::/:\n' }]);
  assert.match((await engine.run(['--rm', '-u', 'bob', huge, 'id'])).stderr, /Cannot read "\/etc\/group" of the container: it is larger than/);
  const kernel = await bring(engine, [...directories('etc'), { path: 'etc/passwd', type: 'symlink', target: '/dev/zero' }]);
  assert.match((await engine.run(['--rm', '-u', 'bob', kernel, 'id'])).stderr, /unable to find user bob|not a regular file/);
});

test('users that are no users are never root', { skip }, async () => {
  const passwd = 'root:x:0:0::/:\n1000:x:0:0::/:\n4294967297:x:0:0::/:\nminus:x:-1:0::/:\nbig:x:4294967296:0::/:\nfloat:x:0.5:0::/:\nhex:x:0x0:0::/:\nspace:x: 0:0::/:\n';
  const image = await bring(engine, [...directories('etc'), { path: 'etc/passwd', data: passwd }]);
  for (const user of ['-1', '4294967296', '2147483648:0', '1e3', '0x0', ' 0', '0.0', '+0', '٠', 'minus', 'big', 'float', 'hex', 'space', '0:-1', '0:4294967295', 'constructor', '__proto__']) {
    const outcome = await engine.run(['--rm', `--user=${user}`, image, 'id', '-u']);
    assert.ok(outcome.code === 125, `${user}: ${outcome.stdout}${outcome.stderr}`);
  }
  assert.equal(succeeded(await engine.run(['--rm', '--user=1000', image, 'id', '-u'])).trim(), '1000');
});

test('working directories in the engine\'s own descriptors: of an image, by -w, of an exec', { skip }, async () => {
  const image = await bring(engine, []);
  const inside = await engine.start([image, 'sleep', '100']);
  for (let fd = 3; fd < 64; fd += 1) {
    const path = `/proc/self/fd/${fd}`;
    if (fd % 4 === 0) {
      const outcome = await engine.run(['--rm', '-w', path, image, 'sh', '-c', 'ls ..']);
      assert.ok(outcome.code >= 125 && outcome.stdout === '', `${path}: ${outcome.code} ${outcome.stdout}`);
      const exec = await engine.docker(['exec', '-w', path, inside, 'ls', '..']);
      assert.ok(exec.code !== 0 && /^$|^OCI runtime exec failed/.test(exec.stdout), `exec ${path}: ${exec.stdout}`);
    } else {
      const id = await engine.create({ Image: image, Cmd: ['ls', '..'], WorkingDir: `${path}/../..` });
      assert.ok((await engine.http('POST', `/containers/${id}/start`)).status >= 400, path);
      succeeded(await engine.docker(['rm', '-f', id]));
    }
  }
  const configured = await bring(engine, [], { WorkingDir: '/proc/self/fd/9' });
  assert.ok((await engine.run(['--rm', configured, 'ls', '..'])).code >= 125);
  succeeded(await engine.docker(['rm', '-f', inside]));
});

test('the engine\'s own program cannot be written to by whoever runs it', { skip }, async () => {
  const loader = process.arch === 'x64' ? 'lib64/ld-linux-x86-64.so.2' : 'lib/ld-linux-aarch64.so.1';
  const script = '#!/bin/sh\nreadlink /proc/self/exe\n';
  const image = await bring(engine, [
    ...directories(loader.slice(0, loader.lastIndexOf('/'))), { path: loader, mode: 0o755, data: readFileSync('/bin/busybox') },
    { path: 'bin/self', mode: 0o755, data: '#!/proc/self/exe\n' }, { path: 'bin/script', mode: 0o755, data: script },
  ]);
  const before = readFileSync(process.execPath).length;
  // The loader of the image runs in the place of ours, with our program as its own: what can be opened is read-only.
  for (const command of ['/proc/self/exe', '/proc/1/exe', '/bin/self', '/proc/self/fd/9', '/proc/self/root/bin/true']) await engine.run(['--rm', image, command, 'x'], { timeoutMs: 5_000 });
  assert.equal(readFileSync(process.execPath).length, before);
  const supervisor = engine.daemon!.supervisorPid!;
  const mounted = readFileSync(`/proc/${supervisor}/mountinfo`, 'utf8').split('\n').filter((line) => line.split(' ')[4] === process.execPath);
  assert.match(mounted.at(-1) ?? '', /^\S+ \S+ \S+ \S+ \S+ ro[, ]/);
});

test('a configuration sets nothing of the host: labels of other engines, volumes on the kernel\'s file systems', { skip }, async () => {
  const labels = Object.fromEntries(['io.containerd.image.annotation', 'containerd.io/restart.loguri', 'io.podman.annotations.privileged', 'org.systemd.property.ExecStart', 'run.oci.hooks', 'io.kubernetes.cri.x', 'estiva.privileged'].map((name) => [name, 'binary:///bin/sh\n\u0007']));
  const onProc = await bring(engine, [], { Volumes: { '/proc': {} } });
  const refused = await engine.docker(['create', onProc, 'true']);
  assert.ok(refused.code !== 0 && refused.stderr.includes('Cannot mount anything on "/proc"'), refused.stderr);
  const image = await bring(engine, [], { Labels: labels, Volumes: { '/dev': {}, '/../../etc': {} } });
  await startsWholeOrIsRefused('labels and volumes', image);
  const [plain, labelled] = [await engine.create({ Cmd: ['true'] }), await engine.create({ Image: image, Cmd: ['true'] })];
  const host = async (id: string): Promise<unknown> => (await engine.inspect(id)).HostConfig;
  assert.deepEqual(await host(labelled), await host(plain));
  succeeded(await engine.docker(['rm', '-v', plain, labelled]));
});

test('an environment of any size: exact, or refused, and the engine lives', { skip }, async () => {
  const value = `line\nbreak ${'x'.repeat(70_000)}`;
  const image = await bring(engine, [], { Env: ['PATH=/bin', `LONG=${value}`, '=odd', 'EMPTY='] });
  assert.equal(succeeded(await engine.run(['--rm', image, 'sh', '-c', 'echo "$LONG"'])), `${value}\n`);
  const supervisor = engine.daemon!.supervisorPid;
  for (const env of [[`PATH=${':'.repeat(500_000)}`], [`PATH=${'/x:'.repeat(900)}`, ...Array.from({ length: 5_000 }, (_, i) => `V${i}=${'y'.repeat(30)}`)], ['PATH=/bin', ...Array.from({ length: 300 }, (_, i) => `V${i}=${'y'.repeat(120_000)}`)]]) {
    const name = await bring(engine, [], { Env: env }).catch(() => undefined);
    if (name !== undefined) assert.ok((await engine.run(['--rm', name, 'nothing'])).code > 124);
  }
  assert.equal(engine.daemon!.supervisorPid, supervisor, 'the supervisor died of it');
  const nul = await bring(engine, [], { Env: ['A=\0b'] }).catch(() => undefined);
  if (nul !== undefined) assert.doesNotMatch((await engine.run(['--rm', nul, 'true'])).stderr, /internal error/);
});

test('archives with a path for an id, or with links for members, read and write nothing of the host', { skip }, async () => {
  const config = JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [] }, config: {} });
  for (const id of ['x/../y', '../../x', '/etc/passwd', `../../../../../../..${canary}/file`, '.', '']) {
    const outcome = await engine.docker(['load', '-q'], { input: tar([{ path: 'manifest.json', data: JSON.stringify([{ Config: id, RepoTags: [`estiva-test/${id}:1`], Layers: [id] }]) }, ...(/^[^/.]/.test(id) ? [{ path: id, data: config }] : [])]) });
    assert.notEqual(outcome.code, 0, id);
    assert.ok(!outcome.stderr.includes('untouched') && !outcome.stderr.includes('internal error'), outcome.stderr);
  }
});

test('nothing of all this is left', { skip }, async () => {
  await engine.docker(['rmi', '-f', 'estiva-test/attacker:1']);
  assert.equal((await engine.docker(['ps', '-aq'])).stdout, '');
});
