import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createReadStream, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { digestOf, hexOf, isFail, newContainerId, parseDigest, type Digest, type ErrorKind } from '../base/index.ts';
import { recordKernel } from '../kernel/fake.ts';
import { call, Fd, O } from '../kernel/index.ts';
import { byteString, tarHeader, writeTar, type TarMember } from '../spec/tar/index.ts';
import { openStorage, type Storage } from './index.ts';
import { openDescriptors } from '../kernel/descriptors.fixture.ts';

const needsRoot = process.getuid?.() === 0 ? false : 'needs root';

function tempDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'estiva-storage-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function opened(t: TestContext): Promise<Storage> {
  const storage = await openStorage({ rootDir: join(tempDir(t), 'root') });
  t.after(() => storage[Symbol.asyncDispose]());
  return storage;
}

async function* stream(...parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield typeof part === 'string' ? Buffer.from(part) : part;
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(part);
  return Buffer.concat(parts);
}

function refusal(kind: ErrorKind, message: RegExp) {
  return (error: unknown): boolean => {
    assert.ok(isFail(error, kind), String(error));
    assert.match(error.message, message);
    return true;
  };
}

function file(path: string, text = ''): TarMember {
  return { header: tarHeader({ type: 'file', path, sizeBytes: text.length }), data: [Buffer.from(text)] };
}

test('openStorage() makes directories that other users cannot read', async (t) => {
  const { rootDir } = await opened(t);
  for (const path of ['', 'tmp', 'blobs/sha256', 'layers', 'containers', 'estiva.db', 'lock']) assert.equal(statSync(join(rootDir, path)).mode & 0o007, 0, path);
});

test('openStorage() refuses a root that another engine has', async (t) => {
  const { rootDir } = await opened(t);
  await assert.rejects(openStorage({ rootDir }), refusal('conflict', new RegExp(`^Another Estiva daemon already uses ".*root" \\(pid ${process.pid}\\)$`)));
});

test('openStorage() opens a root again after it was closed, with what was stored', async (t) => {
  const rootDir = join(tempDir(t), 'root');
  const text = stream('kept');
  const first = await openStorage({ rootDir });
  const { digest } = await first.content.write(text);
  first.records.table('things', String).put('a', 'b');
  await first[Symbol.asyncDispose]();
  await using second = await openStorage({ rootDir });
  assert.equal(Buffer.from(await second.content.read(digest, 10)).toString(), 'kept');
  assert.equal(second.records.table('things', String).get('a'), 'b');
});

test('openStorage() clears away what a crash left, and follows no link for it', async (t) => {
  const rootDir = join(tempDir(t), 'root');
  await (await openStorage({ rootDir }))[Symbol.asyncDispose]();
  const outside = join(tempDir(t), 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'precious'), '');
  mkdirSync(join(rootDir, 'tmp/half/made'), { recursive: true });
  symlinkSync(outside, join(rootDir, 'tmp/half/link'));
  symlinkSync(outside, join(rootDir, 'layers/link'));
  mkdirSync(join(rootDir, 'layers/0123456789abcdef/x'), { recursive: true });
  await using storage = await openStorage({ rootDir });
  await storage.snapshots.emptied();
  assert.deepEqual([...readdirSync(join(rootDir, 'tmp')), ...readdirSync(join(rootDir, 'layers'))], []);
  assert.ok(existsSync(join(outside, 'precious')));
});

test('content.write() keeps bytes under their digest, once', async (t) => {
  const { content, rootDir } = await opened(t);
  const written = await content.write(stream('hel', 'lo'));
  assert.deepEqual(written, { digest: digestOf('hello'), sizeBytes: 5 });
  assert.deepEqual(await content.write(stream('hello'), written), written);
  assert.equal(statSync(join(rootDir, 'blobs/sha256', hexOf(written.digest))).mode & 0o777, 0o600);
  assert.ok(content.has(written.digest));
  content.remove(written.digest);
  content.remove(written.digest);
  assert.ok(!content.has(written.digest));
  await assert.rejects(content.read(written.digest, 10), refusal('not_found', /^No such content: sha256:/));
});

