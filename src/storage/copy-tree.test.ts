import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, closeSync, ftruncateSync, linkSync, lstatSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { call, Fd, O, tryCall } from '../kernel/index.ts';
import { recordKernel } from '../kernel/fake.ts';
import { copyTree } from './copy-elsewhere.ts';

const isRoot = process.getuid?.() === 0;
const directory = O.RDONLY | O.DIRECTORY;

function newDirs(t: TestContext): { readonly from: string; readonly to: string } {
  const dir = mkdtempSync(join(tmpdir(), 'estiva-copy-'));
  t.after(() => { rmSync(dir, { recursive: true, force: true }); });
  for (const name of ['from', 'to']) mkdirSync(join(dir, name));
  return { from: join(dir, 'from'), to: join(dir, 'to') };
}

async function copy({ from, to }: { readonly from: string; readonly to: string }, ...more: Parameters<typeof copyTree> extends [unknown, unknown, unknown, ...infer Rest] ? Rest : never): ReturnType<typeof copyTree> {
  using source = Fd.open(from, directory);
  using target = Fd.open(to, directory);
  return await copyTree(source, target, to, ...more);
}

/** Everything that a copy must have of each path: all but inode, change time, and when it was read last, which looking changes. */
function describe(top: string): readonly string[] {
  return ['', ...readdirSync(top, { recursive: true, encoding: 'latin1' }).sort()].map((path) => {
    const at = Buffer.from(join(top, path), 'latin1');
    const { mode, uid, gid, size, nlink, rdev, blocks } = lstatSync(at);
    const { mtimeNs } = lstatSync(at, { bigint: true });
    const isDirectory = (mode & 0o170000) === 0o040000;
    const content = (mode & 0o170000) === 0o100000 ? `${size} ${blocks} ${createHash('sha256').update(readFileSync(at)).digest('hex').slice(0, 12)}` : (mode & 0o170000) === 0o120000 ? readlinkSync(at, 'latin1') : '';
    return [path, mode.toString(8), uid, gid, isDirectory ? '' : nlink, rdev, mtimeNs, content].join(' ');
  });
}

function fill(top: string): void {
  mkdirSync(join(top, 'd/deeper'), { recursive: true });
  writeFileSync(join(top, 'd/file'), 'text', { mode: 0o640 });
  writeFileSync(join(top, 'empty'), '');
  linkSync(join(top, 'd/file'), join(top, 'd/deeper/same'));
  symlinkSync('/etc/passwd', join(top, 'outside'));
  symlinkSync('nowhere', Buffer.from(`${top}/w\xe9ird`, 'latin1'));
  execFileSync('mkfifo', ['-m', '622', join(top, 'pipe')]);
  const sparse = openSync(join(top, 'sparse'), 'w');
  ftruncateSync(sparse, 10 << 20);
  writeSync(sparse, 'in the middle', 5 << 20);
  closeSync(sparse);
  chmodSync(join(top, 'd'), 0o3775);
  if (isRoot) {
    chownSync(join(top, 'd/file'), 1000, 1001);
    chmodSync(join(top, 'd/file'), 0o4755);
    call('mknodat', -100, join(top, 'device'), 0o020600, 0x0103);
  }
  utimesSync(join(top, 'd/file'), 1_000_000_000.123_456, 1_000_000_000.654_321);
  utimesSync(join(top, 'd'), 1_100_000_000, 1_100_000_000);
}

test('copyTree() takes along modes, owners, times, names of one file, links, pipes, devices and holes', async (t) => {
  const dirs = newDirs(t);
  fill(dirs.from);
  utimesSync(dirs.from, 1_200_000_000, 1_200_000_000);
  const before = describe(dirs.from);
  const { atimeNs } = statSync(join(dirs.from, 'd/file'), { bigint: true });
  const { entries, bytes } = await copy(dirs);
  assert.equal(statSync(join(dirs.to, 'd/file'), { bigint: true }).atimeNs, atimeNs);
  assert.deepEqual(describe(dirs.to), before);
  assert.deepEqual([entries, statSync(join(dirs.to, 'd/file')).ino], [before.length - 1, statSync(join(dirs.to, 'd/deeper/same')).ino]);
  assert.ok(bytes < 1 << 20, 'holes are not read');
});

