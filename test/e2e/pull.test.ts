// Images from and to a registry: Debian's, on loopback. Against a dockerd in a network namespace of its own, run this in that namespace (nsenter -n).
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { setTimeout as sleep } from 'node:timers/promises';
import { which } from '../fixtures/cache.ts';
import { hasDockerRegistry, openDockerRegistry, type DockerRegistry } from '../fixtures/docker-registry.ts';
import { openStallingProxy } from '../fixtures/stalling-proxy.ts';
import { tar } from '../fixtures/tar.ts';
import { command } from './command.ts';
import { busybox, openEngine, succeeded } from './engine.ts';

const skip = hasDockerRegistry ? false : 'docker-registry is missing';
const opened = new AsyncDisposableStack();
// Before the engine, which is looked at for what it leaves while the registry still runs.
const registry: DockerRegistry = hasDockerRegistry ? opened.use(await openDockerRegistry()) : { host: '', rootDir: '', [Symbol.asyncDispose]: async () => undefined };
const engine = await openEngine();
after(() => opened.disposeAsync());

const ociTypes = { manifest: 'application/vnd.oci.image.manifest.v1+json', index: 'application/vnd.oci.image.index.v1+json', config: 'application/vnd.oci.image.config.v1+json', layer: 'application/vnd.oci.image.layer.v1.tar+gzip' };
const rmi = async (...references: string[]) => { succeeded(await engine.docker(['rmi', '-f', ...references])); };
const sha256 = (bytes: Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** A text that stays long when it is compressed. */
const long = (text: string) => `${text} ${randomBytes(20_000).toString('hex')}`;

interface Descriptor { readonly mediaType: string; readonly digest: string; readonly size: number; readonly platform?: object }

async function put(path: string, bytes: Uint8Array, type: string): Promise<void> {
  const answer = await fetch(`http://${registry.host}${path}`, { method: 'PUT', body: Buffer.from(bytes), headers: { 'Content-Type': type } });
  assert.equal(answer.status, 201, await answer.text());
}

async function putBlob(name: string, bytes: Uint8Array, mediaType: string): Promise<Descriptor> {
  const begun = await fetch(`http://${registry.host}/v2/${name}/blobs/uploads/`, { method: 'POST' });
  const location = new URL(begun.headers.get('location') ?? '', `http://${registry.host}`);
  location.searchParams.set('digest', sha256(bytes));
  await put(`${location.pathname}${location.search}`, bytes, 'application/octet-stream');
  return { mediaType, digest: sha256(bytes), size: bytes.length };
}

/** An image with a layer for each text, at the registry: made here, byte by byte, and so by nobody's code. */
async function putImage(name: string, tag: string, texts: readonly string[], architecture = process.arch === 'arm64' ? 'arm64' : 'amd64'): Promise<Descriptor & { readonly layers: readonly string[] }> {
  const tars = texts.map((text) => tar([{ path: text.slice(0, 8), data: text }]));
  const config = { architecture, os: 'linux', config: { Cmd: ['true'] }, rootfs: { type: 'layers', diff_ids: tars.map(sha256) } };
  const layers = await Promise.all(tars.map((bytes) => putBlob(name, gzipSync(bytes), ociTypes.layer)));
  const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: ociTypes.manifest, config: await putBlob(name, Buffer.from(JSON.stringify(config)), ociTypes.config), layers }, undefined, 2));
  await put(`/v2/${name}/manifests/${tag === '' ? sha256(manifest) : tag}`, manifest, ociTypes.manifest);
  return { mediaType: ociTypes.manifest, digest: sha256(manifest), size: manifest.length, platform: { os: 'linux', architecture }, layers: layers.map(({ digest }) => digest) };
}

async function digestAt(name: string, tag: string): Promise<string> {
  const answer = await fetch(`http://${registry.host}/v2/${name}/manifests/${tag}`, { headers: { Accept: `${ociTypes.manifest}, ${ociTypes.index}, application/vnd.docker.distribution.manifest.v2+json` } });
  return sha256(Buffer.from(await answer.arrayBuffer()));
}

