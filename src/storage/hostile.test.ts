// Layers that attack: each is made here, as code, and must be refused (or be harmless) with one sentence that names the entry, with nothing left
// behind and a canary directory beside the root untouched. The list is that of the weaknesses that other unpackers had.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { isFail, newContainerId } from '../base/index.ts';
import { byteString, tarHeader, writeTar, type TarHeader, type TarMember } from '../spec/tar/index.ts';
import { openStorage, type Storage } from './index.ts';
import { openDescriptors } from '../kernel/descriptors.fixture.ts';

const needsRoot = process.getuid?.() === 0 ? false : 'needs root';

interface Scene {
  readonly storage: Storage;
  /** Absolute; holds one file, "precious", mode 0644. */
  readonly canary: string;
}

async function scene(t: TestContext): Promise<Scene> {
  const dir = mkdtempSync(join(tmpdir(), 'estiva-hostile-'));
  const canary = join(dir, 'canary');
  mkdirSync(canary);
  writeFileSync(join(canary, 'precious'), 'untouched');
  const storage = await openStorage({ rootDir: join(dir, 'root') });
  t.after(async () => {
    await storage[Symbol.asyncDispose]();
    rmSync(dir, { recursive: true, force: true });
  });
  return { storage, canary };
}

function assertUntouched({ canary, storage }: Scene): void {
  assert.deepEqual(readdirSync(canary), ['precious']);
  assert.equal(readFileSync(join(canary, 'precious'), 'utf8'), 'untouched');
  assert.equal(statSync(join(canary, 'precious')).mode & 0o7777, 0o644);
  assert.equal(statSync(join(canary, 'precious')).nlink, 1);
  assert.deepEqual(readdirSync(join(storage.rootDir, 'tmp')), []);
}

function entry(type: TarHeader['type'], path: string, more: Partial<TarHeader> = {}): TarMember {
  return { header: tarHeader({ type, path, ...more }), data: more.sizeBytes === undefined ? [] : [Buffer.alloc(more.sizeBytes, 'x')] };
}

const link = (path: string, to: string): TarMember => entry('symlink', path, { linkPath: byteString(to) });
const hard = (path: string, to: string): TarMember => entry('hardlink', path, { linkPath: byteString(to) });
const file = (path: string, more: Partial<TarHeader> = {}): TarMember => entry('file', path, { sizeBytes: 4, ...more });

/** name → what the tar has (given the canary's path), and the sentence that refuses it. */
const refused: Readonly<Record<string, readonly [members: (canary: string) => TarMember[], sentence: RegExp]>> = {
  'a path that goes upwards': [() => [file('../../canary/evil')], /^Cannot unpack "\.\.\/\.\.\/canary\/evil": the path ".*" goes upwards/],
  'a path that goes down and further up': [() => [file('a/../../../canary/evil')], /goes upwards/],
  'a file through a symlink': [(canary) => [link('a', canary), file('a/evil')], /^Cannot unpack "a\/evil": a part of "a" is not a directory/],
  'a file through a chain of symlinks': [() => [entry('directory', 'a/b/c'), link('a/b/c/up', '../..'), link('escape', 'a/b/c/up/../../..'), file('escape/canary/evil')], /a part of "escape\/canary" is not a directory/],
  'a directory through a symlink': [(canary) => [link('a', canary), entry('directory', 'a/evil')], /not a directory/],
  'a symlink through a symlink': [(canary) => [link('a', canary), link('a/evil', 'x')], /not a directory/],
  'a device through a symlink': [(canary) => [link('a', canary), entry('char', 'a/evil', { deviceMajor: 1, deviceMinor: 3 })], /not a directory/],
  'a whiteout through a symlink': [(canary) => [link('a', canary), file('a/.wh.precious')], /not a directory/],
  'an opaque mark through a symlink': [(canary) => [link('a', canary), file('a/.wh..wh..opq')], /not a directory/],
  'a hard link upwards': [() => [hard('evil', '../canary/precious')], /goes upwards/],
  'a hard link to an absolute path': [(canary) => [hard('evil', join(canary, 'precious'))], /^Cannot unpack "evil": /],
  'a hard link through a symlink': [(canary) => [link('a', canary), hard('evil', 'a/precious')], /not a directory/],
  'a hard link through a chain of symlinks': [() => [entry('directory', 'a/b/c'), link('a/b/c/up', '../..'), link('escape', 'a/b/c/up/../../..'), hard('evil', 'escape/canary/precious')], /not a directory/],
  'a hard link to itself': [() => [file('a'), hard('a', 'a')], /it is a hard link to itself/],
  'a hard link to itself in other words': [() => [file('a'), hard('./a', '/a')], /it is a hard link to itself/],
  'a hard link to a directory': [() => [entry('directory', 'd'), hard('a', 'd')], /which is a directory/],
  'a hard link to the root': [() => [hard('a', '.')], /^Cannot unpack "a": /],
  'a hard link to nothing': [() => [hard('a', 'nowhere')], /"nowhere", which is not there/],
  'a file as parent': [() => [file('a'), file('a/b')], /not a directory/],
  'a file in the place of the root': [() => [file('./')], /it would replace the root directory/],
  'a symlink in the place of the root': [(canary) => [link('.', canary)], /it would replace the root directory/],
  'a whiteout of no name': [() => [file('a/.wh.')], /a whiteout of no file/],
  'a whiteout of the parent': [() => [file('a/.wh...')], /a whiteout of no file/],
  'a whiteout of the directory itself': [() => [file('a/.wh..')], /a whiteout of no file/],
  'a name of 300 bytes': [() => [file('n'.repeat(300))], /a name of 300 bytes is longer than 255/],
  'a path of 1,001 components': [() => [file(`${'d/'.repeat(1000)}f`)], /a path of 1001 components is deeper than 1000/],
  'a device that does not exist': [() => [entry('char', 'a', { deviceMajor: 5000, deviceMinor: 1 })], /there is no device 5000:1/],
  'a symlink to nothing': [() => [link('a', '')], /a symbolic link to nothing/],
  'an attribute that does not fit': [() => [file('a', { xattrs: new Map([[byteString('user.big'), Buffer.alloc(100_000)]]) })], /its extended attribute "user\.big" of 100000 bytes cannot be set/],
  'an attribute of a namespace that does not exist': [() => [file('a', { xattrs: new Map([[byteString('sytem.x'), Buffer.from('1')]]) }), file('b', { xattrs: new Map([[byteString('security.capability'), Buffer.from('no')]]) })], /attribute "security\.capability" of 2 bytes/],
};

