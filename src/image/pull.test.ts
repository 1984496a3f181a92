import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { digestOf, hexOf, isFail, newContainerId, type Digest, type ErrorKind } from '../base/index.ts';
import { mediaTypes, type Platform } from '../spec/oci/image.ts';
import { parsePlatform } from '../spec/oci/platform.ts';
import { byteString, tarHeader, writeTar } from '../spec/tar/index.ts';
import { openStorage, type Storage } from '../storage/index.ts';
import { FakeRegistries } from './fake-registries.ts';
import { openImages, type PullHappening } from './index.ts';

const needsRoot = process.getuid?.() === 0 ? false : 'needs root';

interface House {
  readonly storage: Storage;
  readonly images: Awaited<ReturnType<typeof openImages>>;
  readonly registry: FakeRegistries;
  readonly rootDir: string;
  readonly told: string[];
}

async function house(t: TestContext, registry = new FakeRegistries(), rootDir?: string, used: ReadonlySet<Digest> = new Set()): Promise<House> {
  const dir = rootDir ?? mkdtempSync(join(tmpdir(), 'estiva-pull-'));
  if (rootDir === undefined) t.after(() => rmSync(dir, { recursive: true, force: true }));
  const storage = await openStorage({ rootDir: join(dir, 'root') });
  t.after(() => storage[Symbol.asyncDispose]());
  const told: string[] = [];
  const images = await openImages({ storage, registries: registry, imageInUse: (id) => (used.has(id) ? { containerId: newContainerId(), running: false } : undefined), layersInUse: () => [], tell: (one) => void told.push(one.kind === 'prune' ? `prune ${one.reclaimedBytes}` : `${one.kind} ${one.id} ${one.name}`) });
  return { storage, images, registry, rootDir: dir, told };
}

async function layer(name: string, bytes: Uint8Array | string = name): Promise<Buffer> {
  const data = Buffer.from(bytes as string);
  const parts: Uint8Array[] = [];
  for await (const part of writeTar([{ header: { ...tarHeader({ type: 'file', path: name, sizeBytes: data.length }), path: byteString(name) }, data: [data] }])) parts.push(part);
  return Buffer.concat(parts);
}

function refusal(kind: ErrorKind, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(isFail(error, kind), String(error));
    assert.match(error.message, message);
    return true;
  };
}

function contentOf({ rootDir }: House): readonly string[] {
  return readdirSync(join(rootDir, 'root/blobs/sha256'));
}

/** The words of what happened, without the pieces of downloads. */
function words(happenings: readonly PullHappening[]): readonly string[] {
  return happenings.map((one) => (one.what === 'layer' ? one.state.stage : one.what)).filter((word) => word !== 'fetching');
}

for (const [name, compress] of [['plain', (tar: Buffer) => tar], ['gzip', gzipSync], ['zstd', zstdCompressSync]] as const) {
  test(`pull() of ${name} layers: names, digests and layers are there, and nothing else`, { skip: needsRoot }, async (t) => {
    const home = await house(t);
    const { images, registry, storage, told } = home;
    const [one, two] = [await layer('one'), await layer('two')];
    const target = registry.addImage([one, two], { tag: '1', compress });
    const happenings: PullHappening[] = [];
    await images.pull('local.test/a/b:1', { onHappening: (happening) => happenings.push(happening) });
    const image = images.get('local.test/a/b:1');
    assert.deepEqual([image.repoTags, image.repoDigests, image.layers], [['local.test/a/b:1'], [`local.test/a/b@${target.digest}`], [digestOf(one), digestOf(two)]]);
    assert.deepEqual(words(happenings), ['begin', 'found', 'found', ...words(happenings).slice(3, -1), 'end']);
    assert.deepEqual(words(happenings).slice(3, -1).toSorted(), ['unpacked', 'unpacked', 'unpacking', 'unpacking', 'verified', 'verified']);
    assert.equal(storage.snapshots.layers().length, 2);
    // The manifest and the configuration; the blobs, too, when they are not the tars themselves.
    assert.equal(contentOf(home).length, name === 'plain' ? 2 : 4);
    assert.deepEqual(told, ['pull local.test/a/b:1 local.test/a/b']);
    assert.deepEqual(registry.closed, ['local.test/a/b:1']);
  });
}

