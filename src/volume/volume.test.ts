import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Fd, O } from '../kernel/index.ts';
import { recordKernel } from '../kernel/fake.ts';
import type { VolumeWish } from './index.ts';
import { idOf, newDir, newRoot, open, wish } from './opened.fixture.ts';

test('create() makes a directory that everybody may read, and says so; once more it gives the same, whatever is asked', async (t) => {
  const root = newRoot(t);
  await using opened = await open(root);
  const { volumes, told } = opened;
  const made = await volumes.create(wish('data', { labels: { tier: 'db' } }));
  const again = await volumes.create(wish('data', { labels: { tier: 'web' }, options: { type: 'none', device: '/x', o: 'bind' } }));
  assert.deepEqual([again, volumes.get('data'), volumes.list()], [made, made, [made]]);
  assert.deepEqual([made.labels, made.options, made.driver, made.isAnonymous], [{ tier: 'db' }, null, 'local', false]);
  assert.equal(statSync(`${root}/volumes/data/_data`).mode & 0o7777, 0o755);
  assert.equal(volumes.directoryOf('data'), `${root}/volumes/data/_data`);
  assert.deepEqual(told.map(({ kind }) => kind), ['create']);
});

test('create() without a name makes an anonymous volume', async (t) => {
  await using opened = await open(newRoot(t));
  const { name, labels, isAnonymous } = await opened.volumes.create(wish('', { labels: { a: 'b' } }));
  assert.match(name, /^[0-9a-f]{64}$/);
  assert.deepEqual([labels, isAnonymous], [{ 'a': 'b', 'com.docker.volume.anonymous': '' }, true]);
});

const wrong: readonly (readonly [wish: VolumeWish, kind: string, message: RegExp])[] = [
  [wish('a'), 'invalid', /^create a: volume name is too short, names should be at least two alphanumeric characters$/],
  [wish('a/b'), 'invalid', /^create a\/b: "a\/b" includes invalid characters for a local volume name, only "\[a-zA-Z0-9\]\[a-zA-Z0-9_\.-\]" are allowed\. If you intended to pass a host directory, use absolute path$/],
  [wish('..'), 'invalid', /includes invalid characters/],
  [wish('x'.repeat(256)), 'invalid', /at most 255 characters/],
  [wish('vv', { driver: 'nix' }), 'not_found', /^create vv: error looking up volume plugin nix: plugin "nix" not found$/],
  [wish('vv', { options: { foo: 'bar' } }), 'invalid', /^create vv: invalid option: "foo"$/],
  [wish('vv', { options: { type: 'tmpfs' } }), 'invalid', /^create vv: missing required option: "device"$/],
  [wish('vv', { options: { device: 'tmpfs' } }), 'invalid', /^create vv: missing required option: "type"$/],
];
for (const [what, kind, message] of wrong) {
  test(`create() refuses ${JSON.stringify(what).slice(0, 80)}`, async (t) => {
    const root = newRoot(t);
    await using opened = await open(root);
    await assert.rejects(opened.volumes.create(what), { kind, message });
    assert.deepEqual([opened.volumes.list(), readdirSync(`${root}/volumes`), opened.told], [[], [], []]);
  });
}

test('remove() refuses what a container names, what is held, and what is used; then it is gone', async (t) => {
  const root = newRoot(t);
  await using opened = await open(root);
  const { volumes, users, told } = opened;
  const hold = await volumes.hold(wish('data'));
  assert.equal(hold.isNew, true);
  await assert.rejects(volumes.remove('data'), { kind: 'conflict', message: 'remove data: volume is in use - []' });
  users.set('data', [{ containerId: idOf('a'), isUp: false }]);
  hold[Symbol.dispose]();
  hold[Symbol.dispose]();
  await assert.rejects(volumes.remove('data', { force: true }), { kind: 'conflict', message: `remove data: volume is in use - [${idOf('a')}]` });
  users.clear();
  assert.deepEqual(await volumes.use('data', idOf('b'), { destination: '/d' }), { path: `${root}/volumes/data/_data`, isMount: false });
  await assert.rejects(volumes.remove('data'), { kind: 'conflict', message: `remove data: volume is in use - [${idOf('b')}]` });
  await volumes.release('data', idOf('b'));
  await volumes.release('data', idOf('b'));
  await volumes.remove('data');
  assert.deepEqual([existsSync(`${root}/volumes/data`), volumes.list(), told.map(({ kind }) => kind)], [false, [], ['create', 'mount', 'unmount', 'destroy']]);
  await assert.rejects(volumes.remove('data'), { kind: 'not_found', message: 'get data: no such volume' });
  await volumes.remove('data', { force: true });
});

