import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createReadStream, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { digestOf, hexOf, isFail, newContainerId, type Digest, type ErrorKind } from '../base/index.ts';
import { byteString, tarHeader, writeTar, type TarMember } from '../spec/tar/index.ts';
import { openStorage, type Storage } from '../storage/index.ts';
import { FakeRegistries } from './fake-registries.ts';
import { builtInHello, openImages, type ImageUse } from './index.ts';

const needsRoot = process.getuid?.() === 0 ? false : 'needs root';

interface House {
  readonly storage: Storage;
  readonly images: Awaited<ReturnType<typeof openImages>>;
  /** What the containers are, that there are none of here: by image id. */
  readonly uses: Map<Digest, ImageUse>;
  readonly containerLayers: Digest[];
  /** `kind name`, in the order in which it happened. */
  readonly told: string[];
}

function tempDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'estiva-image-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function open(rootDir: string): Promise<House> {
  const storage = await openStorage({ rootDir });
  const uses = new Map<Digest, ImageUse>();
  const containerLayers: Digest[] = [];
  const told: string[] = [];
  const images = await openImages({ storage, registries: new FakeRegistries(), imageInUse: (id) => uses.get(id), layersInUse: () => containerLayers, builtIns: [builtInHello()], tell: (one) => void told.push(one.kind === 'prune' ? `prune ${one.reclaimedBytes}` : `${one.kind} ${one.name === one.id ? 'id' : one.name}`) });
  return { storage, images, uses, containerLayers, told };
}

async function house(t: TestContext): Promise<House> {
  const opened = await open(join(tempDir(t), 'root'));
  t.after(() => opened.storage[Symbol.asyncDispose]());
  return opened;
}

async function* stream(...parts: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}

async function tar(members: readonly TarMember[]): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of writeTar(members)) parts.push(part);
  return Buffer.concat(parts);
}