for (const [name, [members, sentence]] of Object.entries(refused)) {
  test(`unpack() refuses ${name}`, { skip: needsRoot }, async (t) => {
    const here = await scene(t);
    await assert.rejects(here.storage.snapshots.unpack(writeTar(members(here.canary))), (error: unknown) => {
      assert.ok(isFail(error, 'invalid'), String(error));
      assert.match(error.message, sentence);
      assert.ok(!error.message.includes('\n'));
      return true;
    });
    assertUntouched(here);
    assert.deepEqual(readdirSync(here.storage.snapshots.layersDir), []);
  });
}

async function unpacked(here: Scene, members: readonly TarMember[]): Promise<string> {
  const { diffId } = await here.storage.snapshots.unpack(writeTar(members));
  return here.storage.snapshots.dirs(newContainerId(), [diffId]).lowerDirs[0]!;
}

test('unpack() keeps absolute paths inside the layer', { skip: needsRoot }, async (t) => {
  const here = await scene(t);
  const dir = await unpacked(here, [file(join(here.canary, 'evil')), file('//etc//passwd')]);
  assert.equal(statSync(join(dir, here.canary, 'evil')).size, 4);
  assert.equal(statSync(join(dir, 'etc/passwd')).size, 4);
  assertUntouched(here);
});

test('unpack() writes over a symlink or a hard link, not through it', { skip: needsRoot }, async (t) => {
  const here = await scene(t);
  const dir = await unpacked(here, [link('a', join(here.canary, 'precious')), file('a', { mode: 0o777 }), link('b', here.canary), entry('directory', 'b', { mode: 0o777 }), file('b/evil'), file('c'), hard('d', 'c'), file('d', { sizeBytes: 9 })]);
  assert.ok(statSync(join(dir, 'a')).isFile());
  assert.equal(statSync(join(dir, 'c')).size, 4);
  assertUntouched(here);
});

test('unpack() gives owner, mode and attributes to a link itself, not to what it names', { skip: needsRoot }, async (t) => {
  const here = await scene(t);
  await unpacked(here, [link('a', join(here.canary, 'precious')), entry('symlink', 'b', { linkPath: byteString(join(here.canary, 'precious')), uid: 1234, gid: 1234, mode: 0o777, xattrs: new Map([[byteString('trusted.x'), Buffer.from('y')]]) }), hard('c', 'b')]);
  assert.equal(statSync(join(here.canary, 'precious')).uid, process.getuid?.());
  assertUntouched(here);
});

test('unpack() drops attributes with which a layer would steer overlayfs', { skip: needsRoot }, async (t) => {
  const here = await scene(t);
  const attributes = ['trusted.overlay.redirect', 'trusted.overlay.opaque', 'trusted.overlay.metacopy', 'user.overlay.redirect', 'user.kept'].map((name) => [byteString(name), Buffer.from('/etc')] as const);
  const dir = await unpacked(here, [entry('directory', 'd', { xattrs: new Map(attributes) })]);
  const listed = execFileSync('python3', ['-c', 'import os,sys; print(" ".join(os.listxattr(sys.argv[1])))', join(dir, 'd')], { encoding: 'utf8' });
  assert.equal(listed.trim(), 'user.kept');
});

test('unpack() takes names of any bytes but "/" and NUL', { skip: needsRoot }, async (t) => {
  const here = await scene(t);
  const names = ['-rf', '$(touch x)', 'a\nb', '\x1b[31m', 'ÿ', ' ', '\\', '*', 'CON', 'é', 'e\u0301'];
  const dir = await unpacked(here, names.map((name) => file(name)));
  assert.deepEqual(readdirSync(dir).sort(), names.sort());
});

test('unpack() keeps 1,000 levels of directories within a handful of descriptors', { skip: needsRoot }, async (t) => {
  const here = await scene(t);
  const before = openDescriptors();
  await unpacked(here, [file(`${'d/'.repeat(999)}f`), file('last')]);
  assert.equal(openDescriptors(), before);
});