test('prune() takes the chosen that nobody has, and says how much they held', async (t) => {
  const root = newRoot(t);
  await using opened = await open(root);
  const { volumes, users, told } = opened;
  for (const name of ['one', 'two', 'three', 'four']) await volumes.create(wish(name));
  writeFileSync(`${volumes.directoryOf('one')}/f`, 'x'.repeat(1000));
  users.set('two', [{ containerId: idOf('a'), isUp: false }]);
  using _held = await volumes.hold(wish('three'));
  assert.deepEqual(await volumes.prune(({ name }) => name !== 'four'), { names: ['one'], reclaimedBytes: 1000 });
  assert.deepEqual([volumes.list().map(({ name }) => name), told.at(-1)], [['four', 'three', 'two'], { kind: 'prune', reclaimedBytes: 1000 }]);
});

test('after a crash records and directories agree again: the directory decides', async (t) => {
  const root = newRoot(t);
  {
    await using opened = await open(root);
    await opened.volumes.create(wish('kept', { labels: { a: 'b' } }));
    await opened.volumes.create(wish('going'));
  }
  rmSync(`${root}/volumes/going`, { recursive: true });
  mkdirSync(`${root}/volumes/coming/_data`, { recursive: true });
  mkdirSync(`${root}/volumes/brought/_data/x`, { recursive: true });
  writeFileSync(`${root}/volumes/metadata.db`, '');
  await using opened = await open(root);
  assert.deepEqual(opened.volumes.list().map(({ name, labels }) => [name, labels]), [['brought', null], ['kept', { a: 'b' }]]);
  assert.deepEqual(readdirSync(`${root}/volumes`).sort(), ['brought', 'kept', 'metadata.db']);
});

test('populate() fills an empty volume once, with the directory\'s own owner and mode; what is in use keeps its directory', async (t) => {
  const root = newRoot(t);
  await using opened = await open(root);
  const { volumes } = opened;
  const image = newDir(t);
  mkdirSync(join(image, 'sub'));
  writeFileSync(join(image, 'sub/file'), 'first');
  chmodSync(image, 0o1777);
  using from = Fd.open(image, O.RDONLY | O.DIRECTORY);
  for (const name of ['empty', 'full', 'used']) await volumes.create(wish(name));
  writeFileSync(join(volumes.directoryOf('full'), 'own'), '');
  await volumes.use('used', idOf('a'));
  const inode = statSync(volumes.directoryOf('used')).ino;
  for (const name of ['empty', 'full', 'used']) await volumes.populate(name, from);
  writeFileSync(join(image, 'sub/file'), 'second');
  await volumes.populate('empty', from);
  const contentOf = (name: string): unknown => [readdirSync(volumes.directoryOf(name)), (statSync(volumes.directoryOf(name)).mode & 0o7777).toString(8)];
  assert.deepEqual(['empty', 'full', 'used'].map(contentOf), [[['sub'], '1777'], [['own'], '755'], [['sub'], '1777']]);
  assert.deepEqual([readFileSync(join(volumes.directoryOf('empty'), 'sub/file'), 'utf8'), statSync(volumes.directoryOf('used')).ino], ['first', inode]);
});

test('populate() that fails leaves the volume empty, and the next one fills it', async (t) => {
  const root = newRoot(t);
  await using opened = await open(root);
  const { volumes } = opened;
  const image = newDir(t);
  for (const name of ['a', 'b', 'c']) writeFileSync(join(image, name), name);
  using from = Fd.open(image, O.RDONLY | O.DIRECTORY);
  await volumes.create(wish('data'));
  {
    using kernel = recordKernel();
    kernel.failNth('fchmod', 3, 'ENOSPC');
    await assert.rejects(volumes.populate('data', from), { kind: 'internal', message: /no space left on device/ });
  }
  assert.deepEqual(readdirSync(volumes.directoryOf('data')), []);
  await volumes.populate('data', from);
  assert.deepEqual(readdirSync(volumes.directoryOf('data')), ['a', 'b', 'c']);
});
