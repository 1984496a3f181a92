import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { constants, gunzipSync, gzipSync, zstdDecompressSync } from 'node:zlib';
import { digestOf, isFail } from '../base/index.ts';
import { mediaTypes, type Manifest } from '../spec/oci/image.ts';
import { parsePlatform } from '../spec/oci/platform.ts';
import { byteString, tarHeader, writeTar } from '../spec/tar/index.ts';
import { openStorage } from '../storage/index.ts';
import { FakeRegistries } from './fake-registries.ts';
import { openImages, type PushHappening } from './index.ts';
import type { Blob } from './target.ts';

const needsRoot = process.getuid?.() === 0 ? false : 'needs root';

async function open(t: TestContext, registry: FakeRegistries): Promise<Awaited<ReturnType<typeof openImages>>> {
  const dir = mkdtempSync(join(tmpdir(), 'estiva-push-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const storage = await openStorage({ rootDir: join(dir, 'root') });
  t.after(() => storage[Symbol.asyncDispose]());
  return openImages({ storage, registries: registry, imageInUse: () => undefined, layersInUse: () => [], tell: () => undefined });
}

async function layer(name: string): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  const data = Buffer.from(name.repeat(5000));
  for await (const part of writeTar([{ header: { ...tarHeader({ type: 'file', path: name, sizeBytes: data.length }), path: byteString(name) }, data: [data] }])) parts.push(part);
  return Buffer.concat(parts);
}

/** Everything that `from` has is at `to`, the same bytes; `as` is the tag. */
function assertSame(from: FakeRegistries, to: FakeRegistries, tag: string, as: string): void {
  assert.deepEqual(to.documents.get(as)?.bytes, from.documents.get(tag)?.bytes);
  for (const [digest, bytes] of to.blobs) assert.deepEqual(from.blobs.get(digest), bytes);
}

/** A registry of its own for each name of a host. */
class TwoRegistries extends FakeRegistries {
  readonly other = new FakeRegistries();

  override repository(reference: Parameters<FakeRegistries['repository']>[0]): ReturnType<FakeRegistries['repository']> {
    return reference.domain === 'other.test' ? this.other.repository(reference) : super.repository(reference);
  }
}

for (const [name, compress] of [['plain', (tar: Buffer) => tar], ['gzip', (tar: Buffer) => gzipSync(tar, { level: 3 })]] as const) {
  test(`push() of what was pulled with ${name} layers gives the same bytes; again, nothing is sent`, { skip: needsRoot }, async (t) => {
    const registry = new TwoRegistries();
    const images = await open(t, registry);
    const target = registry.addImage([await layer('one'), await layer('two')], { tag: '1', compress });
    await images.pull('local.test/x:1');
    await images.tag('local.test/x:1', 'other.test/y:2');
    const happenings: PushHappening[] = [];
    await images.push('other.test/y:2', { onHappening: (one) => happenings.push(one) });
    assertSame(registry, registry.other, '1', '2');
    assert.deepEqual(happenings.at(-1), { what: 'end', tag: '2', digest: target.digest, sizeBytes: target.size });
    assert.equal(happenings.filter((one) => one.what === 'layer' && one.state.stage === 'pushed').length, 2);
    assert.deepEqual(images.get('other.test/y:2').repoDigests, [`local.test/x@${target.digest}`, `other.test/y@${target.digest}`]);
    registry.other.asked.length = 0;
    await images.push('other.test/y:2');
    assert.deepEqual(registry.other.asked, ['PUT 2']);
  });
}

test('push() of what was made here compresses it, and says the same the next time; zstd on request', { skip: needsRoot }, async (t) => {
  const registry = new FakeRegistries();
  const images = await open(t, registry);
  const tar = await layer('one');
  for (const [compression, decompress] of [['gzip', gunzipSync], ['zstd', zstdDecompressSync]] as const) {
    await images.import((async function* one() { yield tar; })(), { reference: `local.test/${compression}:1`, changes: [`ENV A=${compression}`] });
    await images.push(`local.test/${compression}:1`, { compression });
    const pushed = registry.documents.get('1')!;
    const { layers, config } = JSON.parse(pushed.bytes.toString()) as Manifest;
    assert.equal(config.digest, images.get(`local.test/${compression}:1`).id);
    assert.deepEqual(layers.map(({ mediaType }) => mediaType), [`${mediaTypes.ociLayer}+gzip`], 'a layer that has left once leaves the same way');
    assert.deepEqual(registry.blobs.get(layers[0]!.digest)!.length, layers[0]!.size);
    if (compression === 'gzip') assert.deepEqual(decompress(registry.blobs.get(layers[0]!.digest)!), tar);
    registry.blobs.clear();
    await images.push(`local.test/${compression}:1`);
    assert.deepEqual(registry.documents.get('1')!.bytes, pushed.bytes);
    assert.ok(registry.blobs.has(layers[0]!.digest), 'the blob was made anew');
  }
  await images.import((async function* two() { yield await layer('two'); })(), { reference: 'local.test/two:1' });
  await images.push('local.test/two:1', { compression: 'zstd' });
  const { layers } = JSON.parse(registry.documents.get('1')!.bytes.toString()) as Manifest;
  assert.deepEqual([layers[0]!.mediaType, digestOf(zstdDecompressSync(registry.blobs.get(layers[0]!.digest)!))], [`${mediaTypes.ociLayer}+zstd`, images.get('local.test/two:1').layers[0]]);
});

test('what we compressed ourselves is not kept beside its layer after a pull, and goes out with the same bytes', { skip: needsRoot }, async (t) => {
  const registry = new TwoRegistries();
  const [maker, images] = [await open(t, registry), await open(t, registry)];
  const tar = Buffer.concat(await Promise.all(['one', 'two', 'three'].map(layer)));
  await maker.import((async function* one() { yield tar; })(), { reference: 'local.test/x:1' });
  await maker.push('local.test/x:1');
  registry.addImage([await layer('foreign')], { tag: '2', compress: (bytes) => gzipSync(bytes, { strategy: constants.Z_HUFFMAN_ONLY }) });
  for (const tag of ['1', '2']) await images.pull(`local.test/x:${tag}`);
  await images.recoded();
  const foreign = JSON.parse(registry.documents.get('2')!.bytes.toString()) as Manifest;
  assert.equal(images.usage().keptBytes, foreign.layers[0]!.size);
  for (const tag of ['1', '2']) {
    await images.tag(`local.test/x:${tag}`, `other.test/x:${tag}`);
    await images.push(`other.test/x:${tag}`);
    assertSame(registry, registry.other, tag, tag);
  }
});

test('push() of an index: whole when all of it is here, else the manifest of one platform, and it says so', { skip: needsRoot }, async (t) => {
  const registry = new TwoRegistries();
  const images = await open(t, registry);
  const [one, two] = [registry.addImage([await layer('one')], { architecture: 'amd64' }), registry.addImage([await layer('two')], { architecture: 'arm64' })];
  registry.addDocument({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [one, two] }, mediaTypes.ociIndex, '1');
  await images.pull('local.test/x:1', { platform: parsePlatform('linux/amd64') });
  await images.tag('local.test/x:1', 'other.test/x:1');
  const notes: string[] = [];
  const onHappening = (happening: PushHappening): void => { if (happening.what === 'note') notes.push(happening.text); };
  await images.push('other.test/x:1', { onHappening });
  assert.equal(digestOf(registry.other.documents.get('1')!.bytes), one.digest);
  assert.deepEqual(notes, ['Not all of the index is here (linux/arm64 is not): only the manifest of one platform is pushed']);
  await images.pull('local.test/x:1', { platform: parsePlatform('linux/arm64') });
  await images.push('other.test/x:1', { onHappening });
  assert.equal(notes.length, 1);
  assertSame(registry, registry.other, '1', '1');
  assert.equal(registry.other.blobs.size, 4);
  await images.push('other.test/x:1', { platform: parsePlatform('linux/arm64') });
  assert.equal(digestOf(registry.other.documents.get('1')!.bytes), two.digest);
});

test('push() of a layer that came another way: mounted where the registry has it, else with a manifest of its own', { skip: needsRoot }, async (t) => {
  const registry = new TwoRegistries();
  const images = await open(t, registry);
  const tar = await layer('one');
  await images.import((async function* one() { yield tar; })(), { reference: 'here:1' });
  const pulled = registry.addImage([tar], { tag: '1', compress: (bytes) => gzipSync(bytes, { level: 1 }) });
  await images.pull('local.test/x:1');
  assert.ok(!registry.asked.includes(`BLOB ${digestOf(gzipSync(tar, { level: 1 }))}`), 'the layer was here');
  await images.tag('local.test/x:1', 'local.test/z:1');
  await images.push('local.test/z:1');
  assert.equal(digestOf(registry.documents.get('1')!.bytes), pulled.digest);
  await images.tag('local.test/x:1', 'other.test/x:1');
  const notes: string[] = [];
  await images.push('other.test/x:1', { onHappening: (one) => { if (one.what === 'note') notes.push(one.text); } });
  assert.match(notes.join(), /^The layer [0-9a-f]{12} is not here as it was compressed/);
  const { layers } = JSON.parse(registry.other.documents.get('1')!.bytes.toString()) as Manifest;
  assert.deepEqual(gunzipSync(registry.other.blobs.get(layers[0]!.digest)!), tar);
});

test('push() of a layer that this compressor makes differently than the one that was tried: a manifest of its own, and the next pull brings the blob', { skip: needsRoot }, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'estiva-push-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  await using storage = await openStorage({ rootDir: join(dir, 'root') });
  const registry = new TwoRegistries();
  const options = { storage, registries: registry, imageInUse: () => undefined, layersInUse: () => [], tell: () => undefined };
  const tar = await layer('one');
  const blob = gzipSync(tar, { level: 9 });
  registry.addImage([tar], { tag: '1', compress: () => blob });
  {
    await using images = await openImages(options);
    await images.pull('local.test/x:1');
    await images.tag('local.test/x:1', 'other.test/x:1');
  }
  // As another version of zlib would have left it: other bytes of the same length.
  const table = storage.records.table('image_blobs', (json) => json as Blob);
  storage.records.transaction(() => table.put(digestOf(blob), { ...table.get(digestOf(blob))!, coding: { kind: 'gzip', level: 9, header: '1f8b08000000000002ff' } }));
  await using images = await openImages(options);
  const notes: string[] = [];
  await images.push('other.test/x:1', { onHappening: (one) => { if (one.what === 'note') notes.push(one.text); } });
  assert.match(notes.join(), /^The layer [0-9a-f]{12} is not here as it was compressed/);
  const { layers } = JSON.parse(registry.other.documents.get('1')!.bytes.toString()) as Manifest;
  assert.deepEqual([...registry.other.blobs].map(([digest, bytes]) => digest === digestOf(bytes)), [true, true]);
  assert.deepEqual(gunzipSync(registry.other.blobs.get(layers[0]!.digest)!), tar);
  assert.equal(table.get(digestOf(blob))?.coding.kind, 'absent');
});

test('push() of what is not here, in Docker\'s words', { skip: needsRoot }, async (t) => {
  const images = await open(t, new FakeRegistries());
  const said = async (name: string): Promise<unknown> => images.push(name).then(() => 'pushed', (error: unknown) => (isFail(error) ? error.message : error));
  await images.import((async function* one() { yield await layer('one'); })(), { reference: 'here:1' });
  assert.deepEqual([await said('nope:1'), await said('here:2')], ['An image does not exist locally with the tag: nope', 'tag does not exist: here:2']);
});
