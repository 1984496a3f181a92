// A registry that lies, is slow, or breaks: every case ends in a sentence that says what is wrong, within its time-out.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { isFail, parseDigest, type EstivaError } from '../base/index.ts';
import type { Descriptor } from '../spec/oci/image.ts';
import { parseManifest } from '../spec/oci/manifest.ts';
import { parseReference } from '../spec/reference.ts';
import { openRegistries, type Credentials, type RegistrySettings, type Repository } from './index.ts';
import { defaultPatience } from './settings.ts';
import { addBlob, addManifest, openFakeRegistry, refuse, type Behaviour, type FakeRegistry } from './registry.fixture.ts';

const patience = { ...defaultPatience, retriesMax: 2, pauseMs: 5, pauseMaxMs: 10, retryAfterMaxMs: 1_000 };
/** For those cases only that are to end in a time-out: a busy machine must not make one of the others. */
const impatience = { ...patience, headMs: 300, idleMs: 200, documentMs: 500 };
const registry = await openFakeRegistry();
const registries = openRegistries({ patience, certsDirs: [] });
after(async () => { await registries[Symbol.asyncDispose](); await registry[Symbol.asyncDispose](); });

const layer = addBlob(registry, randomBytes(300_000)) as Descriptor;
const config = addBlob(registry, Buffer.from('{}')) as Descriptor;
const manifest = { schemaVersion: 2, config, layers: [layer] };
const digest = addManifest(registry, '1', manifest);

function repositoryOf(at: FakeRegistry, credentials?: Credentials, settings: Partial<RegistrySettings> = {}): Repository {
  const opened = Object.keys(settings).length === 0 ? registries : openRegistries({ patience, certsDirs: [], ...settings });
  return opened.repository(parseReference(`${at.host}/a/box:1`), { credentials });
}

/** While `run` runs, the registry behaves like this. */
async function behaving<T>(behave: Behaviour | undefined, run: (repository: Repository) => Promise<T>, settings: Partial<RegistrySettings> = {}): Promise<T> {
  registry.behave = behave;
  registry.seen.length = 0;
  try {
    return await run(repositoryOf(registry, undefined, settings));
  } finally {
    registry.behave = undefined;
  }
}

async function refused(run: Promise<unknown>): Promise<EstivaError> {
  const began = performance.now();
  try {
    await run;
  } catch (error) {
    if (!isFail(error)) throw error;
    assert.ok(performance.now() - began < 20_000, 'within its time-out');
    return error;
  }
  return assert.fail('nothing was refused');
}

async function bytesOf(blob: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(blob));
}

const isManifest = (url: URL): boolean => url.pathname.includes('/manifests/');
const isBlob = (url: URL): boolean => url.pathname.includes('/blobs/');
const get = (repository: Repository): Promise<unknown> => repository.document('1');
const getLayer = (repository: Repository): Promise<Buffer> => bytesOf(repository.blob(layer));

test('document() gives the manifest of a tag and of a digest, with its digest, size and type', async () => {
  const repository = repositoryOf(registry);
  const byTag = await repository.document('1');
  assert.deepEqual(byTag.descriptor, { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size: byTag.bytes.length });
  assert.deepEqual(await repository.document(digest), byTag);
  assert.deepEqual(await repository.exists('1'), byTag.descriptor);
  assert.equal(await repository.exists('nope'), undefined);
  assert.deepEqual(await Array.fromAsync(repository.tags()), ['1']);
});

test('document() of what is not there is not found, in Docker\'s words', async () => {
  const error = await refused(repositoryOf(registry).document('nope'));
  assert.equal(error.kind, 'not_found');
  assert.equal(error.message, `manifest for ${registry.host}/a/box:nope not found: manifest unknown: manifest unknown`);
});

const parts = { blobBytesMin: 200_000, partBytes: 32_768, lanes: 2 };