test('pull() again asks for nothing but the digest; a moved tag fetches what is new and takes the name along', { skip: needsRoot }, async (t) => {
  const { images, registry } = await house(t);
  const [one, two, three] = [await layer('one'), await layer('two'), await layer('three')];
  const first = registry.addImage([one, two], { tag: 'latest', compress: gzipSync });
  await images.pull('local.test/x:latest');
  registry.asked.length = 0;
  const happenings: PullHappening[] = [];
  await images.pull('local.test/x:latest', { onHappening: (happening) => happenings.push(happening) });
  assert.deepEqual(registry.asked, ['HEAD latest']);
  assert.deepEqual(happenings.at(-1), { what: 'end', digest: first.digest, reference: 'local.test/x:latest', isNew: false });

  registry.asked.length = 0;
  const second = registry.addImage([one, three], { tag: 'latest', compress: gzipSync });
  await images.pull('local.test/x:latest');
  assert.deepEqual(registry.asked.filter((line) => line.startsWith('BLOB')).length, 2, 'the configuration and one layer');
  assert.deepEqual(images.get('local.test/x').repoDigests, [`local.test/x@${second.digest}`]);
  const names = images.list().map(({ repoTags, repoDigests }) => [...repoTags, ...repoDigests].join(' '));
  assert.deepEqual(names.toSorted(), [`local.test/x:latest local.test/x@${second.digest}`, `local.test/x@${first.digest}`]);
});

test('pull() by digest; remove() of the tag takes the digest along and all content', { skip: needsRoot }, async (t) => {
  const home = await house(t);
  const { images, registry, storage } = home;
  const { digest } = registry.addImage([await layer('one')], { tag: '1', compress: gzipSync });
  await images.pull(`local.test/x@${digest}`);
  assert.deepEqual([images.get(`local.test/x@${digest}`).repoTags, images.get(`local.test/x@${digest}`).repoDigests], [[], [`local.test/x@${digest}`]]);
  await images.pull('local.test/x:1');
  const { untagged } = await images.remove('local.test/x:1', { force: false, prune: true });
  await images.recoded();
  assert.deepEqual(untagged, ['local.test/x:1', `local.test/x@${digest}`]);
  assert.deepEqual([contentOf(home), storage.snapshots.layers(), images.list()], [[], [], []]);
});

test('pull() of an index takes the host\'s platform; platforms of one name are kept beside each other', { skip: needsRoot }, async (t) => {
  const { images, registry } = await house(t);
  const [one, two] = [await layer('one'), await layer('two')];
  const here = registry.addImage([one], { architecture: process.arch === 'arm64' ? 'arm64' : 'amd64' });
  const other = registry.addImage([two], { architecture: 's390x' });
  const statement = registry.addBlob(Buffer.from('{"statement":true}'), 'application/vnd.in-toto+json', { annotations: { 'in-toto.io/predicate-type': 'https://spdx.dev/Document' } });
  const attestation = registry.addDocument({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, config: registry.addBlob(Buffer.from('{}'), mediaTypes.ociConfig), layers: [statement] }, mediaTypes.ociManifest);
  const about = { 'vnd.docker.reference.type': 'attestation-manifest', 'vnd.docker.reference.digest': here.digest };
  registry.addDocument({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [other, here, { ...attestation, annotations: about }] }, mediaTypes.ociIndex, '1');
  await images.pull('local.test/x:1');
  assert.deepEqual(images.get('local.test/x:1').layers, [digestOf(one)]);
  assert.ok(registry.asked.includes(`BLOB ${statement.digest}`));
  const attested = (type: string) => images.attestations('local.test/x:1', { predicateTypes: [type], withStatements: true });
  assert.deepEqual(await attested('https://spdx.dev/Document'), [{ descriptor: statement, predicateType: 'https://spdx.dev/Document', statement: { statement: true } }]);
  assert.deepEqual(await attested('https://slsa.dev/provenance/v1'), []);
  const s390x = parsePlatform('linux/s390x');
  await images.pull('local.test/x:1', { platform: s390x });
  assert.deepEqual([images.get('local.test/x:1').layers, images.get('local.test/x:1', s390x).layers], [[digestOf(one)], [digestOf(two)]]);
  assert.equal(images.list().length, 1);
  await assert.rejects(images.pull('local.test/x:1', { platform: parsePlatform('linux/riscv64') }), refusal('not_found', /^no matching manifest for linux\/riscv64 in the manifest list entries$/));
  await images.remove('local.test/x:1', { force: false, prune: true });
  assert.deepEqual(images.list(), []);
});

