// Pushing to a registry that helps, hinders, forgets and lies.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, beforeEach, test } from 'node:test';
import { isFail, parseDigest, type Digest, type EstivaError } from '../base/index.ts';
import type { Descriptor } from '../spec/oci/image.ts';
import { parseReference } from '../spec/reference.ts';
import { openRegistries, type Repository } from './index.ts';
import { addManifest, openFakeRegistry, refuse, sha256, type Behaviour } from './registry.fixture.ts';
import { defaultPatience } from './settings.ts';

const patience = { ...defaultPatience, retriesMax: 2, pauseMs: 5, pauseMaxMs: 10, retryAfterMaxMs: 1_000 };
const registry = await openFakeRegistry();
const registries = openRegistries({ patience, certsDirs: [], chunkBytes: 2 << 20 });
after(async () => { await registries[Symbol.asyncDispose](); await registry[Symbol.asyncDispose](); });
/** For those cases only that are to end in a time-out. */
const impatient = openRegistries({ patience: { ...patience, headAfterUploadMs: 300, idleMs: 300 }, certsDirs: [], chunkBytes: 2 << 20 });
after(() => impatient[Symbol.asyncDispose]());
const content = randomBytes(3 << 20);
const descriptor: Descriptor = { mediaType: 'application/octet-stream', digest: sha256(content) as Digest, size: content.length };
const small = content.subarray(0, 1000);
const smallDescriptor: Descriptor = { ...descriptor, digest: sha256(small) as Digest, size: small.length };

beforeEach(() => {
  registry.behave = undefined;
  registry.blobs.clear();
  registry.seen.length = 0;
});

function repository(from = registries): Repository {
  return from.repository(parseReference(`${registry.host}/a/box`), {}, 'push');
}

/** How often the content was asked for, and from where. */
const asked: number[] = [];
async function* from(bytes: Buffer, offset: number): AsyncGenerator<Uint8Array> {
  asked.push(offset);
  for (let at = offset; at < bytes.length; at += 1 << 16) yield bytes.subarray(at, at + (1 << 16));
}

function put(what: Descriptor = smallDescriptor, bytes: Buffer = small, options?: Parameters<Repository['putBlob']>[2], using = registries): Promise<string> {
  asked.length = 0;
  return repository(using).putBlob(what, (offset) => from(bytes, offset), options);
}

async function refused(run: Promise<unknown>): Promise<EstivaError> {
  const error = await run.then(() => assert.fail('nothing was refused'), (error: unknown) => error);
  assert.ok(isFail(error), String(error));
  return error;
}

const methods = (): readonly string[] => registry.seen.map(({ method }) => method);
const isUpload = (url: URL): boolean => url.pathname.includes('/blobs/uploads/');

test('putBlob() uploads in one piece, tells what went, and does not send what is there', async () => {
  const sent: number[] = [];
  assert.equal(await put(descriptor, content, { sent: (bytes) => sent.push(bytes) }), 'uploaded');
  assert.deepEqual(methods(), ['HEAD', 'POST', 'PUT']);
  assert.equal(sent.at(-1), content.length);
  assert.ok(sent.length > 10);
  assert.deepEqual(registry.blobs.get(descriptor.digest), content);
  assert.equal(await put(descriptor, content), 'there');
  assert.deepEqual(asked, []);
});

test('putBlob() mounts from another repository, and uploads where that does not work', async () => {
  registry.behave = (request) => (request.method === 'HEAD' ? (registry.blobs.set(smallDescriptor.digest, small), false) : false);
  registry.behave = (request, response) => (request.method === 'HEAD' ? refuse(response, 404, 'BLOB_UNKNOWN', 'x') : false);
  registry.blobs.set(smallDescriptor.digest, small);
  assert.equal(await put(smallDescriptor, small, { from: 'b/box' }), 'mounted');
  registry.blobs.clear();
  assert.equal(await put(smallDescriptor, small, { from: 'b/box' }), 'uploaded');
});

