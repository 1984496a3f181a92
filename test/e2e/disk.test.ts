// What is used of the disk, and pruning of images.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tar } from '../fixtures/tar.ts';
import { busybox, openEngine, succeeded } from './engine.ts';

const engine = await openEngine();
const label = engine.unique('disk');

async function imported(name: string, text: string): Promise<string> {
  return succeeded(await engine.docker(['import', '-c', `LABEL ${label}=1`, '-', name], { input: tar([{ path: 'file', data: text }]) })).trim();
}

interface Usage {
  readonly LayersSize: number;
  readonly Images: readonly { readonly Id: string; readonly Size: number; readonly SharedSize: number; readonly Containers: number }[] | null;
  readonly Containers: readonly { readonly Id: string; readonly SizeRw?: number; readonly SizeRootFs: number }[] | null;
}

const usage = async (query = '') => (await engine.http('GET', `/system/df${query}`)).json() as Usage;

test('system df: layers once, what is shared, what containers wrote', async () => {
  const before = (await usage()).LayersSize;
  const one = await imported(`estiva-test/${label}:one`, 'x'.repeat(1000));
  const container = await engine.create({ Image: busybox, Cmd: ['sh', '-c', 'echo 12345 > /f'] });
  await engine.http('POST', `/containers/${container}/start`);
  await engine.http('POST', `/containers/${container}/wait`);
  const { Containers, Images, LayersSize } = await usage();
  assert.equal(LayersSize - before, 1000);
  const image = Images!.find(({ Id }) => Id === one)!;
  assert.deepEqual([image.Size, image.SharedSize, image.Containers], [1000, 0, 0]);
  assert.equal(Containers!.find(({ Id }) => Id === container)!.SizeRw, 6);
  assert.equal((await usage('?type=image')).Containers, null);
  assert.match((await engine.http('GET', '/system/df?type=nothing')).text, /unknown object type: nothing/);
  const table = succeeded(await engine.docker(['system', 'df']));
  assert.match(table, /^TYPE +TOTAL +ACTIVE +SIZE +RECLAIMABLE\nImages +\d+ +\d+ +\S+ +\S+ \(\d+%\)\nContainers +\d+ /);
  assert.match(succeeded(await engine.docker(['system', 'df', '-v'])), new RegExp(`estiva-test/${label} +one +[0-9a-f]{12} +.* ago +1kB +0B +1kB +0\n`));
  succeeded(await engine.docker(['rm', '-f', container]));
  succeeded(await engine.docker(['rmi', `estiva-test/${label}:one`]));
});

test('image prune: what has no tag; with -a what no container has; filters', async () => {
  const prune = async (filters: Record<string, readonly string[]>) => (await engine.http('POST', `/images/prune?filters=${encodeURIComponent(JSON.stringify({ ...filters, label: [label] }))}`)).json() as { ImagesDeleted: { Deleted?: string; Untagged?: string }[] | null; SpaceReclaimed: number };
  const old = await imported(`estiva-test/${label}:moved`, 'y'.repeat(2000));
  await imported(`estiva-test/${label}:moved`, 'z'.repeat(3000));
  const used = await imported(`estiva-test/${label}:used`, 'u');
  const container = await engine.create({ Image: `estiva-test/${label}:used`, Cmd: ['true'] });
  assert.deepEqual(await prune({ until: ['24h'] }), { ImagesDeleted: null, SpaceReclaimed: 0 });
  const dangling = await prune({});
  assert.ok(dangling.ImagesDeleted!.some(({ Deleted }) => Deleted === old), JSON.stringify(dangling));
  assert.equal(dangling.SpaceReclaimed, 2000);
  const all = await prune({ dangling: ['false'] });
  assert.deepEqual([all.ImagesDeleted![0], all.SpaceReclaimed], [{ Untagged: `estiva-test/${label}:moved` }, 3000]);
  assert.equal((await engine.http('GET', `/images/${used}/json`)).status, 200);
  assert.equal((await engine.http('POST', `/images/prune?filters=${encodeURIComponent('{"dangling":["maybe"]}')}`)).status, 400);
  succeeded(await engine.docker(['rm', '-f', container]));
  assert.match(succeeded(await engine.docker(['image', 'prune', '-af', '--filter', `label=${label}`])), /^Deleted Images:\nuntagged: estiva-test\/.*:used\ndeleted: sha256:/);
});