test('pull(): what a registry lies about is refused, and leaves nothing', { skip: needsRoot }, async (t) => {
  const home = await house(t);
  const { images, registry, storage } = home;
  const [one, two] = [await layer('one'), await layer('two')];
  const cases: readonly (readonly [what: string, make: () => void, kind: ErrorKind, message: RegExp])[] = [
    ['another blob', () => { registry.addImage([one], { tag: 'bad', compress: gzipSync }); registry.blobs.set(digestOf(gzipSync(one)), gzipSync(two)); }, 'invalid', /^Content (does not match its digest|sha256:\w+ has)/],
    ['a blob of another layer', () => registry.addImage([one], { tag: 'bad', compress: () => gzipSync(two) }), 'invalid', /does not match its diff id/],
    ['a blob that is longer', () => { registry.addImage([one], { tag: 'bad' }); registry.blobs.set(digestOf(one), Buffer.concat([one, one])); }, 'invalid', /has more than/],
    ['a blob that is cut off', () => { registry.addImage([one], { tag: 'bad', compress: gzipSync }); registry.blobs.set(digestOf(gzipSync(one)), gzipSync(one).subarray(0, 50)); }, 'invalid', /has 50 instead of/],
    ['too few layers', () => {
      const config = registry.addBlob(Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [digestOf(one)] } })), mediaTypes.ociConfig);
      registry.addDocument({ schemaVersion: 2, config, layers: [] }, mediaTypes.ociManifest, 'bad');
    }, 'invalid', /0 layers, and 1 in the configuration/],
    ['schema 1', () => registry.addDocument({ schemaVersion: 1, fsLayers: [] }, 'application/vnd.docker.distribution.manifest.v1+prettyjws', 'bad'), 'unsupported', /schema 1/],
    ['an artifact', () => registry.addDocument({ schemaVersion: 2, config: registry.addBlob(Buffer.from('{}'), 'application/vnd.example+json'), layers: [] }, mediaTypes.ociManifest, 'bad'), 'unsupported', /is not a container image.*vnd\.example/],
    ['a foreign layer', () => registry.addDocument({
      schemaVersion: 2, config: registry.addBlob(Buffer.from('{}'), mediaTypes.ociConfig), layers: [{ mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', digest: digestOf(one), size: 1, urls: ['http://x'] }],
    }, mediaTypes.ociManifest, 'bad'), 'unsupported', /foreign layer/],
  ];
  for (const [what, make, kind, message] of cases) {
    make();
    await assert.rejects(images.pull('local.test/x:bad'), refusal(kind, message), what);
    assert.deepEqual([contentOf(home), storage.snapshots.layers(), images.list()], [[], [], []], what);
  }
  await storage.snapshots.emptied();
  assert.deepEqual(readdirSync(join(home.rootDir, 'root/tmp')), []);
});

