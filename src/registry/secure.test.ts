// Credentials and TLS: what goes where, and what never does.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { inspect } from 'node:util';
import { isFail, type EstivaError } from '../base/index.ts';
import type { Descriptor } from '../spec/oci/image.ts';
import { parseReference } from '../spec/reference.ts';
import { openRegistries, type Credentials, type Registries, type RegistrySettings } from './index.ts';
import { addBlob, addManifest, bodyOf, certificate, openFakeProxy, openFakeRegistry, refuse, type Behaviour, type FakeRegistry } from './registry.fixture.ts';
import { defaultPatience } from './settings.ts';

const patience = { ...defaultPatience, retriesMax: 1, pauseMs: 5, pauseMaxMs: 10, retryAfterMaxMs: 1_000 };
const dir = mkdtempSync(join(tmpdir(), 'estiva-certs-'));
const plain = await openFakeRegistry();
const secure = await openFakeRegistry({ tls: true });
const other = await openFakeRegistry();
const proxy = await openFakeProxy(secure);
const opened: Registries[] = [];
after(async () => {
  for (const one of opened) await one[Symbol.asyncDispose]();
  for (const one of [proxy, plain, secure, other]) await one[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true });
});
for (const host of ['registry.example', 'cdn.example', 'auth.example']) {
  mkdirSync(join(dir, host));
  writeFileSync(join(dir, host, 'ca.crt'), certificate);
}
const content = Buffer.from('content');
const layer = addBlob(plain, content) as Descriptor;
addBlob(secure, content);
addBlob(other, content);
const manifest = { schemaVersion: 2, config: layer, layers: [] };
for (const one of [plain, secure]) addManifest(one, '1', manifest);

const secret = 'hunter2-s3cr3t';
const user: Credentials = { username: 'u', password: secret };

function registriesWith(settings: Partial<RegistrySettings> = {}): Registries {
  const one = openRegistries({ patience, certsDirs: [dir], proxy: { http: undefined, https: proxy.url, none: '' }, ...settings });
  opened.push(one);
  return one;
}
const registries = registriesWith();
/** For the case only that is to end in a time-out. */
const impatient = registriesWith({ patience: { ...patience, headMs: 300 } });

interface Scene {
  readonly at?: string;
  readonly credentials?: Credentials | undefined;
  readonly behave?: Behaviour;
  readonly registry?: FakeRegistry;
  readonly using?: Registries;
}

/** Pulls the manifest and the layer of `1`. */
async function pull({ at, credentials, behave, registry = plain, using: from = registries }: Scene): Promise<Buffer> {
  for (const one of [plain, secure, other]) one.seen.length = 0;
  registry.behave = behave;
  try {
    const repository = from.repository(parseReference(`${at ?? registry.host}/a/box:1`), { credentials });
    await repository.document('1');
    return Buffer.concat(await Array.fromAsync(repository.blob(layer)));
  } finally {
    registry.behave = undefined;
  }
}

async function refused(run: Promise<unknown>): Promise<EstivaError> {
  const error = await run.then(() => assert.fail('nothing was refused'), (error: unknown) => error);
  assert.ok(isFail(error), inspect(error));
  assert.doesNotMatch(inspect(error, { depth: 10 }), new RegExp(`${secret}|${Buffer.from(`u:${secret}`).toString('base64')}`), 'no secret in the error');
  return error;
}

const isBlob = (url: URL): boolean => url.pathname.includes('/blobs/');
const challenge = (realm: string): Record<string, string> => ({ 'WWW-Authenticate': `Bearer realm="${realm}",service="test",scope="repository:a/box:pull"` });

/** A registry that wants a token of its own `/token`. */
function withTokens(give: (request: Parameters<Behaviour>[0], response: Parameters<Behaviour>[1], url: URL) => void, realm = (registry: FakeRegistry) => `${registry.url}/token`): Behaviour {
  return (request, response, url) => {
    if (url.pathname === '/token') { give(request, response, url); return true; }
    if (request.headers.authorization?.startsWith('Bearer good')) return false;
    return refuse(response, 401, 'UNAUTHORIZED', 'authentication required', challenge(realm(plain)));
  };
}

const json = (response: Parameters<Behaviour>[1], value: object, status = 200): void => { response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value)); };

test('a token is fetched once, with the scope of the repository and the password, and used until it expires', async () => {
  assert.deepEqual(await pull({ credentials: user, behave: withTokens((_, response) => json(response, { token: 'good', expires_in: 300 })) }), content);
  const asked = plain.seen.filter(({ path }) => path.startsWith('/token'));
  assert.deepEqual(asked.map(({ path }) => path), ['/token?service=test&scope=repository%3Aa%2Fbox%3Apull&account=u']);
  assert.equal(asked[0]?.headers.authorization, `Basic ${Buffer.from(`u:${secret}`).toString('base64')}`);
});