test('content.write() refuses what does not match, and leaves nothing', async (t) => {
  const { content, rootDir } = await opened(t);
  await assert.rejects(content.write(stream('hello'), { digest: digestOf('other') }), refusal('invalid', /does not match its digest/));
  await assert.rejects(content.write(stream('hello'), { sizeBytes: 4 }), refusal('invalid', /more than 4 bytes/));
  await assert.rejects(content.write(stream('hello'), { sizeBytes: 6 }), refusal('invalid', /5 instead of 6 bytes/));
  assert.deepEqual([...readdirSync(join(rootDir, 'tmp')), ...readdirSync(join(rootDir, 'blobs/sha256'))], []);
});

test('content.read() notices a bit that changed on disk, and a size beyond its limit', async (t) => {
  const { content, rootDir } = await opened(t);
  const { digest } = await content.write(stream('hello'));
  await assert.rejects(content.read(digest, 4), refusal('too_large', /has 5 bytes, more than 4/));
  writeFileSync(join(rootDir, 'blobs/sha256', hexOf(digest)), 'hellp');
  await assert.rejects(content.read(digest, 10), refusal('internal', /is damaged on disk/));
});

test('openSpool() gives back its pieces and has no name', async (t) => {
  const storage = await opened(t);
  await using spool = await storage.openSpool();
  const first = await spool.append(stream('one', 'two'));
  const second = await spool.append(stream('three'));
  assert.equal((await collect(spool.read(second))).toString(), 'three');
  assert.equal((await collect(spool.read(first))).toString(), 'onetwo');
  assert.deepEqual(readdirSync(join(storage.rootDir, 'tmp')), []);
});

test('records.transaction() takes all of it or nothing', async (t) => {
  const { records } = await opened(t);
  const table = records.table('pairs', (json) => json as { n: number });
  records.transaction(() => {
    table.put('b', { n: 1 });
    records.transaction(() => table.put('a', { n: 2 }));
  });
  assert.throws(() => records.transaction(() => {
    table.put('c', { n: 3 });
    table.delete('a');
    throw new Error('no');
  }), /^Error: no$/);
  assert.throws(() => records.transaction(async () => undefined), /must be synchronous/);
  table.put('b', { n: 4 });
  assert.deepEqual(table.all(), [{ n: 4 }, { n: 2 }], 'in the order in which the keys came');
  assert.deepEqual([table.get('a'), table.get('c')], [{ n: 2 }, undefined]);
});