test('pull() of one layer by two at once fetches it once, and goes on when the first one leaves', { skip: needsRoot }, async (t) => {
  const { images, registry } = await house(t);
  const tar = await layer('one', Buffer.alloc(1 << 20, 7));
  registry.addImage([tar], { tag: '1' });
  registry.addImage([tar], { tag: '2', words: { User: 'other' } });
  const begun = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  registry.beforePiece = async (digest, offset) => {
    if (digest !== digestOf(tar) || offset === 0) return;
    begun.resolve();
    await gate.promise;
  };
  const leaving = new AbortController();
  const first = images.pull('local.test/x:1', { signal: leaving.signal });
  await begun.promise;
  const waiting = Promise.withResolvers<void>();
  const second = images.pull('local.test/x:2', { onHappening: ({ what }) => { if (what === 'layer') waiting.resolve(); } });
  await waiting.promise;
  leaving.abort(new Error('gone'));
  await assert.rejects(first, /gone/);
  assert.deepEqual(registry.closed, []);
  gate.resolve();
  await second;
  assert.equal(registry.asked.filter((line) => line === `BLOB ${digestOf(tar)}`).length, 1);
  assert.deepEqual(images.list().map(({ repoTags }) => repoTags), [['local.test/x:2']]);
});

test('pull() that fails keeps the layers that came whole, also for the next daemon; the next pull fetches only the others', { skip: needsRoot }, async (t) => {
  const home = await house(t);
  const { registry } = home;
  const [one, two] = [await layer('one'), await layer('two')];
  registry.addImage([one, two], { tag: '1', compress: gzipSync });
  const arrived = Promise.withResolvers<void>();
  registry.beforePiece = async (digest) => {
    if (digest !== digestOf(gzipSync(two))) return;
    await arrived.promise;
    throw new Error('connection lost');
  };
  await assert.rejects(home.images.pull('local.test/x:1', { onHappening: (one) => { if (one.what === 'layer' && one.state.stage === 'unpacked') arrived.resolve(); } }), /connection lost/);
  await home.storage[Symbol.asyncDispose]();
  const next = await house(t, registry, home.rootDir);
  next.images.sweep();
  assert.deepEqual(next.storage.snapshots.layers().map(({ diffId }) => diffId), [digestOf(one)]);
  assert.deepEqual(contentOf(next), [hexOf(digestOf(gzipSync(one)))]);
  registry.beforePiece = async () => undefined;
  registry.asked.length = 0;
  await next.images.pull('local.test/x:1');
  assert.ok(!registry.asked.includes(`BLOB ${digestOf(gzipSync(one))}`));
  await next.images.remove('local.test/x:1', { force: false, prune: true });
  await next.images.recoded();
  assert.deepEqual([next.storage.snapshots.layers(), contentOf(next)], [[], []]);
});

test('pull() without a tag brings all tags', { skip: needsRoot }, async (t) => {
  const { images, registry } = await house(t);
  registry.addImage([await layer('one')], { tag: '1' });
  registry.addImage([await layer('two')], { tag: '2' });
  await images.pull('local.test/x');
  assert.deepEqual(images.list().flatMap(({ repoTags }) => repoTags).toSorted(), ['local.test/x:1', 'local.test/x:2']);
});

/** `x:1` at the registry: amd64, arm64/v8, and s390x, each of one layer that is called so. */
async function threePlatforms(registry: FakeRegistries): Promise<void> {
  const manifests = await Promise.all(['amd64', 'arm64', 's390x'].map(async (architecture) => registry.addImage([await layer(architecture)], { architecture, compress: gzipSync })));
  registry.addDocument({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests }, mediaTypes.ociIndex, '1');
}

const [amd64, arm64, s390x] = ['amd64', 'arm64', 's390x'].map((name) => parsePlatform(`linux/${name}`)) as [Platform, Platform, Platform];

