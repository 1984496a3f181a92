// Against the registry that everybody runs: plain, with TLS, with a password. The fakes of the other tests prove nothing about it.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { hasDockerRegistry, openDockerRegistry, user } from '../../test/fixtures/docker-registry.ts';
import { digestOf, isFail } from '../base/index.ts';
import { mediaTypes, type Descriptor } from '../spec/oci/image.ts';
import { parseReference } from '../spec/reference.ts';
import { openRegistries, type Credentials, type Repository } from './index.ts';
import { certificate } from './registry.fixture.ts';

const skip = hasDockerRegistry ? false : 'docker-registry is not installed';
const content = randomBytes(5 << 20);
const blob: Descriptor = { mediaType: mediaTypes.ociLayer, digest: digestOf(content), size: content.length };
const config = Buffer.from('{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}');
const configDescriptor: Descriptor = { mediaType: mediaTypes.ociConfig, digest: digestOf(config), size: config.length };
const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, config: configDescriptor, layers: [blob] }));

const pieces = (bytes: Buffer) => async function* from(offset: number): AsyncGenerator<Uint8Array> {
  for (let at = offset; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
};

async function pushAndPull(repository: Repository): Promise<void> {
  assert.equal(await repository.putBlob(blob, pieces(content)), 'uploaded');
  assert.equal(await repository.putBlob(blob, pieces(content)), 'there');
  await repository.putBlob(configDescriptor, pieces(config));
  assert.equal(await repository.putDocument('1', manifest, mediaTypes.ociManifest), digestOf(manifest));
  const { bytes, descriptor } = await repository.document('1');
  assert.deepEqual(Buffer.from(bytes), manifest, 'byte for byte');
  assert.deepEqual(await repository.exists('1'), descriptor);
  assert.deepEqual(Buffer.concat(await Array.fromAsync(repository.blob(blob))), content);
  assert.deepEqual(Buffer.concat(await Array.fromAsync(repository.blob(blob, content.length - 5))), content.subarray(-5));
  assert.deepEqual(await Array.fromAsync(repository.tags()), ['1']);
}

test('docker-registry: what goes in comes out; mounts, chunks, referrers', { skip }, async () => {
  await using registry = await openDockerRegistry();
  await using registries = openRegistries({ certsDirs: [], chunkBytes: 1 << 20 });
  const open = (path: string): Repository => registries.repository(parseReference(`${registry.host}/${path}`), {}, 'push');
  await pushAndPull(open('a/box'));
  assert.equal(await open('b/box').putBlob(blob, pieces(content), { from: 'a/box' }), 'mounted');
  const statement = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, artifactType: 'sbom/x', config: configDescriptor, layers: [], subject: { mediaType: mediaTypes.ociManifest, digest: digestOf(manifest), size: manifest.length } }));
  await open('a/box').putDocument(digestOf(statement), statement, mediaTypes.ociManifest);
  assert.deepEqual((await open('a/box').referrers(digestOf(manifest), 'sbom/x')).map(({ digest }) => digest), [digestOf(statement)]);
});

test('docker-registry with TLS and a password: certs.d, login, and who is let in', { skip }, async (t) => {
  await using registry = await openDockerRegistry({ tls: true, password: true });
  const certs = mkdtempSync(join(tmpdir(), 'estiva-certs-'));
  t.after(() => rmSync(certs, { recursive: true }));
  const name = registry.host.replace('127.0.0.1', 'localhost');
  mkdirSync(join(certs, name));
  writeFileSync(join(certs, name, 'ca.crt'), certificate);
  await using registries = openRegistries({ certsDirs: [certs] });
  const open = (credentials?: Credentials): Repository => registries.repository(parseReference(`${name}/a/box`), { credentials }, 'push');
  assert.deepEqual(await registries.login(name, user), { identityToken: undefined });
  await assert.rejects(registries.login(name, { ...user, password: 'wrong' }), (error) => isFail(error, 'unauthorized') && /^login attempt to https:\/\/localhost:\d+\/v2\/ failed with status: 401 Unauthorized$/.test(error.message));
  await assert.rejects(open().document('1'), /no basic auth credentials$/);
  await assert.rejects(open({ ...user, password: 'wrong' }).document('1'), /^.*unauthorized: authentication required$/);
  await pushAndPull(open(user));
});

test('docker-registry without a password answers what is not there in the words that dockerd repeats', { skip }, async () => {
  await using registry = await openDockerRegistry();
  await using registries = openRegistries({ certsDirs: [] });
  const repository = registries.repository(parseReference(`${registry.host}/none`), {});
  await assert.rejects(repository.document('1'), { message: `manifest for ${registry.host}/none:1 not found: manifest unknown: manifest unknown`, kind: 'not_found' });
  await assert.rejects(Array.fromAsync(repository.tags()), { message: /^name unknown: repository name not known to registry$/, kind: 'not_found' });
});