test('blob() that is big comes in parts, several at once, in their order', async () => {
  let [open, most] = [0, 0];
  const four = Promise.withResolvers<void>();
  // Nobody is answered before there are four.
  const counted: Behaviour = (_, response, url) => {
    if (!isBlob(url)) return;
    most = Math.max(most, ++open);
    if (open === 4) four.resolve();
    const end = response.end.bind(response) as (...args: unknown[]) => typeof response;
    response.end = ((...args: unknown[]) => { void four.promise.then(() => { open--; end(...args); }); return response; }) as typeof response.end;
  };
  const bytes = await behaving(counted, getLayer, { parts });
  assert.ok(bytes.equals(registry.blobs.get(layer.digest)!));
  assert.deepEqual(registry.seen.map(({ headers: { range } }) => range).toSorted((a, b) => Number(a?.slice(6).split('-')[0]) - Number(b?.slice(6).split('-')[0])).at(-1), `bytes=${9 * 32_768}-299999`);
  assert.equal(most, 4);
});

test('blob() in parts goes on where one broke off, and from an offset', async () => {
  let broken = 0;
  const from = 3 * 32_768 + 1000;
  const breaking: Behaviour = (request, response, url) => {
    if (!isBlob(url) || request.headers.range?.startsWith(`bytes=${from}-`) !== true || broken++ > 0) return;
    response.writeHead(206, { 'Content-Range': `bytes ${from}-${from + 32_767}/300000`, 'Content-Length': 32_768 });
    response.write(registry.blobs.get(layer.digest)!.subarray(from, from + 20_000), () => { response.destroy(); });
  };
  const bytes = await behaving(breaking, (repository) => bytesOf(repository.blob(layer, 1000)), { parts });
  assert.ok(bytes.equals(registry.blobs.get(layer.digest)!.subarray(1000)));
  assert.equal(broken, 1);
});

test('blob() comes in one piece from a registry without ranges', async () => {
  const bytes = await behaving((_, response, url) => isBlob(url) && answer(response, registry.blobs.get(layer.digest)!), getLayer, { parts });
  assert.ok(bytes.equals(registry.blobs.get(layer.digest)!));
});

test('blob() in parts: somebody who leaves gives the lanes back', async () => {
  await behaving(undefined, async (repository) => {
    for (let n = 0; n < 4; n++) for await (const chunk of repository.blob(layer)) if (chunk.length > 0) break;
    assert.ok((await bytesOf(repository.blob(layer))).equals(registry.blobs.get(layer.digest)!));
  }, { parts });
});

test('blob() in parts refuses more of it than was asked for', async () => {
  const error = await behaving((request, response, url) => isBlob(url) && request.headers.range !== undefined && (response.writeHead(206, { 'Content-Range': 'bytes 0-32767/300000', 'Content-Length': '40000' }).end(Buffer.alloc(40_000)), true), (repository) => refused(getLayer(repository)), { parts });
  assert.ok(error.kind === 'invalid' && error.message.startsWith('The blob is larger than it was asked for: '), error.message);
});