test('putBlob() of nothing at all is an upload, too', async () => {
  const nothing = Buffer.alloc(0);
  assert.equal(await put({ ...descriptor, digest: sha256(nothing) as Digest, size: 0 }, nothing), 'uploaded');
});

for (const [name, location] of [['relative', (path: string) => `${path}?_state=a%2Fb%3D`], ['absolute', (path: string) => `http://${registry.host}${path}?_state=a%2Fb%3D`]] as const) {
  test(`putBlob() keeps an address that is ${name}, with what is in it`, async () => {
    registry.behave = (request, response, url) => (request.method === 'POST' ? (response.writeHead(202, { Location: location(`${url.pathname}here`) }).end(), true) : false);
    assert.equal(await put(), 'uploaded');
    assert.equal(registry.seen.at(-1)?.path, `/v2/a/box/blobs/uploads/here?_state=a%2Fb%3D&digest=${encodeURIComponent(smallDescriptor.digest)}`);
  });
}

test('putBlob() goes in chunks where a body of that size is too large', async () => {
  registry.behave = (request, response) => (Number(request.headers['content-length'] ?? 0) > 2 << 20 ? refuse(response, 413, 'SIZE_INVALID', 'too large', { Connection: 'close' }) : false);
  assert.equal(await put(descriptor, content), 'uploaded');
  assert.deepEqual(methods(), ['HEAD', 'POST', 'PUT', 'GET', 'PATCH', 'PATCH', 'PUT']);
  assert.deepEqual(registry.seen.filter(({ method }) => method === 'PATCH').map(({ headers }) => headers['content-range']), ['0-2097151', '2097152-3145727']);
});

test('putBlob() goes on where the registry says that it broke', async () => {
  let broken = false;
  registry.behave = (request, response, url) => {
    if (!isUpload(url) || request.method !== 'PUT' || broken) return false;
    broken = true;
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      const have = Buffer.concat(chunks);
      if (have.length < 1 << 20 || response.destroyed) return;
      registry.blobs.set(url.pathname, have);
      response.destroy();
    });
    return true;
  };
  assert.equal(await put(descriptor, content), 'uploaded');
  assert.deepEqual(methods(), ['HEAD', 'POST', 'PUT', 'GET', 'PATCH', 'PUT']);
  assert.ok(asked[1]! >= 1 << 20, `${asked[1]}`);
  assert.deepEqual(registry.blobs.get(descriptor.digest), content);
});

test('putBlob() begins anew when the registry has forgotten the upload', async () => {
  let tries = 0;
  registry.behave = (request, response, url) => {
    if (!isUpload(url)) return false;
    if (request.method === 'GET') return refuse(response, 404, 'BLOB_UPLOAD_UNKNOWN', 'unknown');
    if (request.method === 'PUT' && (tries += 1) === 1) return request.resume(), refuse(response, 500, 'UNKNOWN', 'disk');
    return false;
  };
  assert.equal(await put(), 'uploaded');
  assert.deepEqual(asked, [0, 0]);
});

const cases: readonly (readonly [name: string, behave: Behaviour, kind: EstivaError['kind'], message: RegExp])[] = [
  ['denies', (request, response) => request.method === 'POST' && refuse(response, 403, 'DENIED', 'requested access to the resource is denied'), 'denied', /^denied: requested access to the resource is denied$/],
  ['names no address', (request, response) => request.method === 'POST' && (response.writeHead(202).end(), true), 'invalid', /does not say where to upload to$/],
  ['sends to an address that is none', (request, response) => request.method === 'POST' && (response.writeHead(202, { Location: 'http://[' }).end(), true), 'invalid', /does not say where to upload to$/],
  ['finds another digest', (request, response, url) => isUpload(url) && request.method === 'PUT' && (request.resume(), refuse(response, 400, 'DIGEST_INVALID', 'provided digest did not match uploaded content')), 'invalid', /^digest invalid: provided digest did not match uploaded content$/],
  ['is always broken', (request, response, url) => isUpload(url) && request.method === 'PUT' && (request.resume(), refuse(response, 500, 'UNKNOWN', 'disk full')), 'unavailable', /^unknown: disk full$/],
  ['never answers', (request, _, url) => isUpload(url) && request.method === 'PUT' && (request.resume(), true), 'timeout', /no answer within 0\.3 seconds$/],
  ['takes no body however small', (request, response, url) => isUpload(url) && request.method === 'PUT' && (request.resume(), refuse(response, 413, 'SIZE_INVALID', 'too large')), 'too_large', /^size invalid: too large$/],
];

