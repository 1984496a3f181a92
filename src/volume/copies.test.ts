import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { recordKernel } from '../kernel/fake.ts';
import { idOf, needsRoot, newRoot, open, wish } from './opened.fixture.ts';

test('clone() gives a new volume with the files, also while somebody uses them', needsRoot, async (t) => {
  await using opened = await open(newRoot(t));
  const { volumes, told } = opened;
  await volumes.create(wish('db', { labels: { tier: 'db' } }));
  writeFileSync(join(volumes.directoryOf('db'), 'file'), 'content');
  await volumes.use('db', idOf('a'));
  const { name, labels } = await volumes.clone('db', wish('copy', { labels: { of: 'db' } }));
  assert.deepEqual([name, labels, readFileSync(join(volumes.directoryOf('copy'), 'file'), 'utf8'), told.at(-1)?.kind], ['copy', { of: 'db' }, 'content', 'create']);
  await assert.rejects(volumes.clone('db', wish('copy')), { kind: 'conflict', message: 'Cannot clone into copy: there is such a volume' });
  await assert.rejects(volumes.clone('nope', wish('other')), { kind: 'not_found', message: 'get nope: no such volume' });
  await assert.rejects(volumes.clone('db', wish('../x')), { kind: 'invalid' });
  assert.deepEqual(volumes.list().map((volume) => volume.name), ['copy', 'db']);
});

test('clone() that fails leaves nothing, and says so when the disk is full', needsRoot, async (t) => {
  const root = newRoot(t);
  await using opened = await open(root);
  const { volumes } = opened;
  await volumes.create(wish('db'));
  writeFileSync(join(volumes.directoryOf('db'), 'file'), 'content');
  {
    using kernel = recordKernel();
    kernel.failNth('fchmod', 1, 'ENOSPC');
    await assert.rejects(volumes.clone('db', wish('copy')), { kind: 'internal', message: /no space left on device/ });
  }
  assert.deepEqual([volumes.list().length, readdirSync(`${root}/volumes`)], [1, ['db']]);
  await volumes.clone('db', wish('copy'));
  await volumes.remove('db');
});

test('snapshot() and rollback(): the files are as they were, as often as one likes; not while they are in use', needsRoot, async (t) => {
  await using opened = await open(newRoot(t));
  const { volumes, told } = opened;
  await volumes.create(wish('db'));
  const file = join(volumes.directoryOf('db'), 'file');
  writeFileSync(file, 'first');
  const { name, sizeBytes } = await volumes.snapshot('db', 'before');
  assert.deepEqual([name, sizeBytes], ['before', 5]);
  await assert.rejects(volumes.snapshot('db', 'before'), { kind: 'conflict', message: 'Volume db has a snapshot before' });
  await assert.rejects(volumes.snapshot('db', '../x'), { kind: 'invalid' });
  for (const text of ['second', 'third']) {
    writeFileSync(file, text);
    writeFileSync(join(volumes.directoryOf('db'), text), '');
    await volumes.rollback('db', 'before');
    assert.deepEqual([readFileSync(file, 'utf8'), readdirSync(volumes.directoryOf('db'))], ['first', ['file']]);
  }
  await volumes.use('db', idOf('a'));
  await assert.rejects(volumes.rollback('db', 'before'), { kind: 'conflict', message: `The files of volume db cannot be replaced: they are in use - [${idOf('a')}]` });
  await volumes.release('db', idOf('a'));
  await assert.rejects(volumes.rollback('db', 'nope'), { kind: 'not_found', message: 'Volume db has no snapshot "nope"' });
  const second = await volumes.snapshot('db', '');
  assert.match(second.name, /^\d{8}-\d{6}\.\d{3}$/);
  await volumes.removeSnapshot('db', 'before');
  assert.deepEqual([volumes.get('db').snapshots.map((snapshot) => snapshot.name), told.map(({ kind }) => kind)], [[second.name], ['create', 'snapshot', 'rollback', 'rollback', 'mount', 'unmount', 'snapshot']]);
  await assert.rejects(volumes.removeSnapshot('db', 'before'), { kind: 'not_found' });
});

test('snapshots are of files that the engine keeps', needsRoot, async (t) => {
  await using opened = await open(newRoot(t));
  await opened.volumes.create(wish('site', { options: { type: 'none', o: 'bind', device: '/etc' } }));
  await assert.rejects(opened.volumes.snapshot('site', ''), { kind: 'unsupported', message: /those of volume site lie elsewhere/ });
});

test('after a crash snapshots and their directories agree again', needsRoot, async (t) => {
  const root = newRoot(t);
  {
    await using opened = await open(root);
    await opened.volumes.create(wish('db'));
    for (const name of ['one', 'two']) await opened.volumes.snapshot('db', name);
  }
  rmSync(`${root}/volumes/db/snapshots/one`, { recursive: true });
  mkdirSync(`${root}/volumes/db/snapshots/three`);
  await using opened = await open(root);
  assert.deepEqual([opened.volumes.get('db').snapshots.map(({ name }) => name), readdirSync(`${root}/volumes/db/snapshots`)], [['two'], ['two']]);
});

test('export() and import(): the tar has everything, and becomes an empty volume whole', needsRoot, async (t) => {
  await using opened = await open(newRoot(t));
  const { volumes } = opened;
  for (const name of ['from', 'to']) await volumes.create(wish(name));
  mkdirSync(join(volumes.directoryOf('from'), 'd'), { mode: 0o711 });
  writeFileSync(join(volumes.directoryOf('from'), 'd/file'), 'content', { mode: 0o600 });
  const pieces: Buffer[] = [];
  {
    await using tar = await volumes.export('from');
    for await (const piece of tar.bytes) pieces.push(Buffer.from(piece));
    await assert.rejects(volumes.remove('from'), { kind: 'conflict' });
  }
  const bytes = async function* (): AsyncGenerator<Buffer> { yield gzipSync(Buffer.concat(pieces)); };
  await volumes.import('to', bytes(), { replaces: false });
  const file = join(volumes.directoryOf('to'), 'd/file');
  assert.deepEqual([readFileSync(file, 'utf8'), statSync(file).mode & 0o777, statSync(join(volumes.directoryOf('to'), 'd')).mode & 0o777], ['content', 0o600, 0o711]);
  await assert.rejects(volumes.import('to', bytes(), { replaces: false }), { kind: 'conflict', message: 'Cannot import into volume to: it has files' });
  writeFileSync(join(volumes.directoryOf('to'), 'more'), '');
  const broken = async function* (): AsyncGenerator<Buffer> { yield Buffer.concat(pieces).subarray(0, 700); };
  await assert.rejects(volumes.import('to', broken(), { replaces: true }), { kind: 'invalid' });
  assert.ok(existsSync(join(volumes.directoryOf('to'), 'more')), 'an archive that is not whole changes nothing');
  await volumes.import('to', bytes(), { replaces: true });
  assert.deepEqual(readdirSync(volumes.directoryOf('to')), ['d']);
  await volumes.use('to', idOf('a'));
  await assert.rejects(volumes.import('to', bytes(), { replaces: true }), { kind: 'conflict', message: /in use/ });
  await volumes.remove('from');
});