const manifestCases: readonly (readonly [name: string, behave: Behaviour, kind: EstivaError['kind'], message: RegExp])[] = [
  ['a digest in the header that is not the bytes\'', (_, response, url) => isManifest(url) && answer(response, JSON.stringify(manifest), { 'Docker-Content-Digest': `sha256:${'0'.repeat(64)}` }), 'invalid', /^manifest verification failed: the registry says sha256:0{64} and sent /],
  ['more than a manifest may have, as it says', (_, response, url) => isManifest(url) && answer(response, 'x', { 'Content-Length': '5000000' }), 'too_large', /larger than 4194304 bytes/],
  ['a manifest without end', (_, response, url) => isManifest(url) && endless(response), 'too_large', /larger than 4194304 bytes/],
  ['a gzip of zeros', (_, response, url) => isManifest(url) && answer(response, gzipSync(Buffer.alloc(8 << 20)), { 'Content-Encoding': 'gzip' }), 'too_large', /larger than 4194304 bytes/],
  ['a page of the web', (_, response, url) => isManifest(url) && answer(response, '<html>Welcome</html>', { 'Content-Type': 'text/html' }), 'unsupported', /^The registry's answer is no manifest: its type is "text\/html"$/],
  ['a manifest of schema 1', (_, response, url) => isManifest(url) && answer(response, '{"schemaVersion":1}', { 'Content-Type': 'application/vnd.docker.distribution.manifest.v1+prettyjws' }), 'unsupported', /schema 1/],
  ['no answer', (_, __, url) => isManifest(url), 'timeout', /no answer within 0\.3 seconds$/],
  ['a head and then nothing', (_, response, url) => isManifest(url) && (response.writeHead(200, { 'Content-Length': '100' }).write('{'), true), 'timeout', /stood still for 0\.2 seconds$/],
  ['a byte now and then', (_, response, url) => isManifest(url) && drip(response), 'timeout', /stood still|took longer than 0\.5 seconds/],
  ['always the same redirect', (_, response, url) => isManifest(url) && redirect(response, url.pathname), 'unavailable', /^stopped after 5 redirects/],
  ['a redirect to nowhere', (_, response, url) => isManifest(url) && redirect(response, 'http://['), 'invalid', /an address that is none/],
  ['a redirect to a file', (_, response, url) => isManifest(url) && redirect(response, 'file:///etc/passwd'), 'denied', /no address of the web/],
  ['429 for ever', (_, response, url) => isManifest(url) && refuse(response, 429, 'TOOMANYREQUESTS', 'pull rate limit'), 'unavailable', /^toomanyrequests: pull rate limit$/],
  ['429 until tomorrow', (_, response, url) => isManifest(url) && refuse(response, 429, 'TOOMANYREQUESTS', 'pull rate limit', { 'Retry-After': '86400' }), 'unavailable', /^toomanyrequests: pull rate limit$/],
  ['503 with a page', (_, response, url) => isManifest(url) && answer(response, '<html>busy</html>', { 'Content-Type': 'text/html' }, 503), 'unavailable', /^received unexpected HTTP status: 503 Service Unavailable$/],
  ['an error page without end', (_, response, url) => isManifest(url) && (response.writeHead(403), endless(response)), 'not_found', /^pull access denied for .*: denied: requested access to the resource is denied$/],
  ['an error in gzip', (_, response, url) => isManifest(url) && answer(response, gzipSync('{"errors":[{"code":"DENIED","message":"no"}]}'), { 'Content-Encoding': 'gzip' }, 403), 'not_found', /^pull access denied for .*, repository does not exist or may require 'docker login': denied: no$/],
  ['an error with control characters', (_, response, url) => isManifest(url) && refuse(response, 403, 'X', '\u001b[31mred\n\u202eright'), 'denied', /^x: {1,2}\[31mred right$/],
  ['what is not HTTP', (_, response, url) => isManifest(url) && (response.socket?.end('SSH-2.0-OpenSSH\r\n'), true), 'unavailable', /the answer is not HTTP$/],
];

for (const [name, behave, kind, message] of manifestCases) {
  test(`document() refuses ${name}`, async () => {
    const error = await behaving(behave, (repository) => refused(get(repository)), kind === 'timeout' ? { patience: impatience } : {});
    assert.equal(error.kind, kind, error.message);
    assert.match(error.message, message);
  });
}

test('document() by digest refuses other bytes', async () => {
  const error = await behaving((_, response, url) => isManifest(url) && answer(response, '{"schemaVersion":2,"layers":[]}'), (repository) => refused(repository.document(digest)));
  assert.match(error.message, /^manifest verification failed for digest sha256:/);
});

test('document() takes the type from the document where the registry gives a general one', async () => {
  const index = JSON.stringify({ schemaVersion: 2, manifests: [] });
  const { descriptor } = await behaving((_, response, url) => isManifest(url) && answer(response, index, { 'Content-Type': 'application/json' }), (repository) => repository.document('1'));
  assert.equal(descriptor.mediaType, 'application/vnd.oci.image.index.v1+json');
});

test('a document that is a manifest and an index at once is refused by its parser', async () => {
  const both = JSON.stringify({ ...manifest, manifests: [] });
  const { bytes, descriptor } = await behaving((_, response, url) => isManifest(url) && answer(response, both), (repository) => repository.document('1'));
  assert.throws(() => parseManifest(Buffer.from(bytes).toString(), descriptor.mediaType), /a manifest and an index at once/);
});

test('blob() gives all of it, and the rest from an offset', async () => {
  const whole = registry.blobs.get(layer.digest)!;
  assert.deepEqual(await bytesOf(repositoryOf(registry).blob(layer)), whole);
  assert.deepEqual(await bytesOf(repositoryOf(registry).blob(layer, 299_990)), whole.subarray(299_990));
});

test('blob() goes on where the connection broke', async () => {
  const whole = registry.blobs.get(layer.digest)!;
  let broken = 0;
  const bytes = await behaving((request, response, url) => {
    if (!isBlob(url) || broken === 2) return false;
    broken += 1;
    const at = Number(/bytes=(\d+)/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(at === 0 ? 200 : 206, { 'Content-Length': whole.length - at, 'Content-Range': `bytes ${at}-${whole.length - 1}/${whole.length}` });
    response.write(whole.subarray(at, at + 100_000), () => setTimeout(() => response.destroy(), 20));
    return true;
  }, getLayer);
  assert.deepEqual(bytes, whole);
  assert.deepEqual(registry.seen.filter(({ path }) => path.includes('/blobs/')).map(({ headers }) => headers.range), [undefined, 'bytes=100000-299999', 'bytes=200000-299999']);
});

test('blob() skips what is there when the registry knows no ranges', async () => {
  const whole = registry.blobs.get(layer.digest)!;
  let tries = 0;
  const bytes = await behaving((_, response, url) => {
    if (!isBlob(url)) return false;
    tries += 1;
    response.writeHead(200, { 'Content-Length': whole.length });
    if (tries === 2) response.end(whole);
    else response.write(whole.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 20));
    return true;
  }, getLayer);
  assert.deepEqual(bytes, whole);
});

const blobCases: readonly (readonly [name: string, behave: Behaviour, kind: EstivaError['kind'], message: RegExp])[] = [
  ['a blob that says it is longer', (_, response, url) => isBlob(url) && answer(response, 'x', { 'Content-Length': '300001' }), 'invalid', /^The blob is larger than the 300000 bytes that the manifest says/],
  ['a blob without end', (_, response, url) => isBlob(url) && endless(response), 'invalid', /^The blob is larger than the 300000 bytes/],
  ['a blob that is shorter', (request, response, url) => isBlob(url) && (request.headers.range === undefined ? answer(response, Buffer.alloc(200_000)) : answer(response, '', {}, 416)), 'invalid', /416 Range Not Satisfiable$/],
  ['a blob that is shorter each time', (_, response, url) => isBlob(url) && answer(response, Buffer.alloc(1000)), 'unavailable', /^The blob ends after 1000 of 300000 bytes/],
  ['another part', (_, response, url) => isBlob(url) && answer(response, 'x', { 'Content-Range': 'bytes 7-7/300000' }, 206), 'invalid', /another part of the blob/],
  ['a blob packed once more', (_, response, url) => isBlob(url) && answer(response, gzipSync(registry.blobs.get(layer.digest)!), { 'Content-Encoding': 'gzip' }), 'invalid', /packed once more, with "gzip"/],
  ['a blob that stands still', (_, response, url) => isBlob(url) && (response.writeHead(200).write(Buffer.alloc(10)), true), 'timeout', /stood still for 0\.2 seconds/],
  ['no blob', (_, response, url) => isBlob(url) && answer(response, '', {}, 404), 'not_found', /^blob unknown/],
];

for (const [name, behave, kind, message] of blobCases) {
  test(`blob() refuses ${name}`, async () => {
    const error = await behaving(behave, (repository) => refused(getLayer(repository)), kind === 'timeout' ? { patience: impatience } : {});
    assert.equal(error.kind, kind, error.message);
    assert.match(error.message, message);
  });
}

test('an aborted signal ends a pull at once, with its own reason', async () => {
  registry.behave = () => true;
  const ended = new AbortController();
  const reason = new Error('enough');
  setTimeout(() => ended.abort(reason), 30);
  const began = performance.now();
  await assert.rejects(registries.repository(parseReference(`${registry.host}/a/box`), { signal: ended.signal }).document('1'), reason);
  assert.ok(performance.now() - began < 10_000, 'long before its time-out');
  registry.behave = undefined;
});

test('a request is sent again after 503 and a broken connection, and then answered', async () => {
  let tries = 0;
  const found = await behaving((_, response, url) => {
    if (!isManifest(url)) return false;
    tries += 1;
    if (tries === 1) return answer(response, '', {}, 503);
    if (tries === 2) return response.destroy(), true;
    return false;
  }, (repository) => repository.document('1'));
  assert.equal(found.descriptor.digest, digest);
  assert.equal(tries, 3);
});

test('a registry that is not there is said in Docker\'s words', async () => {
  const error = await refused(registries.repository(parseReference('127.0.0.1:1/a/box'), {}).document('1'));
  assert.equal(error.kind, 'unavailable');
  assert.equal(error.message, 'Get "http://127.0.0.1:1/v2/a/box/manifests/1": dial tcp 127.0.0.1:1: connect: connection refused');
});

test('mirrors are asked first, without credentials; what they do not have comes from the registry', async () => {
  await using mirror = await openFakeRegistry();
  addBlob(mirror, registry.blobs.get(config.digest)!);
  registry.seen.length = 0;
  const repository = repositoryOf(registry, { username: 'u', password: 'secret' }, { mirrors: new Map([[registry.host, [new URL(`${mirror.url}/`)]]]) });
  mirror.behave = (_, response) => (response.setHeader('WWW-Authenticate', 'Basic realm="x"'), false);
  assert.deepEqual(await bytesOf(repository.blob(config)), Buffer.from('{}'));
  assert.equal(registry.seen.length, 0);
  assert.equal((await repository.document('1')).descriptor.digest, digest);
  assert.deepEqual(await bytesOf(repository.blob(layer)), registry.blobs.get(layer.digest));
  assert.ok(mirror.seen.length > 0 && mirror.seen.every(({ headers }) => headers.authorization === undefined));
});

test('a mirror that lies about a digest is passed over', async () => {
  await using mirror = await openFakeRegistry({ behave: (_, response) => answer(response, '{"schemaVersion":2,"config":{}}') });
  const repository = repositoryOf(registry, undefined, { mirrors: new Map([[registry.host, [new URL(`${mirror.url}/`)]]]) });
  assert.equal((await repository.document(digest)).descriptor.digest, digest);
});

test('the default registry stands in for Docker Hub, without the folder library/ and without its credentials', async () => {
  const settings = { defaultRegistry: registry.host };
  const own = openRegistries({ patience, certsDirs: [], ...settings });
  registry.seen.length = 0;
  registry.behave = (_, response) => refuse(response, 401, 'UNAUTHORIZED', 'authentication required', { 'WWW-Authenticate': 'Basic realm="x"' });
  const error = await refused(own.repository(parseReference('box:1'), { credentials: { username: 'u', password: 'secret', server: 'https://index.docker.io/v1/' } }).document('1'));
  assert.match(error.message, /no basic auth credentials$/);
  assert.equal(registry.seen.at(-1)?.path, '/v2/box/manifests/1');
  registry.behave = undefined;
});

test('parseDigest() refuses what document() would put into a path', async () => {
  assert.throws(() => parseDigest('sha256:../../x'));
  assert.equal((await refused(Promise.resolve().then(() => repositoryOf(registry).document('sha256:../x')))).kind, 'invalid');
});

type Response = Parameters<Behaviour>[1];

function answer(response: Response, body: string | Buffer, headers: Readonly<Record<string, string>> = {}, status = 200): true {
  response.writeHead(status, { 'Content-Type': 'application/vnd.oci.image.manifest.v1+json', ...headers }).end(body);
  return true;
}

function endless(response: Response): true {
  const chunk = Buffer.alloc(65_536);
  const more = (): void => { while (!response.destroyed && response.write(chunk)); if (!response.destroyed) response.once('drain', more); };
  more();
  return true;
}

function drip(response: Response): true {
  response.writeHead(200);
  const timer = setInterval(() => response.write('{'), 50);
  response.on('close', () => clearInterval(timer));
  return true;
}

function redirect(response: Response, location: string): true {
  response.writeHead(307, { Location: location }).end();
  return true;
}