test('requests at the same moment share one token', async () => {
  let given = 0;
  plain.behave = withTokens((_, response) => { given += 1; setTimeout(() => json(response, { token: 'good' }), 50); });
  const repository = registries.repository(parseReference(`${plain.host}/a/box:1`), { credentials: user });
  await Promise.all([repository.document('1'), repository.document('1'), repository.exists('1')]);
  assert.equal(given, 1);
  plain.behave = undefined;
});

test('without credentials a token is asked for without any', async () => {
  assert.deepEqual(await pull({ behave: withTokens((_, response) => json(response, { access_token: 'good' })) }), content);
  assert.ok(plain.seen.filter(({ path }) => path.startsWith('/token')).every(({ headers }) => headers.authorization === undefined));
});

test('a token that was taken back is fetched anew, once', async () => {
  let given = 0;
  const behave: Behaviour = (request, response, url) => {
    if (url.pathname === '/token') { given += 1; json(response, { token: `good${given}` }); return true; }
    if (request.headers.authorization === (isBlob(url) ? 'Bearer good2' : 'Bearer good1')) return false;
    return refuse(response, 401, 'UNAUTHORIZED', 'authentication required', challenge(`${plain.url}/token`));
  };
  assert.deepEqual(await pull({ credentials: user, behave }), content);
  assert.equal(given, 2);
});

test('an identity token goes by POST, as OAuth 2 has it; where nobody knows that, the password goes by GET', async () => {
  let form = '';
  await pull({ credentials: { username: 'u', identityToken: 'identity' }, behave: withTokens((request, response) => void bodyOf(request).then((body) => { form = body.toString(); json(response, { access_token: 'good' }); })) });
  assert.equal(form, 'grant_type=refresh_token&client_id=estiva&service=test&scope=repository%3Aa%2Fbox%3Apull&refresh_token=identity');
  await pull({ credentials: { ...user, identityToken: 'identity' }, behave: withTokens((request, response) => (request.method === 'POST' ? json(response, {}, 404) : json(response, { token: 'good' }))) });
  assert.deepEqual(plain.seen.filter(({ path }) => path.startsWith('/token')).map(({ method }) => method), ['POST', 'GET']);
});

test('a registry token is sent as it is', async () => {
  assert.deepEqual(await pull({ credentials: { registryToken: 'good-own' }, behave: withTokens((_, response) => json(response, {}, 500)) }), content);
});

const badTokens: readonly (readonly [name: string, give: (response: Parameters<Behaviour>[1]) => void, message: RegExp])[] = [
  ['no JSON', (response) => response.end('<html>'), /is no token$/],
  ['no token in it', (response) => json(response, {}), /has no token in it$/],
  ['a token with a line break', (response) => json(response, { token: 'good\r\nX-Evil: 1' }), /characters that no token has/],
  ['a token of the wrong type', (response) => json(response, { token: { a: secret } }), /is no token$/],
  ['a refusal that repeats the password', (response) => json(response, { errors: [{ code: 'UNAUTHORIZED', message: `wrong password ${secret}` }] }, 401), /unauthorized: wrong password …$/],
  ['two megabytes', (response) => response.end('x'.repeat(2 << 20)), /larger than 1048576 bytes/],
  ['nothing', () => undefined, /no answer within/],
];

for (const [name, give, message] of badTokens) {
  test(`a place that gives tokens answers with ${name}: a clear sentence, without secrets`, async () => {
    assert.match((await refused(pull({ credentials: user, behave: withTokens((_, response) => give(response)), using: name === 'nothing' ? impatient : registries }))).message, message);
  });
}

test('a registry that never takes its token is not asked for ever', async () => {
  const error = await refused(pull({ credentials: user, behave: (_, response, url) => (url.pathname === '/token' ? (json(response, { token: 'x' }), true) : refuse(response, 401, 'UNAUTHORIZED', 'authentication required', challenge(`${plain.url}/token`))) }));
  assert.equal(error.kind, 'unauthorized');
  assert.equal(error.message, 'unauthorized: authentication required');
  assert.deepEqual(plain.seen.map(({ path }) => path.split('?', 1)[0]), ['/v2/a/box/manifests/1', '/token', '/v2/a/box/manifests/1']);
});

