import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { digestOf, isFail } from '../base/index.ts';
import { tarHeader, writeTar, type TarMember } from '../spec/tar/index.ts';
import { openStorage, type Storage } from './index.ts';

const needsRoot = process.getuid?.() === 0 ? false : 'needs root';

async function opened(t: TestContext): Promise<Storage> {
  const dir = mkdtempSync(join(tmpdir(), 'estiva-frame-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const storage = await openStorage({ rootDir: join(dir, 'root') });
  t.after(() => storage[Symbol.asyncDispose]());
  return storage;
}

async function tarOf(...members: TarMember[]): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(writeTar(members)));
}

const file = (path: string, text: string): TarMember => ({ header: tarHeader({ type: 'file', path, sizeBytes: text.length }), data: [Buffer.from(text)] });
const directory = (path: string): TarMember => ({ header: tarHeader({ type: 'directory', path }) });

async function thereAndBack(storage: Storage, tar: Buffer): Promise<Buffer> {
  const { diffId } = await storage.snapshots.unpack((async function* () { yield await Promise.resolve(tar); })());
  assert.equal(diffId, digestOf(tar));
  await using again = storage.snapshots.layerTar(diffId);
  const pieces: Buffer[] = [];
  for await (const piece of again.bytes) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

test('layerTar() gives the bytes that came, with whatever stands between and after the members', { skip: needsRoot }, async (t) => {
  const storage = await opened(t);
  const plain = await tarOf(directory('a/'), file('a/one', 'x'.repeat(700)), file('empty', ''), file(`${'long/'.repeat(40)}name`, 'deep'));
  for (const tar of [plain, Buffer.concat([plain, Buffer.alloc(7_000, 'tail')]), plain.subarray(0, -1024)]) assert.ok((await thereAndBack(storage, tar)).equals(tar));
});

test('layerTar() finds what a later member replaced: a file, a file twice, a directory with what was in it', { skip: needsRoot }, async (t) => {
  const storage = await opened(t);
  const tars = [
    await tarOf(file('a', 'first'), file('a', 'second'), file('a', 'third')),
    await tarOf(directory('d/'), file('d/in', 'inside'), file('d', 'now a file'), directory('d/'), file('d/in', 'inside again')),
    await tarOf(file('a', 'text'), { header: tarHeader({ type: 'hardlink', path: 'b', linkPath: 'a' as never }) }, file('a', 'other')),
    await tarOf(file('x', 'old'), { header: tarHeader({ type: 'symlink', path: 'x', linkPath: 'y' as never }) }, file('y', 'new')),
  ];
  for (const tar of tars) assert.ok((await thereAndBack(storage, tar)).equals(tar));
  const frames = join(storage.rootDir, 'frames');
  assert.deepEqual(readdirSync(frames).map((name) => readdirSync(join(frames, name)).includes('aside')), [true, true, true, true]);
});

test('layerTar() keeps the holes of sparse files, on disk and in all of GNU tar\'s formats', { skip: needsRoot }, async (t) => {
  const storage = await opened(t);
  const source = mkdtempSync(join(tmpdir(), 'estiva-sparse-'));
  t.after(() => rmSync(source, { recursive: true, force: true }));
  writeFileSync(join(source, 'holes'), 'begin');
  truncateSync(join(source, 'holes'), 64 << 20);
  appendFileSync(join(source, 'holes'), 'end');
  for (const format of [['gnu'], ['pax', '--sparse-version=0.0'], ['pax', '--sparse-version=0.1'], ['pax', '--sparse-version=1.0']]) {
    const tar = execFileSync('tar', ['--sparse', '--format', ...format, '-C', source, '-c', 'holes']);
    assert.ok(tar.length < 1 << 20, 'the file was archived with its holes');
    assert.ok((await thereAndBack(storage, tar)).equals(tar), format.join(' '));
  }
  for (const layer of readdirSync(storage.snapshots.layersDir)) {
    const { size, blocks } = statSync(join(storage.snapshots.layersDir, layer, 'holes'));
    assert.ok(size > 64 << 20 && blocks * 512 < 1 << 20, `${size} bytes in ${blocks} blocks`);
  }
});

test('layerTar() of a layer whose file was changed on disk fails at its end', { skip: needsRoot }, async (t) => {
  const storage = await opened(t);
  const tar = await tarOf(file('a', 'what it was'));
  const { diffId } = await storage.snapshots.unpack((async function* () { yield await Promise.resolve(tar); })());
  const [layer = ''] = readdirSync(storage.snapshots.layersDir);
  rmSync(join(storage.snapshots.layersDir, layer, 'a'));
  await assert.rejects(async () => { await using _tar = storage.snapshots.layerTar(diffId); for await (const _ of _tar.bytes); }, /cannot be read/);
  writeFileSync(join(storage.snapshots.layersDir, layer, 'a'), 'another one');
  await assert.rejects(async () => { await using _tar = storage.snapshots.layerTar(diffId); for await (const _ of _tar.bytes); }, (error: unknown) => isFail(error, 'internal'));
});