function member(path: string, bytes: Uint8Array | string): TarMember {
  const data = Buffer.from(bytes as string);
  return { header: tarHeader({ type: 'file', path, sizeBytes: data.length }), data: data.length === 0 ? [] : [data] };
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const layerOf = (text: string): Promise<Buffer> => tar([member('file', text)]);

function configOf(layers: readonly Uint8Array[], more: object = {}): Buffer {
  return json({ architecture: process.arch === 'arm64' ? 'arm64' : 'amd64', os: 'linux', created: '2024-01-02T03:04:05Z', config: { Cmd: ['x'], Env: null }, rootfs: { type: 'layers', diff_ids: layers.map(digestOf) }, ...more });
}

/** A docker-archive of one image, as skopeo writes it. */
async function dockerArchive(layers: readonly Buffer[], tags: readonly string[], more: { readonly config?: Buffer; readonly store?: (layer: Buffer) => Uint8Array } = {}): Promise<TarMember[]> {
  const config = more.config ?? configOf(layers);
  const names = layers.map((layer) => `${hexOf(digestOf(layer))}.tar`);
  return [
    ...layers.map((layer, i) => member(names[i]!, more.store?.(layer) ?? layer)),
    member(`${hexOf(digestOf(config))}.json`, config),
    member('manifest.json', json([{ Config: `${hexOf(digestOf(config))}.json`, RepoTags: tags, Layers: names }])),
  ];
}

const ociManifest = 'application/vnd.oci.image.manifest.v1+json';
const ociConfig = 'application/vnd.oci.image.config.v1+json';
const ociIndex = 'application/vnd.oci.image.index.v1+json';

function descriptor(bytes: Uint8Array, mediaType: string, more: object = {}): object {
  return { mediaType, digest: digestOf(bytes), size: bytes.length, ...more };
}

const blob = (bytes: Uint8Array, name = hexOf(digestOf(bytes))): TarMember => member(`blobs/sha256/${name}`, bytes);

function ociImage(layers: readonly Buffer[], config = configOf(layers), more: object = {}): { readonly manifest: Buffer; readonly blobs: TarMember[] } {
  const manifest = json({ schemaVersion: 2, mediaType: ociManifest, config: descriptor(config, ociConfig), layers: layers.map((layer) => descriptor(layer, 'application/vnd.oci.image.layer.v1.tar')), ...more });
  return { manifest, blobs: [blob(config), blob(manifest), ...layers.map((layer) => blob(layer))] };
}

function ociArchive(manifests: readonly object[], blobs: readonly TarMember[]): TarMember[] {
  return [member('oci-layout', json({ imageLayoutVersion: '1.0.0' })), member('index.json', json({ schemaVersion: 2, manifests })), ...blobs];
}

function refusal(kind: ErrorKind, message: RegExp) {
  return (error: unknown): boolean => {
    assert.ok(isFail(error, kind), String(error));
    assert.match(error.message, message);
    return true;
  };
}

async function assertEmpty({ storage, images }: House): Promise<void> {
  assert.deepEqual(images.list(), []);
  assert.equal(storage.snapshots.layers().length, 1, 'the built-in one');
  await storage.snapshots.emptied();
  assert.equal(readdirSync(join(storage.rootDir, 'layers')).length, 1);
  assert.deepEqual(readdirSync(join(storage.rootDir, 'tmp')), []);
  assert.equal(readdirSync(join(storage.rootDir, 'blobs/sha256')).length, 1);
}

async function refused(here: House, members: readonly TarMember[], kind: ErrorKind, message: RegExp): Promise<void> {
  await assert.rejects(here.images.load(stream(await tar(members))), refusal(kind, message));
  await assertEmpty(here);
}

test('load() reads a docker-archive, whatever the order of its members and the compression', { skip: needsRoot }, async (t) => {
  const { images, storage } = await house(t);
  const layers = [await layerOf('1'), await layerOf('2')];
  const id = digestOf(configOf(layers));
  for (const store of [undefined, gzipSync, zstdCompressSync]) {
    const members = await dockerArchive(layers, ['a/b:1', 'busybox:latest'], store === undefined ? {} : { store });
    for (const archive of [await tar(members), gzipSync(await tar([...members].reverse())), zstdCompressSync(await tar(members))]) {
      assert.deepEqual(await images.load(stream(archive)), [{ id, repoTags: ['a/b:1', 'busybox:latest'] }]);
      const image = images.get('busybox');
      assert.deepEqual([image.repoTags, image.repoDigests, image.layers, image.sizeBytes], [['a/b:1', 'busybox:latest'], [], layers.map(digestOf), 2]);
      assert.equal(image.createdAt.toISOString(), '2024-01-02T03:04:05.000Z');
      const [top] = storage.snapshots.dirs(newContainerId(), image.layers).lowerDirs;
      assert.equal(readFileSync(join(top!, 'file'), 'utf8'), '2');
      await images.remove(id, { force: true, prune: true });
    }
  }
});

test('load() follows the links with which old Docker stored one layer twice', { skip: needsRoot }, async (t) => {
  const { images } = await house(t);
  const layer = await layerOf('1');
  const config = configOf([layer, layer]);
  const link: TarMember = { header: tarHeader({ type: 'symlink', path: 'bbb/layer.tar', linkPath: byteString('../aaa/layer.tar') }) };
  await images.load(stream(await tar([link, member('aaa/layer.tar', layer), member('c.json', config), member('manifest.json', json([{ Config: 'c.json', RepoTags: null, Layers: ['aaa/layer.tar', 'bbb/layer.tar'] }]))])));
  assert.deepEqual(images.list().map((image) => [image.id, image.repoTags, image.lastTaggedAt]), [[digestOf(config), [], undefined]]);
});

test('load() reads what Docker 25 and later save: an archive that is of both kinds', { skip: needsRoot }, async (t) => {
  const { images } = await house(t);
  const layers = [await layerOf('1'), await layerOf('2')];
  const config = configOf(layers);
  const { manifest, blobs } = ociImage(layers, config);
  const path = (bytes: Uint8Array): string => `blobs/sha256/${hexOf(digestOf(bytes))}`;
  const directories = ['blobs/', 'blobs/sha256/'].map((name): TarMember => ({ header: tarHeader({ type: 'directory', path: name }) }));
  const own = json([{ Config: path(config), RepoTags: ['both:1', 'both:2'], Layers: layers.map(path), LayerSources: {} }]);
  const archive = await tar([...directories, ...ociArchive([descriptor(manifest, ociManifest)], blobs), member('manifest.json', own), member('repositories', '{}')]);
  assert.deepEqual(await images.load(stream(archive)), [{ id: digestOf(config), repoTags: ['both:1', 'both:2'] }]);
  const lying = await tar([...ociArchive([], [blob(config), blob(layers[0]!), blob(layers[0]!, hexOf(digestOf(layers[1]!)))]), member('manifest.json', own)]);
  await images.remove(digestOf(config), { force: true, prune: true });
  await assert.rejects(images.load(stream(lying)), refusal('invalid', /does not match its di/));
});

test('load() reads an OCI archive and takes this machine\'s image of an index', { skip: needsRoot }, async (t) => {
  const { images } = await house(t);
  const own = ociImage([await layerOf('own')]);
  const other = ociImage([await layerOf('other')], configOf([], { architecture: 's390x' }));
  const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
  const index = json({ schemaVersion: 2, mediaType: ociIndex, manifests: [
    descriptor(other.manifest, ociManifest, { platform: { os: 'linux', architecture: 's390x' } }), descriptor(own.manifest, ociManifest, { platform: { os: 'linux', architecture } }),
    descriptor(other.manifest, ociManifest, { platform: { os: 'unknown', architecture: 'unknown' }, annotations: { 'vnd.docker.reference.type': 'attestation-manifest' } }),
  ] });
  const names = { 'io.containerd.image.name': 'docker.io/library/x:1', 'org.opencontainers.image.ref.name': '1' };
  const loaded = await images.load(stream(await tar(ociArchive([descriptor(index, ociIndex, { annotations: names })], [blob(index), ...own.blobs]))));
  assert.deepEqual(loaded.map((image) => image.repoTags), [['x:1']]);
  assert.deepEqual(images.get('x:1').config.config, { Cmd: ['x'] });
});

test('load() gives no name to an image whose index only says a tag', { skip: needsRoot }, async (t) => {
  const { images } = await house(t);
  const { manifest, blobs } = ociImage([await layerOf('1')]);
  const loaded = await images.load(stream(await tar(ociArchive([descriptor(manifest, ociManifest, { annotations: { 'org.opencontainers.image.ref.name': 'latest' } })], blobs))));
  assert.deepEqual(loaded.map((image) => image.repoTags), [[]]);
});

test('load() refuses archives that lie, and leaves nothing', { skip: needsRoot }, async (t) => {
  const here = await house(t);
  const layer = await layerOf('true');
  const lie = await layerOf('lie!');
  const good = await dockerArchive([layer], ['a:1']);
  const config = configOf([layer]);
  await refused(here, [member('x', 'y')], 'invalid', /neither a manifest\.json .* nor an oci-layout/);
  await refused(here, await dockerArchive([layer], ['a:1'], { store: () => lie }), 'invalid', /does not match its diff id/);
  await refused(here, [...good.slice(0, -2), member(`${hexOf(digestOf(config))}.json`, configOf([layer], { author: 'me' })), good.at(-1)!], 'invalid', /does not match its digest/);
  await refused(here, good.slice(1), 'invalid', /^The archive has no "[0-9a-f]{64}\.tar"$/);
  await refused(here, await dockerArchive([layer], ['A:1']), 'invalid', /names the image "A:1": invalid reference format: repository name \(library\/A\) must be lowercase/);
  await refused(here, await dockerArchive([layer], ['a:1'], { config: configOf([layer, lie]) }), 'invalid', /^invalid manifest, layers length mismatch: expected 2, got 1$/);
  await refused(here, await dockerArchive([layer], ['a:1'], { config: configOf([layer], { os: 'windows' }) }), 'unsupported', /^cannot load windows image on linux$/);
  await refused(here, await dockerArchive([layer], ['a:1'], { config: configOf([layer], { config: { Env: ['A=\0'] } }) }), 'invalid', /^config\.Env\[0\]: contains a NUL character$/);
  await refused(here, await dockerArchive([layer], ['a:1'], { config: configOf([layer], { config: { Cmd: 'sh' } }) }), 'invalid', /^config\.Cmd: expected a list$/);
  await refused(here, await dockerArchive([layer], ['a:1'], { config: configOf(Array.from({ length: 129 }, () => layer)) }), 'too_large', /129 layers are more than 128/);
  await refused(here, await dockerArchive([Buffer.alloc(3000, 'x')], ['a:1']), 'invalid', /^Cannot read the archive: it is not a tar archive$/);
  await refused(here, await dockerArchive([await tar([member('../../evil', 'x')])], ['a:1']), 'invalid', /^Cannot unpack "\.\.\/\.\.\/evil": the path .* goes upwards/);
  await refused(here, [...good.slice(0, -1), member('manifest.json', '[')], 'invalid', /^invalid JSON: /);
  await refused(here, [...good.slice(0, -1), member('manifest.json', '[]')], 'invalid', /names no image/);
  await refused(here, [member('manifest.json', Buffer.alloc(5 * 2 ** 20))], 'too_large', /^"manifest\.json" in the archive has 5242880 bytes, more than 4194304$/);
  const loop: TarMember = { header: tarHeader({ type: 'symlink', path: 'manifest.json', linkPath: byteString('manifest.json') }) };
  await refused(here, [loop], 'invalid', /is a link that leads nowhere/);
  const outside: TarMember = { header: tarHeader({ type: 'symlink', path: 'manifest.json', linkPath: byteString('../../../../etc/passwd') }) };
  await refused(here, [outside], 'invalid', /has no "manifest\.json"/);
  await assert.rejects(here.images.load(stream((await tar(good)).subarray(0, 900))), refusal('invalid', /the archive ends inside it/));
  const gzipped = gzipSync(await tar(good));
  await assert.rejects(here.images.load(stream(gzipped.subarray(0, gzipped.length - 20))), refusal('invalid', /^Cannot decompress the archive \(gzip\): unexpected end of file$/));
  await assertEmpty(here);
});

test('load() refuses OCI archives that lie, and leaves nothing', { skip: needsRoot }, async (t) => {
  const here = await house(t);
  const layer = await layerOf('true');
  const image = ociImage([layer]);
  const top = descriptor(image.manifest, ociManifest);
  const load = (manifests: readonly object[], blobs: readonly TarMember[], kind: ErrorKind, message: RegExp): Promise<void> => refused(here, ociArchive(manifests, blobs), kind, message);
  await load([top], [...image.blobs.slice(0, 2), blob(await layerOf('lie!'), hexOf(digestOf(layer)))], 'invalid', /does not match its di/);
  await load([{ ...top, size: 3 }], image.blobs, 'invalid', /bytes instead of 3/);
  await load([{ ...top, digest: `sha256:${'../'.repeat(21)}a` }], image.blobs, 'invalid', /^manifests\[0\]\.digest: Invalid digest/);
  await load([{ ...top, digest: `sha512:${'0'.repeat(128)}` }], image.blobs, 'invalid', /Unsupported digest algorithm/);
  await load([{ ...top, mediaType: ociIndex }], image.blobs, 'invalid', /the document says ".*manifest.*", its descriptor ".*index/);
  const variants: readonly [more: object, kind: ErrorKind, message: RegExp][] = [
    [{ manifests: [] }, 'invalid', /a manifest and an index at once/],
    [{ layers: [{ ...descriptor(layer, 'application/vnd.oci.image.layer.nondistributable.v1.tar') }] }, 'unsupported', /a foreign layer/],
    [{ layers: [descriptor(layer, 'application/vnd.oci.image.layer.v1.tar', { urls: ['http://169.254.169.254/'] })] }, 'unsupported', /a foreign layer/],
    [{ schemaVersion: 1 }, 'unsupported', /old manifest format \(schema 1\)/],
    [{ config: descriptor(configOf([layer]), 'application/vnd.oci.empty.v1+json') }, 'unsupported', /is not a container image/],
  ];
  for (const [more, kind, message] of variants) {
    const { manifest, blobs } = ociImage([layer], configOf([layer]), more);
    await load([descriptor(manifest, ociManifest)], blobs, kind, message);
  }
  const absent = json({ schemaVersion: 2, mediaType: ociIndex, manifests: [descriptor(Buffer.from('{}'), ociManifest, { platform: { os: 'linux', architecture: 's390x' } })] });
  await load([descriptor(absent, ociIndex)], [blob(absent)], 'not_found', /^The archive has no manifest of the index sha256:/);
  await refused(here, [member('oci-layout', json({ imageLayoutVersion: '2' })), member('index.json', '{}')], 'unsupported', /has version "2"/);
});

test('import() makes an image of one layer with the changes', { skip: needsRoot }, async (t) => {
  const { images } = await house(t);
  const bytes = await layerOf('root');
  const id = await images.import(stream(gzipSync(bytes)), { reference: 'made', message: 'by hand', changes: ['CMD ["/file"]', 'ENV A=b'] });
  const image = images.get('made:latest');
  assert.deepEqual([image.id, image.layers, image.config.config, image.config.history?.map((entry) => entry.comment)], [id, [digestOf(bytes)], { Cmd: ['/file'], Env: ['A=b'] }, ['by hand']]);
  assert.ok(Date.now() - image.lastTaggedAt!.getTime() < 60_000);
});

test('import() refuses words before it reads, and archives that are none', { skip: needsRoot }, async (t) => {
  const here = await house(t);
  const never = async function* (): AsyncGenerator<Uint8Array> {
    assert.fail('read');
    yield Buffer.alloc(0);
  };
  await assert.rejects(here.images.import(never(), { changes: ['RUN x'] }), refusal('invalid', /^RUN is not a valid change command$/));
  await assert.rejects(here.images.import(never(), { reference: `x@sha256:${'0'.repeat(64)}` }), refusal('invalid', /^cannot import digest reference$/));
  await assert.rejects(here.images.import(never(), { platform: 'windows/amd64' }), refusal('unsupported', /^operating system is not supported$/));
  await assert.rejects(here.images.import(stream(Buffer.from('fd377a585a000000', 'hex')), {}), refusal('unsupported', /^The archive is compressed with xz/));
  await assert.rejects(here.images.import(stream(Buffer.from('BZh91AY')), {}), refusal('unsupported', /bzip2/));
  await assert.rejects(here.images.import(stream(Buffer.alloc(5000, 'no tar ')), {}), refusal('invalid', /it is not a tar archive/));
  await assert.rejects(here.images.import(stream(Buffer.alloc(100, 1)), {}), refusal('invalid', /it is not a tar archive/));
  await assertEmpty(here);
});

test('get() finds by name, id, and the beginning of an id; a name goes before an id', { skip: needsRoot }, async (t) => {
  const { images } = await house(t);
  const id = await images.import(stream(await layerOf('1')), { reference: 'x' });
  for (const name of ['x', 'x:latest', 'docker.io/library/x', id, hexOf(id), id.slice(0, 20), hexOf(id).slice(0, 4)]) assert.equal(images.get(name).id, id, name);
  const other = await images.import(stream(await layerOf('2')), { reference: hexOf(id).slice(0, 12) });
  assert.equal(images.get(hexOf(id).slice(0, 12)).id, other);
  for (const [name, message] of [['nosuch', 'nosuch:latest'], ['a.b/c:1', 'a.b/c:1'], ['0'.repeat(64), `sha256:${'0'.repeat(64)}`]]) assert.throws(() => images.get(name!), (error: unknown) => isFail(error, 'not_found') && error.message === `No such image: ${message}`);
  assert.throws(() => images.get('X'), refusal('invalid', /must be lowercase/));
});

test('tag() moves a name from one image to another', { skip: needsRoot }, async (t) => {
  const { images } = await house(t);
  const first = await images.import(stream(await layerOf('1')), { reference: 'x' });
  const second = await images.import(stream(await layerOf('2')), { reference: 'y' });
  await images.tag('y', 'x');
  assert.deepEqual([images.get('x').id, images.get(first).repoTags, images.get(second).repoTags], [second, [], ['x:latest', 'y:latest']]);
  await assert.rejects(images.tag('y', `x@sha256:${'0'.repeat(64)}`), refusal('invalid', /^refusing to create a tag with a digest reference$/));
  await assert.rejects(images.tag('nosuch', 'x'), refusal('not_found', /^No such image: nosuch:latest$/));
});

test('remove() keeps layers that another image or a container has', { skip: needsRoot }, async (t) => {
  const here = await house(t);
  const { images, storage } = here;
  const shared = await layerOf('shared');
  const own = await layerOf('own');
  await images.load(stream(await tar(await dockerArchive([shared], ['one:1']))));
  const [two] = await images.load(stream(await tar(await dockerArchive([shared, own], ['two:1']))));
  assert.deepEqual(await images.remove('two:1', { force: false, prune: true }), { untagged: ['two:1'], deleted: [two!.id] });
  assert.deepEqual([shared, own].map((layer) => storage.snapshots.layer(digestOf(layer)) !== undefined), [true, false]);
  here.containerLayers.push(digestOf(shared));
  await images.remove('one:1', { force: true, prune: true });
  assert.ok(storage.snapshots.layer(digestOf(shared)) !== undefined);
  here.containerLayers.pop();
  await images.import(stream(await layerOf('any')), { reference: 'any' });
  await images.remove('any', { force: false, prune: true });
  await assertEmpty(here);
});

test('remove() follows the rules and texts of Docker', { skip: needsRoot }, async (t) => {
  const { images, uses } = await house(t);
  const id = await images.import(stream(await layerOf('1')), { reference: 'rm/a:1' });
  const short = hexOf(id).slice(0, 12);
  const containerId = newContainerId();
  const keep = { force: false, prune: true };
  const force = { force: true, prune: true };
  await images.tag(id, 'rm/a:2');
  uses.set(id, { containerId, running: false });
  assert.deepEqual(await images.remove('rm/a:2', keep), { untagged: ['rm/a:2'], deleted: [] });
  await assert.rejects(images.remove('rm/a:1', keep), refusal('conflict', new RegExp(`^conflict: unable to remove repository reference "rm/a:1" \\(must force\\) - container ${containerId.slice(0, 12)} is using its referenced image ${short}$`)));
  await assert.rejects(images.remove(short, keep), refusal('conflict', new RegExp(`^conflict: unable to delete ${short} \\(must be forced\\) - image is being used by stopped container ${containerId.slice(0, 12)}$`)));
  uses.set(id, { containerId, running: true });
  await assert.rejects(images.remove(short, force), refusal('conflict', new RegExp(`^conflict: unable to delete ${short} \\(cannot be forced\\) - image is being used by running container ${containerId.slice(0, 12)}$`)));
  assert.deepEqual(await images.remove('rm/a:1', force), { untagged: ['rm/a:1'], deleted: [] }, 'the name goes, the image stays under its container');
  uses.clear();
  await images.tag(id, 'rm/a:1');
  await images.tag(id, 'rm/b:1');
  await assert.rejects(images.remove(short, keep), refusal('conflict', new RegExp(`^conflict: unable to delete ${short} \\(must be forced\\) - image is referenced in multiple repositories$`)));
  assert.deepEqual(await images.remove(short, force), { untagged: ['rm/a:1', 'rm/b:1'], deleted: [id] });
  await assert.rejects(images.remove(short, force), refusal('not_found', new RegExp(`^No such image: ${short}:latest$`)));
});

test('load(), tag(), import() and remove() tell what has happened', { skip: needsRoot }, async (t) => {
  const { images, told } = await house(t);
  const id = await images.import(stream(await layerOf('told')), { reference: 'made' });
  await images.tag(id, 'other:1');
  await images.remove('other:1', { force: false, prune: true });
  await assert.rejects(images.remove('nobody', { force: false, prune: true }));
  await images.remove(id, { force: false, prune: true });
  assert.deepEqual(told, ['import id', 'tag other:1', 'untag id', 'untag id', 'delete id']);
});

test('openImages() has the built-in image without listing it until somebody asks, and again after it was removed', { skip: needsRoot }, async (t) => {
  const here = await house(t);
  await assertEmpty(here);
  const image = here.images.get('estiva/hello');
  assert.deepEqual([image.repoTags, here.images.list().length], [['estiva/hello:latest'], 1]);
  assert.ok(existsSync(join(here.storage.snapshots.dirs(newContainerId(), image.layers).lowerDirs[0]!, 'hello')));
  assert.deepEqual(await here.images.remove('estiva/hello', { force: false, prune: true }), { untagged: ['estiva/hello:latest'], deleted: [image.id] });
  await assertEmpty(here);
  assert.equal(here.images.get('estiva/hello:latest').id, image.id);
});

test('sweep() removes the layers that a crash left without an image', { skip: needsRoot }, async (t) => {
  const here = await house(t);
  const [orphan, used] = [await layerOf('orphan'), await layerOf('used')];
  for (const layer of [orphan, used]) await here.storage.snapshots.unpack(stream(layer));
  here.containerLayers.push(digestOf(used));
  here.images.sweep();
  assert.deepEqual([orphan, used].map((layer) => here.storage.snapshots.layer(digestOf(layer)) !== undefined), [false, true]);
  here.containerLayers.pop();
  here.images.sweep();
  await assertEmpty(here);
});

test('load() and remove() side by side never take a layer away from an image that is being made', { skip: needsRoot }, async (t) => {
  const here = await house(t);
  const layers = await Promise.all(['1', '2', '3'].map(layerOf));
  const archive = await tar(await dockerArchive(layers, ['kept:1']));
  for (let round = 0; round < 10; round++) {
    await here.images.import(stream(layers[round % 3]!), { reference: 'gone' });
    await Promise.all([here.images.load(stream(archive)), here.images.remove('gone', { force: true, prune: true }), here.images.load(stream(archive))]);
    assert.equal(here.storage.snapshots.dirs(newContainerId(), here.images.get('kept:1').layers).lowerDirs.length, 4, 'and the init layer');
    await here.images.remove('kept:1', { force: true, prune: true });
    await assertEmpty(here);
  }
});

test('openImages() remembers images, names and times', { skip: needsRoot }, async (t) => {
  const rootDir = join(tempDir(t), 'root');
  const first = await open(rootDir);
  await first.images.load(stream(await tar(await dockerArchive([await layerOf('1')], ['one:1']))));
  const before = first.images.list();
  await first.storage[Symbol.asyncDispose]();
  const second = await open(rootDir);
  assert.deepEqual(second.images.list(), before);
  await second.storage[Symbol.asyncDispose]();
});

test('load() reads what skopeo and umoci write', { skip: needsRoot || (!existsSync('/usr/bin/skopeo') || !existsSync('/usr/bin/umoci') ? 'needs skopeo and umoci' : false) }, async (t) => {
  const { images, storage } = await house(t);
  const dir = tempDir(t);
  const run = (command: string): void => void execFileSync('sh', ['-ec', command], { cwd: dir, stdio: 'ignore' });
  run('umoci init --layout layout && umoci new --image layout:latest && umoci unpack --image layout:latest bundle');
  mkdirSync(join(dir, 'bundle/rootfs/bin'));
  writeFileSync(join(dir, 'bundle/rootfs/bin/tool'), 'one');
  run('umoci repack --image layout:latest bundle && rm -r bundle && umoci unpack --image layout:latest bundle && rm bundle/rootfs/bin/tool && echo two > bundle/rootfs/other && umoci repack --image layout:latest bundle && umoci config --image layout:latest --config.cmd /other');
  run('tar -cf umoci.tar -C layout . && skopeo copy oci:layout:latest oci-archive:oci.tar:tool/oci:1 && skopeo copy oci:layout:latest docker-archive:docker.tar:tool/docker:1');
  for (const [name, tags] of [['umoci.tar', []], ['oci.tar', ['tool/oci:1']], ['docker.tar', ['tool/docker:1']]] as const) {
    const [loaded] = await images.load(createReadStream(join(dir, name)));
    assert.deepEqual(loaded!.repoTags, tags);
    const image = images.get(loaded!.id);
    assert.deepEqual(image.config.config?.Cmd, ['/other']);
    const [top, below] = storage.snapshots.dirs(newContainerId(), image.layers).lowerDirs;
    assert.equal(readFileSync(join(top!, 'other'), 'utf8'), 'two\n');
    assert.equal(readFileSync(join(below!, 'bin/tool'), 'utf8'), 'one');
    assert.equal(execFileSync('stat', ['-c', '%F %t:%T', join(top!, 'bin/tool')], { encoding: 'utf8' }), 'character special file 0:0\n');
  }
});