test('insufficient_scope is what Docker calls a denied pull', async () => {
  const behave: Behaviour = (_, response, url) => (url.pathname === '/token' ? (json(response, { token: 'x' }), true) : refuse(response, 401, 'UNAUTHORIZED', 'authentication required', { 'WWW-Authenticate': `Bearer realm="${plain.url}/token",error="insufficient_scope"` }));
  const error = await refused(pull({ credentials: user, behave }));
  assert.equal(error.message, `pull access denied for ${plain.host}/a/box, repository does not exist or may require 'docker login': denied: requested access to the resource is denied`);
  assert.equal(error.kind, 'not_found');
});

test('without TLS, a realm on another host gets nothing', async () => {
  const error = await refused(pull({ credentials: user, behave: (_, response) => refuse(response, 401, 'UNAUTHORIZED', 'no', challenge('http://auth.example/token')) }));
  assert.equal(error.kind, 'denied');
  assert.match(error.message, /sends for a token to auth\.example, without TLS: no credentials go there$/);
});

for (const realm of ['http://127.0.0.1:1/token', 'http://169.254.169.254/token', 'https://169.254.169.254/token', 'https://127.0.0.1/token', 'https://[::ffff:7f00:1]/token', 'https://localhost/token', 'https://[fe80::1]/token', 'http://registry.example/token']) {
  test(`a registry elsewhere sends for a token to ${realm}: nothing is asked there`, async () => {
    const error = await refused(pull({ at: 'registry.example', registry: secure, credentials: user, behave: (_, response) => refuse(response, 401, 'UNAUTHORIZED', 'no', challenge(realm)) }));
    assert.equal(error.kind, 'denied', error.message);
    assert.match(error.message, /sends for a token to/);
  });
}

for (const realm of ['', 'nonsense', 'file:///etc/passwd', 'javascript:alert(1)']) {
  test(`a realm that is no address of the web (${JSON.stringify(realm)}) is refused`, async () => {
    assert.match((await refused(pull({ credentials: user, behave: (_, response) => refuse(response, 401, 'UNAUTHORIZED', 'no', challenge(realm)) }))).message, /names no place that gives tokens/);
  });
}

test('user and password in a realm\'s address are dropped', async () => {
  await pull({ credentials: user, behave: withTokens((_, response) => json(response, { token: 'good' }), () => plain.url.replace('//', '//x:y@').concat('/token')) });
  assert.equal(plain.seen.find(({ path }) => path.startsWith('/token'))?.headers.authorization, `Basic ${Buffer.from(`u:${secret}`).toString('base64')}`);
});

test('basic: the password goes when it is asked for, and not before', async () => {
  const basic: Behaviour = (request, response) => (request.headers.authorization === undefined ? refuse(response, 401, 'UNAUTHORIZED', 'no', { 'WWW-Authenticate': 'Basic realm="x"' }) : false);
  assert.deepEqual(await pull({ credentials: user, behave: basic }), content);
  assert.equal(plain.seen[0]?.headers.authorization, undefined);
  const error = await refused(pull({ behave: basic }));
  assert.equal(error.message, `Get "${plain.url}/v2/a/box/manifests/1": no basic auth credentials`);
  assert.equal(error.hint, `Log in first: estiva login ${plain.host}`);
});

test('a wrong password is said as Docker says it, and sent once', async () => {
  const error = await refused(pull({ credentials: user, behave: (_, response) => refuse(response, 401, 'UNAUTHORIZED', 'authentication required', { 'WWW-Authenticate': 'Basic realm="x"' }) }));
  assert.equal(error.message, 'unauthorized: authentication required');
  assert.equal(plain.seen.filter(({ headers }) => headers.authorization !== undefined).length, 1);
});

test('a redirect to another host takes no Authorization along; one to the same host does', async () => {
  const basic: Behaviour = (request, response, url) => {
    if (request.headers.authorization === undefined) return refuse(response, 401, 'UNAUTHORIZED', 'no', { 'WWW-Authenticate': 'Basic realm="x"' });
    if (!isBlob(url) || url.pathname.startsWith('/v2/moved')) return false;
    response.writeHead(307, { Location: url.searchParams.has('x') ? `${other.url}${url.pathname}` : `${url.pathname}?x=1` }).end();
    return true;
  };
  assert.deepEqual(await pull({ credentials: user, behave: basic }), content);
  assert.ok(plain.seen.some(({ path, headers }) => path.endsWith('?x=1') && headers.authorization !== undefined));
  assert.deepEqual(other.seen.map(({ headers }) => headers.authorization), [undefined]);
});

