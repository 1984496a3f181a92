import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { openStorage, type Storage } from '../../storage/index.ts';
import { CacheMounts, type CacheWish, type Sharing } from './cache-mounts.ts';

const never = new AbortController().signal;

async function storageOf(t: TestContext): Promise<Storage> {
  const rootDir = mkdtempSync(join(tmpdir(), 'estiva-caches-'));
  const storage = await openStorage({ rootDir });
  t.after(async () => {
    await storage[Symbol.asyncDispose]();
    rmSync(rootDir, { recursive: true });
  });
  return storage;
}

function wish(sharing: Sharing, key = 'key'): CacheWish {
  return { key, what: 'for the test', sharing, fill: () => Promise.resolve() };
}

test('CacheMounts.lease() locked waits for whoever has it, private gets another, shared the same', async (t) => {
  const mounts = new CacheMounts(await storageOf(t));
  const first = await mounts.lease(wish('locked'), never);
  let isIn = false;
  const waiting = mounts.lease(wish('locked'), never).then((lease) => { isIn = true; return lease; });
  for (let i = 0; i < 5; i++) await nextTurn();
  assert.equal(isIn, false);
  first[Symbol.dispose]();
  (await waiting)[Symbol.dispose]();
  const [one, two] = [await mounts.lease(wish('shared'), never), await mounts.lease(wish('shared'), never)];
  assert.equal(mounts.list().length, 1);
  const own = await mounts.lease(wish('private'), never);
  assert.equal(mounts.list().length, 2);
  for (const lease of [one, two, own]) lease[Symbol.dispose]();
  (await mounts.lease(wish('private'), never))[Symbol.dispose]();
  assert.equal(mounts.list().length, 2);
});

test('CacheMounts.lease() ends with the signal, and one that could not be filled leaves nothing', async (t) => {
  const storage = await storageOf(t);
  const mounts = new CacheMounts(storage);
  await assert.rejects(mounts.lease({ ...wish('shared'), fill: () => Promise.reject(new Error('no')) }, never), /no/);
  assert.deepEqual([mounts.list(), storage.caches.names()], [[], []]);
  using _held = await mounts.lease(wish('locked'), never);
  const abort = new AbortController();
  const waiting = mounts.lease(wish('locked'), abort.signal);
  abort.abort(new Error('gone'));
  await assert.rejects(waiting, /gone/);
});

test('CacheMounts: they are there again after a start, without what was half made; one in use is not forgotten', async (t) => {
  const storage = await storageOf(t);
  const before = new CacheMounts(storage);
  {
    using _lease = await before.lease(wish('shared'), never);
    before.forget(before.list().map(({ name }) => name));
    assert.deepEqual(before.list().map(({ isInUse, uses }) => [isInUse, uses]), [[true, 1]]);
  }
  storage.caches.make('half')[Symbol.dispose]();
  const after = new CacheMounts(storage);
  const [{ name }] = after.list() as [ReturnType<CacheMounts['list']>[number]];
  assert.deepEqual(storage.caches.names(), [name]);
  after.forget([name]);
  assert.deepEqual([after.list(), storage.caches.names()], [[], []]);
});