test('push, rmi, and run pulls it again; the digests are those of the registry', { skip }, async () => {
  const name = `${registry.host}/a/box:1`;
  succeeded(await engine.docker(['tag', busybox, name]));
  const pushed = succeeded(await engine.docker(['push', name]));
  const digest = await digestAt('a/box', '1');
  assert.match(pushed, new RegExp(`^The push refers to repository \\[${registry.host}/a/box\\]\\n`));
  assert.match(pushed, new RegExp(`^1: digest: ${digest} size: \\d+$`, 'm'));
  assert.match(succeeded(await engine.docker(['push', name])), /: Layer already exists\n/);
  const removed = succeeded(await engine.docker(['rmi', name]));
  assert.ok(removed.includes(`Untagged: ${registry.host}/a/box@${digest}\n`), removed);
  const ran = await engine.run(['--rm', name, 'echo', 'from afar']);
  assert.deepEqual([ran.code, ran.stdout], [0, 'from afar\n'], ran.stderr);
  assert.match(ran.stderr, new RegExp(`^Unable to find image '${name}' locally\n1: Pulling from a/box\n`));
  assert.equal(succeeded(await engine.docker(['images', '--digests', '--format', '{{.Digest}}', `${registry.host}/a/box`])), `${digest}\n`);
  const again = succeeded(await engine.docker(['pull', name]));
  assert.match(again, new RegExp(`^1: Pulling from a/box\nDigest: ${digest}\nStatus: Image is up to date for ${name}\n`));
  await rmi(name);
});

test('pull tells its steps as a stream of JSON; by digest; all tags', { skip }, async () => {
  const { digest, layers } = await putImage('a/steps', 'one', ['first', 'second']);
  await putImage('a/steps', 'two', ['first', 'third']);
  const answer = await engine.http('POST', `/images/create?fromImage=${registry.host}/a/steps&tag=one`, undefined, { headers: { 'X-Registry-Auth': 'e30=' } });
  const messages = answer.text.trim().split('\r\n').map((line) => JSON.parse(line) as { status: string; id?: string });
  assert.deepEqual([messages[0]!.status, messages.at(-2)!.status, messages.at(-1)!.status], ['Pulling from a/steps', `Digest: ${digest}`, `Status: Downloaded newer image for ${registry.host}/a/steps:one`]);
  for (const layer of layers) {
    const own = messages.filter(({ id }) => id === layer.slice(7, 19)).map(({ status }) => status);
    assert.deepEqual([own[0], own.includes('Download complete'), own.at(-1)], ['Pulling fs layer', true, 'Pull complete']);
  }
  assert.match(succeeded(await engine.docker(['pull', `${registry.host}/a/steps@${digest}`])), new RegExp(`Digest: ${digest}\n`));
  const all = succeeded(await engine.docker(['pull', '-a', `${registry.host}/a/steps`]));
  assert.match(all, /: Already exists\n/);
  assert.equal(succeeded(await engine.docker(['images', '-q', `${registry.host}/a/steps`])).trim().split('\n').length, 2);
  await rmi(`${registry.host}/a/steps:one`, `${registry.host}/a/steps:two`);
});

test('pull of what is not there, in Docker\'s words', { skip }, async () => {
  await putImage('a/there', '1', ['x']);
  const unknown = await engine.docker(['pull', `${registry.host}/a/there:2`]);
  assert.deepEqual([unknown.code, unknown.stderr.trim()], [1, `Error response from daemon: manifest for ${registry.host}/a/there:2 not found: manifest unknown: manifest unknown`]);
  const nobody = await engine.docker(['pull', '127.0.0.1:9/a/b:1']);
  assert.match(nobody.stderr, /127\.0\.0\.1:9.*connection refused/s);
  const push = await engine.docker(['push', `${registry.host}/never/made:1`]);
  assert.match(push.stderr, new RegExp(`An image does not exist locally with the tag: ${registry.host}/never/made\n`));
});

test('what was pulled goes out byte for byte', { skip: skip || (!engine.ours && 'dockerd with this store makes a manifest of its own') }, async () => {
  const { digest } = await putImage('a/exact', '1', ['odd json', 'and gzip']);
  const [from, to] = [`${registry.host}/a/exact:1`, `${registry.host}/b/exact:2`];
  succeeded(await engine.docker(['pull', from]));
  succeeded(await engine.docker(['tag', from, to]));
  assert.match(succeeded(await engine.docker(['push', to])), new RegExp(`: Mounted from a/exact\n(.*\n)*2: digest: ${digest} `));
  assert.equal(await digestAt('b/exact', '2'), digest);
  await rmi(from, to);
});