test('a redirect from TLS to plain HTTP is refused, and one to an address of this machine', async () => {
  const sendTo = (location: string): Behaviour => (_, response, url) => (isBlob(url) ? (response.writeHead(302, { Location: location }).end(), true) : false);
  assert.match((await refused(pull({ at: 'registry.example', registry: secure, behave: sendTo('http://cdn.example/x') }))).message, /^The registry registry\.example sends to http:\/\/cdn\.example\/x, without TLS$/);
  assert.match((await refused(pull({ at: 'registry.example', registry: secure, behave: sendTo('https://169.254.169.254/latest') }))).message, /^The registry registry\.example sends to 169\.254\.169\.254, an address of this machine or its link$/);
});

test('a signature in a redirect\'s address is in no error', async () => {
  const error = await refused(pull({ behave: (_, response, url) => (isBlob(url) && !url.searchParams.has('sig') ? (response.writeHead(302, { Location: `${url.pathname}?sig=${secret}` }).end(), true) : isBlob(url) ? refuse(response, 403, 'X', 'no') : false) }));
  assert.equal(error.kind, 'denied');
});

test('TLS: the authority of certs.d is trusted for its registry, through the proxy', async () => {
  proxy.connected.length = 0;
  assert.deepEqual(await pull({ at: 'registry.example', registry: secure }), content);
  assert.deepEqual(new Set(proxy.connected), new Set(['registry.example:443']));
});

test('TLS: without the authority the certificate is refused in Docker\'s words, and nothing is sent', async () => {
  const error = await refused(pull({ at: 'registry.example', registry: secure, credentials: user, using: registriesWith({ certsDirs: [] }) }));
  assert.equal(error.message, 'Get "https://registry.example/v2/a/box/manifests/1": tls: failed to verify certificate: x509: certificate signed by unknown authority');
  assert.equal(secure.seen.length, 0);
});

test('insecure registries are those whose name is given, letter by letter', async () => {
  const named = (name: string): Registries => registriesWith({ certsDirs: [], insecure: new Set([name]) });
  assert.deepEqual(await pull({ at: 'registry.example', registry: secure, using: named('registry.example') }), content);
  for (const name of ['example', 'y.example', 'registry.example:443', 'registry.example.attacker.com']) {
    assert.match((await refused(pull({ at: 'registry.example', registry: secure, using: named(name) }))).message, /unknown authority$/);
  }
});

test('a certificate without its key is refused by name', async () => {
  const certs = mkdtempSync(join(dir, 'half-'));
  mkdirSync(join(certs, 'registry.example'));
  writeFileSync(join(certs, 'registry.example', 'client.cert'), certificate);
  assert.match((await refused(pull({ at: 'registry.example', registry: secure, using: registriesWith({ certsDirs: [certs] }) }))).message, /^missing key .*client\.key for client certificate .*client\.cert$/);
});

test('a name in capitals is the same registry, not another one', async () => {
  assert.deepEqual(await pull({ at: 'Registry.Example', registry: secure }), content);
});

test('login() tells whether the registry takes the password, and gives its identity token', async () => {
  plain.behave = withTokens((_, response, url) => json(response, { token: 'good', ...url.searchParams.get('offline_token') === 'true' ? { refresh_token: 'long' } : {} }));
  assert.deepEqual(await registries.login(plain.url, user), { identityToken: 'long' });
  plain.behave = (request, response) => (request.headers.authorization === undefined ? refuse(response, 401, 'X', 'no', { 'WWW-Authenticate': 'Basic realm="x"' }) : false);
  assert.deepEqual(await registries.login(plain.host, user), { identityToken: undefined });
  plain.behave = (_, response) => refuse(response, 401, 'X', 'no', { 'WWW-Authenticate': 'Basic realm="x"' });
  const error = await refused(registries.login(plain.host, user));
  assert.equal(error.message, `login attempt to ${plain.url}/v2/ failed with status: 401 Unauthorized`);
  assert.equal(error.kind, 'unauthorized');
  plain.behave = undefined;
});

test('search() reads the answer of Docker Hub\'s kind, and says when a registry has none', async () => {
  plain.behave = (_, response, url) => (url.pathname === '/v1/search' ? (json(response, { results: [{ name: 'a/box', description: 'A\u001b[0m box', star_count: 3, is_official: true }] }), true) : false);
  assert.deepEqual(await registries.search(`${plain.host}/box`, { limit: 5 }), [{ name: 'a/box', description: 'A [0m box', starCount: 3, isOfficial: true }]);
  assert.equal(plain.seen.at(-1)?.path, '/v1/search?q=box&n=5');
  plain.behave = undefined;
  const error = await refused(registries.search(`${plain.host}/box`, { limit: 5 }));
  assert.equal(error.message, 'Unexpected status code 404');
});