for (const [name, behave, kind, message] of cases) {
  test(`putBlob() to a registry that ${name}: a clear sentence`, async () => {
    registry.behave = behave;
    const error = await refused(put(smallDescriptor, small, {}, kind === 'timeout' ? impatient : registries));
    assert.equal(error.kind, kind, error.message);
    assert.match(error.message, message);
  });
}

test('putBlob() to a registry that takes nothing ends after its time-out', async () => {
  const large = randomBytes(24 << 20);
  registry.behave = (request, _, url) => isUpload(url) && request.method === 'PUT' && (request.pause(), request.socket.pause(), true);
  assert.equal((await refused(put({ ...descriptor, digest: sha256(large) as Digest, size: large.length }, large, {}, impatient))).kind, 'timeout');
});

test('content that is shorter than its descriptor is our own fault, and said so', async () => {
  const error = await refused(put({ ...smallDescriptor, size: 2000 }));
  assert.equal(error.kind, 'internal');
  assert.match(error.message, /ends after 1000 of 2000 bytes$/);
});

test('putDocument() sends the bytes as they are, and refuses a registry that took others', async () => {
  const bytes = Buffer.from('{"schemaVersion": 2,  "layers":[]}');
  assert.equal(await repository().putDocument('1', bytes, 'application/vnd.oci.image.manifest.v1+json'), sha256(bytes));
  assert.deepEqual(registry.manifests.get('1')?.bytes, bytes);
  registry.behave = (_, response) => (response.writeHead(201, { 'Docker-Content-Digest': `sha256:${'0'.repeat(64)}` }).end(), true);
  assert.match((await refused(repository().putDocument('1', bytes, 'x/y'))).message, /^The registry took sha256:/);
});

test('tags() follows the pages, and ends when they do not', async () => {
  const page = (tags: readonly string[], next?: string): Behaviour => (_, response) => (response.writeHead(200, { 'Content-Type': 'application/json', ...next === undefined ? {} : { Link: `<${next}>; rel="next"` } }).end(JSON.stringify({ name: 'a/box', tags })), true);
  const last = page(['c'], undefined);
  registry.behave = (request, response, url) => (url.searchParams.get('last') === 'b' ? last : page(['a', 'b'], '/v2/a/box/tags/list?n=2&last=b'))(request, response, url);
  assert.deepEqual(await Array.fromAsync(repository().tags()), ['a', 'b', 'c']);
  registry.behave = page(['a'], '/v2/a/box/tags/list?n=1000');
  assert.match((await refused(Array.fromAsync(repository().tags()))).message, /does not end: its next page is the same one$/);
});

test('referrers() come from the registry\'s list, or from the index with the tag of their subject', async () => {
  const subject = sha256(small) as Digest;
  const one = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: sha256(Buffer.from('1')) as Digest, size: 1, artifactType: 'sbom/x' };
  const two = { ...one, digest: sha256(Buffer.from('2')) as Digest, artifactType: 'sig/y' };
  addManifest(registry, subject.replace(':', '-'), { schemaVersion: 2, manifests: [one, two] }, 'application/vnd.oci.image.index.v1+json');
  assert.deepEqual(await repository().referrers(subject), [one, two]);
  assert.deepEqual(await repository().referrers(subject, 'sig/y'), [two]);
  registry.behave = (_, response, url) => (url.pathname.includes('/referrers/') ? (response.writeHead(200, { 'Content-Type': 'application/vnd.oci.image.index.v1+json' }).end(JSON.stringify({ schemaVersion: 2, manifests: [one] })), true) : false);
  assert.deepEqual(await repository().referrers(subject), [one]);
  assert.deepEqual(await repository().referrers(parseDigest(subject), 'sig/y'), []);
});
