import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Digest } from '../base/index.ts';
import { byteString, tarHeader, writeTar } from '../spec/tar/index.ts';
import { openStorage } from '../storage/index.ts';
import { FakeRegistries } from './fake-registries.ts';
import { openImages } from './index.ts';
import type { ImageRecord } from './store.ts';

const needsRoot = process.getuid?.() === 0 ? false : 'needs root';
const layerBytes = 200_000;

function rootOf(name: string): AsyncIterable<Uint8Array> {
  return writeTar([{ header: { ...tarHeader({ type: 'file', path: name, sizeBytes: layerBytes }), path: byteString(name) }, data: [randomBytes(layerBytes)] }]);
}

test('over the budget the longest unused images go, and neither what a container has nor what was used just now', { skip: needsRoot }, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'estiva-budget-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  await using storage = await openStorage({ rootDir: join(dir, 'root') });
  const busy = new Set<Digest>();
  const options = {
    storage, registries: new FakeRegistries(), layersInUse: () => [], tell: () => undefined, onTrouble: (error: unknown) => assert.fail(String(error)),
    imageInUse: (id: Digest) => (busy.has(id) ? { containerId: 'c'.repeat(64) as never, running: false } : undefined),
  };
  const table = storage.records.table('images', (json) => json as ImageRecord);
  const hoursAgo = { oldest: 9, busy: 8, taken: 7, older: 6, old: 5, fresh: 0 } as const;
  {
    await using images = await openImages(options);
    for (const [name, hours] of Object.entries(hoursAgo)) {
      const id = await images.import(rootOf(name), { reference: `${name}:1` });
      storage.records.transaction(() => table.put(id, { ...table.get(id)!, lastTaggedAt: new Date(Date.now() - hours * 3600_000).toISOString() }));
    }
    await images.withinBudget();
    assert.equal(images.list().length, 6, 'without a budget nothing goes');
  }
  await using images = await openImages({ ...options, budgetBytes: 4.5 * layerBytes });
  busy.add(images.get('busy:1').id);
  images.take('taken:1');
  images.sweep();
  await images.withinBudget();
  const names = (): readonly string[] => images.list().flatMap(({ repoTags }) => repoTags).sort();
  assert.deepEqual(names(), ['busy:1', 'fresh:1', 'old:1', 'taken:1'], 'as few as need be, the longest unused first');
  for (const name of ['more:1', 'most:1']) await images.import(rootOf(name), { reference: name });
  await images.withinBudget();
  assert.deepEqual(names(), ['busy:1', 'fresh:1', 'more:1', 'most:1', 'taken:1'], 'over the budget still, but each of them is needed or new');
  assert.ok(Date.now() - Date.parse(table.get(images.get('taken:1').id)!.lastUsedAt!) < 60_000);
});