test('openStorage() says when the records are damaged or too new', async (t) => {
  const rootDir = join(tempDir(t), 'root');
  await (await openStorage({ rootDir }))[Symbol.asyncDispose]();
  writeFileSync(join(rootDir, 'estiva.db'), 'not a database, '.repeat(100));
  await assert.rejects(openStorage({ rootDir }), refusal('internal', /estiva\.db": the file is damaged/));
  for (const name of ['estiva.db', 'estiva.db-wal', 'estiva.db-shm']) rmSync(join(rootDir, name), { force: true });
  const again = await openStorage({ rootDir });
  again.records.table('broken', (json) => json).put('k', 1);
  assert.throws(() => again.records.table('broken', () => { throw new Error('no such thing'); }).get('k'), refusal('internal', /Cannot read record "k" of "broken"/));
  await again[Symbol.asyncDispose]();
  const { DatabaseSync } = await import('node:sqlite');
  const database = new DatabaseSync(join(rootDir, 'estiva.db'));
  database.exec('PRAGMA user_version = 99');
  database.close();
  await assert.rejects(openStorage({ rootDir }), refusal('unsupported', /a newer Estiva wrote it \(schema 99/));
});

/** Everything that stat and getfattr tell of a tree, as sorted lines. */
function census(dir: string): string[] {
  const lines = execFileSync('find', ['.', '-printf', '%P\t%y\t%m\t%U:%G\t%n\t%T@\t%l\t%Y', '(', '-type', 'f', '-printf', '\t%s\t%b', '-o', '-true', ')', '-printf', '\n'], { cwd: dir, encoding: 'latin1' });
  const devices = execFileSync('sh', ['-c', String.raw`find . \( -type b -o -type c \) -exec stat -c '%n %t:%T' {} +`], { cwd: dir, encoding: 'latin1' });
  const attributes = execFileSync('sh', ['-c', 'getfattr -R -P -h -d -m - -e hex .'], { cwd: dir, encoding: 'latin1', stdio: ['ignore', 'pipe', 'ignore'] });
  return [...lines.split('\n').sort(), ...devices.split('\n').sort(), ...attributes.split('\n\n').sort()];
}

function has(tool: string): boolean {
  return existsSync(`/usr/bin/${tool}`) || existsSync(`/usr/sbin/${tool}`);
}

test('unpack() makes the same tree as GNU tar', { skip: needsRoot || (!has('setfattr') && 'needs setfattr') }, async (t) => {
  const dir = tempDir(t);
  execFileSync('sh', ['-ec', `mkdir -p in/dir/sub in/empty 'in/${'l'.repeat(200)}' "in/ü ñ" "in/$(printf 'raw\\377')"; cd in
    echo data > dir/file; chmod 4755 dir/file; chown 1000:3000000 dir/file; touch -d '2001-02-03 04:05:06.123456789 UTC' dir/file; ln dir/file dir/sub/hard; ln -s ../../up/nowhere dir/soft; chown -h 7:8 dir/soft
    touch -h -d '1999-01-01 UTC' dir/soft; mknod -m 640 null c 1 3; mknod big b 259 70000; mkfifo -m 622 fifo; chmod 1777 empty; setfattr -n user.binary -v 0x00ff10 dir/file; setfattr -n trusted.note -v hi -h dir/soft
    setfattr -n user.dir -v yes dir; truncate -s 5M sparse; printf x | dd of=sparse bs=1 seek=2000000 conv=notrunc status=none; head -c 300000 /dev/urandom > random; chmod 0 random; chown 4294967294:65534 empty
    ${has('setcap') ? 'cp /bin/true cap; setcap cap_net_raw+ep cap' : ''}; touch -d '1960-01-01 UTC' dir/sub; touch -d '2011-11-11 UTC' dir .`], { cwd: dir });
  execFileSync('tar', ['-C', join(dir, 'in'), '--format=posix', '--sparse', '--xattrs', '--xattrs-include=*', '-cf', join(dir, 'x.tar'), '.']);
  mkdirSync(join(dir, 'gnu'));
  execFileSync('tar', ['-C', join(dir, 'gnu'), '--numeric-owner', '--xattrs', '--xattrs-include=*', '-xpf', join(dir, 'x.tar')]);
  const storage = await opened(t);
  const bytes = readFileSync(join(dir, 'x.tar'));
  const layer = await storage.snapshots.unpack(createReadStream(join(dir, 'x.tar'), { highWaterMark: 5000 }), { expected: digestOf(bytes) });
  const [lower] = storage.snapshots.dirs(newContainerId(), [layer.diffId]).lowerDirs;
  assert.deepEqual(census(lower!), census(join(dir, 'gnu')));
  for (const name of ['random', 'sparse', 'dir/file']) assert.ok(readFileSync(join(lower!, name)).equals(readFileSync(join(dir, 'in', name))), name);
  assert.equal(await storage.snapshots.unpack(stream('never read'), { expected: layer.diffId }), layer);
  storage.snapshots.removeLayer(layer.diffId);
  storage.snapshots.removeLayer(layer.diffId);
  await storage.snapshots.emptied();
  assert.deepEqual([...readdirSync(storage.snapshots.layersDir), ...readdirSync(join(storage.rootDir, 'tmp'))], []);
});

async function unpackMembers(storage: Storage, members: readonly TarMember[]): Promise<{ readonly dir: string; readonly diffId: Digest }> {
  const { diffId } = await storage.snapshots.unpack(writeTar(members));
  return { diffId, dir: storage.snapshots.dirs(newContainerId(), [diffId]).lowerDirs[0]! };
}

function describe(path: string): string {
  return execFileSync('stat', ['-c', '%F %t:%T', path], { encoding: 'utf8' }).trim();
}

function isOpaque(path: string): boolean {
  return execFileSync('sh', ['-c', 'getfattr -h -d -m trusted "$0"', path], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).includes('trusted.overlay.opaque="y"');
}

test('unpack() turns whiteouts into what overlayfs wants, whatever the order', { skip: needsRoot }, async (t) => {
  const storage = await opened(t);
  const { dir } = await unpackMembers(storage, [
    file('a/.wh.gone'), file('b/.wh..wh..opq'), file('b/new', 'x'), file('.wh..wh.plnk'),
    file('c/kept', 'x'), file('c/.wh.kept'), file('.wh.d'), file('d/inside', 'x'), file('e/inside', 'x'), file('.wh.e'),
  ]);
  assert.equal(describe(join(dir, 'a/gone')), 'character special file 0:0');
  assert.ok(isOpaque(join(dir, 'b')));
  assert.equal(readFileSync(join(dir, 'c/kept'), 'utf8'), 'x');
  for (const name of ['d', 'e']) {
    assert.equal(readFileSync(join(dir, name, 'inside'), 'utf8'), 'x');
    assert.ok(isOpaque(join(dir, name)), `${name} hides what is below`);
  }
  assert.deepEqual(readdirSync(dir).sort(), ['a', 'b', 'c', 'd', 'e']);
});

test('unpack() and overlayfs agree about what a layer hides', { skip: needsRoot }, async (t) => {
  const storage = await opened(t);
  const lower = await unpackMembers(storage, [file('gone', '1'), file('dir/old', '1'), file('replaced/old', '1'), file('kept', '1')]);
  const upper = await unpackMembers(storage, [file('.wh.gone'), file('dir/.wh..wh..opq'), file('dir/new', '2'), file('.wh.replaced'), file('replaced/new', '2')]);
  const id = newContainerId();
  const { lowerDirs, upperDir, workDir, mergedDir } = storage.snapshots.prepare(id, [lower.diffId, upper.diffId]);
  const script = 'mount -t overlay overlay -o "lowerdir=$0,upperdir=$1,workdir=$2" "$3" && cd "$3" && find . -type f | sort && stat -c %a:%u .';
  const seen = execFileSync('unshare', ['-m', 'sh', '-ec', script, lowerDirs.join(':'), upperDir, workDir, mergedDir], { encoding: 'utf8' });
  assert.deepEqual(seen.trim().split('\n'), ['./dir/new', './etc/hostname', './etc/hosts', './etc/resolv.conf', './kept', './replaced/new', '755:0']);
  storage.snapshots.removeSnapshot(id);
  assert.ok(!existsSync(storage.containerDir(id)));
});

test('unpack() lets a later entry take the place of an earlier one', { skip: needsRoot }, async (t) => {
  const storage = await opened(t);
  const link = (path: string, to: string): TarMember => ({ header: tarHeader({ type: 'symlink', path, linkPath: byteString(to) }) });
  const directory = (path: string): TarMember => ({ header: tarHeader({ type: 'directory', path, mode: 0o700 }) });
  const { dir } = await unpackMembers(storage, [file('a', '1'), file('a', '2'), file('b/c/d', '1'), file('b', 'file'), link('e', '/etc'), directory('e'), file('e/x', 'in e'), directory('f'), file('f/y', 'stays'), directory('./f/'), link('g/h', 'x'), file('g/h', 'file')]);
  const read = (path: string): string => readFileSync(join(dir, path), 'utf8');
  assert.deepEqual([read('a'), read('b'), read('e/x'), read('f/y'), read('g/h')], ['2', 'file', 'in e', 'stays', 'file']);
  assert.ok(!existsSync('/etc/x'));
});

test('unpack() refuses a tar with another digest than expected, and leaves nothing', { skip: needsRoot }, async (t) => {
  const storage = await opened(t);
  const expected = parseDigest(`sha256:${'0'.repeat(64)}`);
  await assert.rejects(storage.snapshots.unpack(writeTar([file('a', 'x')]), { expected }), refusal('invalid', /^The layer does not match its diff id: expected sha256:0000/));
  const aborted = AbortSignal.abort(new Error('enough'));
  await assert.rejects(storage.snapshots.unpack(writeTar([file('a', 'x')]), { signal: aborted }), /enough/);
  assert.deepEqual([...readdirSync(storage.snapshots.layersDir), ...readdirSync(join(storage.rootDir, 'tmp')), ...storage.snapshots.layers()], []);
});

test('unpack() leaves nothing whichever of its system calls fails', { skip: needsRoot }, async (t) => {
  const storage = await opened(t);
  const owned = new Map([[byteString('user.x'), Buffer.from('y')]]);
  const members = [file('d/a', 'text'), file('d/.wh.b'), { header: tarHeader({ type: 'symlink', path: 's', linkPath: byteString('t') }) }, { header: tarHeader({ type: 'directory', path: 'd', xattrs: owned }) },
    { header: tarHeader({ type: 'hardlink', path: 'h', linkPath: byteString('d/a') }) }, { header: tarHeader({ type: 'fifo', path: 'p' }) }];
  const counts = new Map<string, number>();
  {
    using kernel = recordKernel();
    const { diffId } = await storage.snapshots.unpack(writeTar(members));
    for (const { name } of kernel.calls) counts.set(name, (counts.get(name) ?? 0) + 1);
    storage.snapshots.removeLayer(diffId);
  }
  await storage.snapshots.emptied();
  for (const name of ['mkdirat', 'openat', 'openat2', 'pwrite64', 'fchown', 'fchmod', 'fchownat', 'fchmodat', 'utimensat', 'fsetxattr', 'symlinkat', 'linkat', 'mknodat', 'renameat2', 'fsync'] as const) {
    for (let nth = 1; nth <= counts.get(name)!; nth++) {
      {
        using kernel = recordKernel();
        kernel.failNth(name, nth, 'ENOSPC');
        const unpacked = storage.snapshots.unpack(writeTar(members));
        await assert.rejects(unpacked, (error: unknown) => isFail(error) || error instanceof Error, `${name} ${nth}`);
      }
      assert.deepEqual([...storage.snapshots.layers(), ...readdirSync(join(storage.rootDir, 'tmp'))], [], `${name} ${nth}`);
    }
  }
  using kernel = recordKernel();
  kernel.failNth('pwrite64', 1, 'ENOSPC');
  await assert.rejects(storage.snapshots.unpack(writeTar(members)), refusal('internal', /^Cannot write to ".*layers": no space left on device \([\d,]+ bytes free\)$/));
});

/** So much that a worker unpacks it. */
function large(path: string): TarMember {
  const megabyte = Buffer.alloc(1 << 20, path);
  return { header: tarHeader({ type: 'file', path, sizeBytes: 6 << 20 }), data: Array.from({ length: 6 }, () => megabyte) };
}

test('unpack() of a large layer works in a worker, and fails there as it does here', { skip: needsRoot }, async (t) => {
  const storage = await opened(t);
  const { dir, diffId } = await unpackMembers(storage, [large('a'), large('b'), file('.wh.c')]);
  assert.ok(readFileSync(join(dir, 'b')).equals(Buffer.alloc(6 << 20, 'b')));
  assert.equal(diffId, digestOf(await collect(writeTar([large('a'), large('b'), file('.wh.c')]))));
  const before = openDescriptors();
  const unpackLarge = (members: readonly TarMember[], signal?: AbortSignal): Promise<unknown> => storage.snapshots.unpack(writeTar(members), { signal });
  await assert.rejects(unpackLarge([large('a'), file('../x')]), refusal('invalid', /^Cannot unpack "\.\.\/x": the path .* goes upwards/));
  await assert.rejects(unpackLarge([file('../x'), large('a'), large('b'), large('c')]), refusal('invalid', /goes upwards/));
  await assert.rejects(storage.snapshots.unpack(writeTar([large('a')]), { expected: digestOf('other') }), refusal('invalid', /does not match its diff id/));
  const failing = async function* (): AsyncGenerator<Uint8Array> {
    yield* writeTar([large('a'), large('b')]);
    throw new Error('the source failed');
  };
  await assert.rejects(storage.snapshots.unpack(failing()), /^Error: the source failed$/);
  const controller = new AbortController();
  const aborting = async function* (): AsyncGenerator<Uint8Array> {
    yield* writeTar([large('a'), large('b')]);
    controller.abort(new Error('enough'));
    yield Buffer.alloc(1024);
  };
  await assert.rejects(storage.snapshots.unpack(aborting(), { signal: controller.signal }), /^Error: enough$/);
  assert.equal(storage.snapshots.layers().length, 1);
  assert.deepEqual(readdirSync(join(storage.rootDir, 'tmp')), []);
  // The worker threads' own descriptors close a moment after their last message.
  for (let tries = 0; openDescriptors() > before && tries < 100; tries++) await new Promise((resolve) => void setTimeout(resolve, 20));
  assert.ok(openDescriptors() <= before);
});

test('unpack() is done with a piece of the tar when it asks for the next one', { skip: needsRoot }, async (t) => {
  const storage = await opened(t);
  const tar = Buffer.concat(await Array.fromAsync(writeTar([1, 2, 3].map((number) => ({ header: tarHeader({ type: 'file', path: `${number}`, sizeBytes: 3 << 20 }), data: [Buffer.alloc(3 << 20, number)] })))));
  const reusing = async function* (bytes: Buffer): AsyncGenerator<Uint8Array> {
    const memory = Buffer.alloc(1 << 20);
    for (let at = 0; at < bytes.length; at += memory.length) yield memory.subarray(0, bytes.copy(memory, 0, at, at + memory.length));
  };
  assert.equal((await storage.snapshots.unpack(reusing(tar))).diffId, digestOf(tar));
});

test('prepare() makes the directories of a container, and removeSnapshot() removes them', { skip: needsRoot }, async (t) => {
  const storage = await opened(t);
  const lower = await unpackMembers(storage, [file('a', '1')]);
  const upper = await unpackMembers(storage, [file('a', '2')]);
  const id = newContainerId();
  const umask = process.umask(0o077);
  const initDir = join(storage.rootDir, 'init');
  const dirs = storage.snapshots.prepare(id, [lower.diffId, upper.diffId]);
  process.umask(umask);
  assert.deepEqual(dirs, { lowerDirs: [upper.dir, lower.dir, initDir], upperDir: `${storage.containerDir(id)}/upper`, workDir: `${storage.containerDir(id)}/work`, mergedDir: join(storage.rootDir, 'merged') });
  assert.equal(statSync(dirs.upperDir).mode & 0o7777, 0o755);
  assert.deepEqual(storage.snapshots.dirs(id, [lower.diffId, upper.diffId, lower.diffId]).lowerDirs, [lower.dir, upper.dir, initDir], 'overlayfs takes no directory twice; the topmost one counts');
  assert.throws(() => storage.snapshots.prepare(newContainerId(), [digestOf('none')]), refusal('not_found', /^No such layer: sha256:/));
  writeFileSync(join(storage.containerDir(id), 'log'), 'x');
  storage.snapshots.removeSnapshot(id);
  storage.snapshots.removeSnapshot(id);
  assert.deepEqual(readdirSync(join(storage.rootDir, 'containers')), []);
});

test('prepare() leaves nothing when one of its calls fails', { skip: needsRoot }, async (t) => {
  const storage = await opened(t);
  for (let nth = 1; nth <= 3; nth++) {
    using kernel = recordKernel();
    kernel.failNth('mkdirat', nth, 'ENOSPC');
    assert.throws(() => storage.snapshots.prepare(newContainerId(), []), refusal('internal', /no space left on device/));
    assert.deepEqual(readdirSync(join(storage.rootDir, 'containers')), []);
  }
});

test('dirs() of 128 layers fit one page of mount options, relative to layersDir', { skip: needsRoot }, async (t) => {
  const storage = await opened(t);
  const layers: Digest[] = [];
  for (let i = 0; i < 128; i++) layers.push((await unpackMembers(storage, [file('n', String(i))])).diffId);
  const names = storage.snapshots.dirs(newContainerId(), layers).lowerDirs.map((dir) => dir.slice(storage.snapshots.layersDir.length + 1));
  assert.ok(`lowerdir=${names.join(':')},upperdir=../containers/${'0'.repeat(64)}/upper,workdir=../containers/${'0'.repeat(64)}/work`.length <= 4095);
});

test('removeSnapshot() removes trees deeper than descriptors and paths go, and follows no link', { skip: needsRoot }, async (t) => {
  const storage = await opened(t);
  const outside = tempDir(t);
  writeFileSync(join(outside, 'precious'), '');
  const id = newContainerId();
  const { upperDir } = storage.snapshots.prepare(id, []);
  symlinkSync(outside, join(upperDir, 'link'));
  let at = Fd.open(upperDir, O.RDONLY | O.DIRECTORY);
  for (let depth = 0; depth < 3000; depth++) {
    call('mkdirat', at.number, 'deeper', 0o700);
    using above = at;
    at = Fd.open('deeper', O.RDONLY | O.DIRECTORY, 0, above);
  }
  at[Symbol.dispose]();
  storage.snapshots.removeSnapshot(id);
  await storage.snapshots.emptied();
  assert.deepEqual([...readdirSync(join(storage.rootDir, 'containers')), ...readdirSync(join(storage.rootDir, 'tmp'))], []);
  assert.deepEqual(readdirSync(outside), ['precious']);
});
