import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { pino } from 'pino';
import { openRegistries } from '../registry/index.ts';
import { addBlob, addManifest, openFakeRegistry, refuse } from '../registry/registry.fixture.ts';
import { FakeEngine } from './fake-engine.ts';
import { serve } from './index.ts';
import { credentialsOf } from './registry-auth.ts';

const dir = mkdtempSync(join(tmpdir(), 'estiva-api-registries-'));
const socketPath = join(dir, 'api.sock');
const registry = await openFakeRegistry();
const registries = openRegistries({ certsDirs: [] });
const engine = Object.assign(new FakeEngine(), { registries });
const server = await serve({ engine, socketPath, version: '0', log: pino({ level: 'silent' }) });
after(async () => {
  for (const one of [server, registries, registry]) await one[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true });
});
beforeEach(() => { registry.behave = undefined; });

function call(method: string, path: string, { body, auth }: { readonly body?: object; readonly auth?: string } = {}): Promise<{ readonly status: number; readonly value: unknown }> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path, headers: { 'Content-Type': 'application/json', ...auth === undefined ? {} : { 'X-Registry-Auth': auth } } }, (response) => {
      void response.toArray().then((chunks) => resolve({ status: response.statusCode!, value: JSON.parse(Buffer.concat(chunks).toString()) }));
    });
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const withPassword = (): void => {
  registry.behave = (request, response) => (request.headers.authorization === `Basic ${Buffer.from('u:secret').toString('base64')}` ? false : refuse(response, 401, 'UNAUTHORIZED', 'authentication required', { 'WWW-Authenticate': 'Basic realm="x"' }));
};

test('POST /auth asks the registry', async () => {
  withPassword();
  const body = { username: 'u', password: 'secret', serveraddress: registry.host };
  assert.deepEqual(await call('POST', '/auth', { body }), { status: 200, value: { IdentityToken: '', Status: 'Login Succeeded' } });
  assert.deepEqual(await call('POST', '/auth', { body: { ...body, password: 'x' } }), { status: 401, value: { message: `login attempt to ${registry.url}/v2/ failed with status: 401 Unauthorized` } });
});

test('GET /distribution tells digest and platforms of a manifest and of an index', async () => {
  const config = { ...addBlob(registry, Buffer.from('{"architecture":"arm64","os":"linux","variant":"v8"}')), mediaType: 'application/vnd.oci.image.config.v1+json' };
  const digest = addManifest(registry, '1', { schemaVersion: 2, config, layers: [] });
  const one = await call('GET', `/distribution/${registry.host}/a/box:1/json`);
  assert.deepEqual(one, { status: 200, value: { Descriptor: { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size: registry.manifests.get('1')?.bytes.length }, Platforms: [{ architecture: 'arm64', os: 'linux', variant: 'v8' }] } });
  const entry = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size: 1, platform: { architecture: 'amd64', os: 'linux' } };
  addManifest(registry, 'all', { schemaVersion: 2, manifests: [entry, { ...entry, platform: { architecture: '386', os: 'linux' } }] }, 'application/vnd.oci.image.index.v1+json');
  const all = await call('GET', `/distribution/${registry.host}/a/box:all/json`);
  assert.deepEqual((all.value as { Platforms: unknown }).Platforms, [{ architecture: 'amd64', os: 'linux' }, { architecture: '386', os: 'linux' }]);
  assert.deepEqual(await call('GET', `/distribution/${registry.host}/a/box:nope/json`), { status: 404, value: { message: 'manifest unknown: manifest unknown' } });
  assert.deepEqual(await call('GET', '/distribution/UPPER/json'), { status: 400, value: { message: 'invalid reference format: repository name (library/UPPER) must be lowercase' } });
});

test('X-Registry-Auth lets in, in both kinds of base64; what is no JSON is refused and not repeated', async () => {
  withPassword();
  const path = `/distribution/${registry.host}/a/box:1/json`;
  assert.equal((await call('GET', path, { auth: encoded({ username: 'u', password: 'secret' }) })).status, 200);
  assert.equal((await call('GET', path, { auth: Buffer.from(JSON.stringify({ auth: Buffer.from('u:secret').toString('base64') })).toString('base64') })).status, 200);
  assert.equal((await call('GET', path)).status, 403);
  assert.deepEqual(await call('GET', path, { auth: 'hunter2' }), { status: 400, value: { message: 'invalid X-Registry-Auth header: it is not JSON in base64' } });
  assert.equal((await call('GET', path, { auth: encoded([1]) })).status, 400);
  assert.equal(credentialsOf({ 'x-registry-auth': 'bnVsbA==' }), undefined);
  assert.deepEqual(credentialsOf({ 'x-registry-auth': encoded({ identitytoken: 'i', registrytoken: 'r', serveraddress: 's' }) }), { username: undefined, password: undefined, identityToken: 'i', registryToken: 'r', server: 's' });
});

test('GET /images/search passes limit and filters on', async () => {
  const results = [{ name: 'a', description: 'A', star_count: 5, is_official: true }, { name: 'b', description: 'B', star_count: 1, is_official: false }];
  registry.behave = (_, response, url) => (url.pathname === '/v1/search' ? (response.end(JSON.stringify({ results })), true) : false);
  const found = async (query: string): Promise<readonly string[]> => ((await call('GET', `/images/search?term=${registry.host}/x&${query}`)).value as { name: string }[]).map(({ name }) => name);
  assert.deepEqual(await found(''), ['a', 'b']);
  assert.equal(registry.seen.at(-1)?.path, '/v1/search?q=x&n=25');
  assert.deepEqual(await found(`filters=${encodeURIComponent('{"stars":["3"]}')}`), ['a']);
  assert.deepEqual(await found(`filters=${encodeURIComponent('{"is-official":["false"]}')}`), ['b']);
  assert.deepEqual(await found(`filters=${encodeURIComponent('{"is-automated":["true"]}')}`), []);
  for (const [query, message] of [['limit=1000', 'limit 1000 is outside the range of [1, 100]'], ['limit=0', 'limit 0 is outside the range of [1, 100]'], [`filters=${encodeURIComponent('{"stars":["x"]}')}`, "invalid filter 'stars=x' (Give a number)"]] as const) {
    assert.deepEqual(await call('GET', `/images/search?term=x&${query}`), { status: 400, value: { message } });
  }
});