test('platforms: manifests() says which are here; remove() takes one, the name goes with the last', { skip: needsRoot }, async (t) => {
  const { images, registry, storage } = await house(t);
  await threePlatforms(registry);
  await images.pull('local.test/x:1', { platform: amd64 });
  await images.pull('local.test/x:1', { platform: s390x });
  const here = (): readonly string[] => images.manifests('local.test/x:1').manifests.map(({ kind, isHere }) => `${kind.kind === 'image' ? kind.platform.architecture : ''} ${isHere}`);
  assert.deepEqual(here(), ['amd64 true', 'arm64 false', 's390x true']);
  assert.throws(() => images.get('local.test/x:1', arm64), refusal('not_found', /^image with reference local.test\/x:1 was found but its platform \(linux\/(amd64|s390x)\) does not match the specified platform \(linux\/arm64\)$/));
  const id = images.get('local.test/x:1', amd64).id;
  assert.deepEqual(await images.remove('local.test/x:1', { force: false, prune: true, platforms: [amd64] }), { untagged: [], deleted: [id] });
  assert.deepEqual([here(), images.get('local.test/x:1').config.architecture], [['amd64 false', 'arm64 false', 's390x true'], 's390x']);
  const { untagged } = await images.remove('local.test/x:1', { force: false, prune: true, platforms: [s390x] });
  assert.equal(untagged[0], 'local.test/x:1');
  await images.recoded();
  assert.deepEqual([images.list(), storage.snapshots.layers()], [[], []]);
});

test('platforms: save() and load() keep them together, or only those that are asked for', { skip: needsRoot }, async (t) => {
  const { images, registry } = await house(t);
  await threePlatforms(registry);
  for (const platform of [amd64, arm64]) await images.pull('local.test/x:1', { platform });
  const archive = await read(await images.save(['local.test/x:1']));
  const other = await house(t);
  assert.deepEqual((await other.images.load(bytes(archive))).map(({ repoTags }) => repoTags), [['local.test/x:1']]);
  for (const platform of [amd64, arm64]) assert.equal(other.images.get('local.test/x:1', platform).id, images.get('local.test/x:1', platform).id);
  assert.deepEqual(await read(await other.images.save(['local.test/x:1'])), archive);
  assert.equal(other.images.list().length, 1);

  const third = await house(t);
  await third.images.load(bytes(archive), { platforms: [arm64] });
  assert.equal(third.images.get('local.test/x:1').config.architecture, 'arm64');
  await assert.rejects(third.images.load(bytes(archive), { platforms: [s390x] }), refusal('not_found', /^The archive has no image for linux\/s390x$/));
  await assert.rejects(images.save(['local.test/x:1'], { platforms: [s390x] }), refusal('not_found', /^no suitable export target found for platform linux\/s390x$/));
  const one = await read(await images.save(['local.test/x:1'], { platforms: [arm64] }));
  assert.equal((await third.images.load(bytes(one)))[0]!.id, images.get('local.test/x:1', arm64).id);
});

test('prune() takes what has no tag and what came for no image; with all, everything that no container has', { skip: needsRoot }, async (t) => {
  const used = new Set<Digest>();
  const { images, registry, storage, told } = await house(t, new FakeRegistries(), undefined, used);
  registry.addImage([await layer('old')], { tag: '1' });
  await images.pull('local.test/x:1');
  registry.addImage([await layer('new')], { tag: '1' });
  await images.pull('local.test/x:1');
  registry.addImage([await layer('used')], { tag: '2' });
  await images.pull('local.test/x:2');
  registry.addImage([await layer('whole'), await layer('lost')], { tag: '3' });
  registry.blobs.delete(digestOf(await layer('lost')));
  await assert.rejects(images.pull('local.test/x:3'));
  used.add(images.get('local.test/x:2').id);
  assert.equal((await images.prune(() => false, { all: true })).deleted.length, 0);
  const { deleted, reclaimedBytes, untagged } = await images.prune(() => true, { all: false });
  assert.deepEqual([deleted.length, untagged.length, told.at(-1)], [1, 1, `prune ${reclaimedBytes}`]);
  assert.deepEqual(images.list().flatMap(({ repoTags }) => repoTags).toSorted(), ['local.test/x:1', 'local.test/x:2']);
  assert.equal(storage.snapshots.layers().length, 2);
  const all = await images.prune(() => true, { all: true });
  assert.deepEqual([all.untagged[0], all.reclaimedBytes, images.list().length, storage.snapshots.layers().length], ['local.test/x:1', 'new'.length, 1, 1]);
});

async function read(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(Uint8Array.from(part));
  return Buffer.concat(parts);
}

async function* bytes(whole: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield whole;
}