test('copyTree() takes along extended attributes, also of links, and those that overlayfs would read', { skip: isRoot ? false : 'needs root' }, async (t) => {
  const dirs = newDirs(t);
  writeFileSync(join(dirs.from, 'file'), 'x');
  symlinkSync('file', join(dirs.from, 'link'));
  const set = (path: string, name: string, value: string): number => tryCall('lsetxattr', path, name, Buffer.from(value), value.length, 0);
  if (set(join(dirs.from, 'file'), 'user.color', 'blue') < 0) return t.skip('no extended attributes here');
  assert.equal(set(join(dirs.from, 'link'), 'trusted.note', 'n') + set(join(dirs.from, 'file'), 'trusted.overlay.opaque', 'y') + set(dirs.from, 'user.top', 't'), 0);
  await copy(dirs);
  const get = (path: string, name: string): string => {
    const value = Buffer.alloc(100);
    return value.subarray(0, call('lgetxattr', path, name, value, value.length)).toString();
  };
  assert.deepEqual([get(join(dirs.to, 'file'), 'user.color'), get(join(dirs.to, 'file'), 'trusted.overlay.opaque'), get(join(dirs.to, 'link'), 'trusted.note'), get(dirs.to, 'user.top')], ['blue', 'y', 'n', 't']);
  return undefined;
});

test('copyTree() leaves sockets out', async (t) => {
  const dirs = newDirs(t);
  const server = createServer().listen(join(dirs.from, 's'));
  await new Promise((resolve) => { server.once('listening', resolve); });
  await copy(dirs);
  server.close();
  assert.deepEqual(readdirSync(dirs.to), []);
});

test('copyTree() of a tree that is not small goes to a worker, says how far it is, and gives the same', async (t) => {
  const dirs = newDirs(t);
  fill(dirs.from);
  for (let i = 0; i < 300; i++) writeFileSync(join(dirs.from, `file-${i}`), 'x'.repeat(i * 100));
  const before = describe(dirs.from);
  const { entries } = await copy(dirs);
  assert.deepEqual([describe(dirs.to), entries], [before, before.length - 1]);
});

test('copyTree() stops when it is asked to', async (t) => {
  const dirs = newDirs(t);
  for (let i = 0; i < 3000; i++) writeFileSync(join(dirs.from, `file-${i}`), 'x');
  const gone = new AbortController();
  const copying = copy(dirs, { signal: gone.signal });
  setTimeout(() => gone.abort(new Error('nobody waits')), 60);
  await assert.rejects(copying, /nobody waits/);
  const there = readdirSync(dirs.to).length;
  await new Promise((resolve) => { setTimeout(resolve, 50); });
  assert.equal(readdirSync(dirs.to).length, there, 'and is not at work any more');
});

for (const name of ['openat', 'openat2', 'mkdirat', 'symlinkat', 'linkat', 'mknodat', 'fchown', 'fchmod', 'utimensat', 'statx', 'getdents64'] as const) {
  test(`copyTree() says so when ${name} fails, and leaves no descriptor open`, async (t) => {
    const dirs = newDirs(t);
    fill(dirs.from);
    const open = (): number => readdirSync('/proc/self/fd').length;
    const before = open();
    {
      using kernel = recordKernel();
      kernel.failNth(name, name === 'openat' ? 3 : 1, 'EIO');
      await assert.rejects(copy(dirs), { message: /EIO|input\/output error/ });
    }
    assert.equal(open(), before);
  });
}

test('copyTree() of a full disk says so in one sentence', async (t) => {
  const dirs = newDirs(t);
  writeFileSync(join(dirs.from, 'file'), 'x');
  mkdirSync(join(dirs.from, 'd'));
  using kernel = recordKernel();
  kernel.failNth('mkdirat', 1, 'ENOSPC');
  await assert.rejects(copy(dirs), { kind: 'internal', message: /^Cannot write to ".*to": no space left on device/ });
});