test('skopeo and podman take what was pushed', { skip: skip || (which('skopeo') === undefined && 'skopeo is missing') }, async (t) => {
  const name = `${registry.host}/a/taken:1`;
  succeeded(await engine.docker(['tag', busybox, name]));
  succeeded(await engine.docker(['push', '-q', name]));
  const dir = mkdtempSync(join(tmpdir(), 'estiva-taken-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  succeeded(await command('skopeo', ['copy', '-q', '--src-tls-verify=false', `docker://${name}`, `dir:${dir}`]));
  assert.equal(sha256(readFileSync(join(dir, 'manifest.json'))), await digestAt('a/taken', '1'));
  await rmi(name);
});

const ours = { skip: skip || (!engine.ours && 'dockerd with this store keeps one platform of a name') };

test('platforms of one name are kept beside each other, chosen by --platform, pushed and removed', ours, async () => {
  const manifests = [await putImage('a/many', '', ['for amd64'], 'amd64'), await putImage('a/many', '', ['for arm64'], 'arm64')].map(({ mediaType, digest, size, platform }) => ({ mediaType, digest, size, platform }));
  const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: ociTypes.index, manifests }));
  await put('/v2/a/many/manifests/1', index, ociTypes.index);
  const name = `${registry.host}/a/many:1`;
  for (const architecture of ['amd64', 'arm64']) succeeded(await engine.docker(['pull', '-q', '--platform', `linux/${architecture}`, name]));
  const of = async (architecture: string) => (await engine.http('GET', `/images/${name}/json?platform=${encodeURIComponent(JSON.stringify({ os: 'linux', architecture }))}`)).json() as { Id: string; Architecture: string };
  assert.deepEqual([(await of('amd64')).Architecture, (await of('arm64')).Architecture], ['amd64', 'arm64']);
  const listed = ((await engine.http('GET', '/images/json?manifests=1')).json() as { RepoTags: string[]; Descriptor: Descriptor; Manifests: { Available: boolean; ImageData: { Platform: { architecture: string } } }[] }[]).filter(({ RepoTags }) => RepoTags.includes(name));
  assert.deepEqual(listed.map(({ Descriptor, Manifests }) => [Descriptor.digest, ...Manifests.map((one) => `${one.ImageData.Platform.architecture} ${one.Available}`)]), [[sha256(index), 'amd64 true', 'arm64 true']]);
  const created = await engine.http('POST', '/containers/create?platform=linux/s390x', { Image: name });
  assert.match((created.json() as { message: string }).message, /was found but its platform \(linux\/\w+\) does not match the specified platform \(linux\/s390x\)/);
  succeeded(await engine.docker(['tag', name, `${registry.host}/b/many:1`]));
  succeeded(await engine.docker(['push', '-q', `${registry.host}/b/many:1`]));
  assert.equal(await digestAt('b/many', '1'), sha256(index));
  await rmi(name, `${registry.host}/b/many:1`);
  assert.equal(succeeded(await engine.docker(['images', '-aq', `${registry.host}/*/many`])), '');
});

test('a daemon that is killed during a pull leaves nothing half made; the next pull fetches only what had not come whole', ours, async () => {
  const { layers } = await putImage('a/killed', '1', ['comes whole', long('never comes')]);
  await using proxy = await openStallingProxy(registry.host);
  proxy.stalled.add(layers[1]!);
  const name = `${proxy.host}/a/killed:1`;
  const pull = engine.docker(['pull', name]);
  const root = engine.daemon!.place.rootDir;
  for (let tries = 0; tries < 200 && !(proxy.asked.includes(layers[1]!) && readdirSync(join(root, 'blobs/sha256')).includes(layers[0]!.slice(7))); tries++) await sleep(25);
  // The record follows the file.
  await sleep(250);
  await engine.daemon!.crash();
  assert.notEqual((await pull).code, 0);
  await engine.daemon!.start();
  assert.equal((await engine.http('GET', `/images/${name}/json`)).status, 404);
  assert.ok(!readdirSync(join(root, 'blobs/sha256')).includes(layers[1]!.slice(7)));
  proxy.stalled.clear();
  proxy.asked.length = 0;
  succeeded(await engine.docker(['pull', '-q', name]));
  assert.deepEqual([proxy.asked.includes(layers[0]!), proxy.asked.includes(layers[1]!)], [false, true]);
  await rmi(name);
});

test('a client that leaves ends the pull', { skip }, async () => {
  const { layers } = await putImage('a/left', '1', [long('stands still')]);
  await using proxy = await openStallingProxy(registry.host);
  proxy.stalled.add(layers[0]!);
  const left = await engine.docker(['pull', `${proxy.host}/a/left:1`], { timeoutMs: 1500 }).catch((error: unknown) => error);
  assert.ok(left !== undefined);
  proxy.stalled.clear();
  succeeded(await engine.docker(['pull', '-q', `${proxy.host}/a/left:1`]));
  await rmi(`${proxy.host}/a/left:1`);
});
