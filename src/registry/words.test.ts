import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseReference } from '../spec/reference.ts';
import { isOnlyHere } from './addresses.ts';
import { parseChallenges } from './challenge.ts';
import { retryAfterMs } from './endpoint.ts';
import { goesThroughProxy } from './proxy.ts';
import { completeSettings, type RegistrySettings } from './settings.ts';
import { registryHost, sitesOf } from './site.ts';
import { registrySettings, type RegistryWords } from './words.ts';

const none: RegistryWords = { mirrors: [], insecure: [], defaultRegistry: undefined };
const sites = (name: string, settings: Partial<RegistrySettings> = {}): readonly string[] => sitesOf(parseReference(name), completeSettings(settings)).map(({ url, path, isInsecure, isMirror }) => `${url.href} ${path}${isInsecure ? ' insecure' : ''}${isMirror ? ' mirror' : ''}`);

test('registrySettings() reads flags, and the environment where there are none', () => {
  const given = registrySettings({ mirrors: ['https://m.example', 'GHCR.io=http://n.example/x'], insecure: ['Reg:5000', '10.0.0.0/8'], defaultRegistry: undefined }, { ESTIVA_REGISTRY_MIRRORS: 'https://unused.example' });
  assert.deepEqual([...given.mirrors].map(([name, urls]) => [name, urls.map(({ href }) => href)]), [['docker.io', ['https://m.example/']], ['ghcr.io', ['http://n.example/x/']]]);
  assert.deepEqual([...given.insecure], ['reg:5000', '10.0.0.0/8']);
  const fromEnvironment = registrySettings(none, { ESTIVA_REGISTRY: 'r.example', ESTIVA_REGISTRY_MIRRORS: 'https://a.example, https://b.example', ESTIVA_INSECURE_REGISTRIES: 'x' });
  assert.deepEqual(fromEnvironment.mirrors.get('r.example')?.length, 2);
  assert.equal(fromEnvironment.defaultRegistry, 'r.example');
  assert.deepEqual([...fromEnvironment.insecure], ['x']);
});

for (const [words, message] of [
  [{ mirrors: ['m.example'] }, /^invalid mirror: "m\.example" is no address with http/], [{ mirrors: ['ftp://m.example'] }, /^invalid mirror/], [{ mirrors: ['https://u:p@m.example'] }, /^invalid mirror: user and password/],
  [{ mirrors: ['https://m.example/?x'] }, /^invalid mirror/], [{ insecure: ['http://x'] }, /^insecure registry "http:\/\/x" is not valid/], [{ insecure: ['10.0.0.0/99'] }, /is not valid/], [{ defaultRegistry: 'a/b' }, /^invalid registry/],
] as const) {
  test(`registrySettings() refuses ${JSON.stringify(words)}`, () => { assert.throws(() => registrySettings({ ...none, ...words }, {}), { message }); });
}

test('sitesOf() knows Docker Hub, mirrors, loopback, insecure names and the default registry', () => {
  assert.deepEqual(sites('busybox'), ['https://registry-1.docker.io/ library/busybox']);
  assert.deepEqual(sites('localhost:5000/x'), ['https://localhost:5000/ x insecure']);
  assert.deepEqual(sites('127.9.9.9/x'), ['https://127.9.9.9/ x insecure']);
  assert.deepEqual(sites('localhost.evil.example/x'), ['https://localhost.evil.example/ x']);
  assert.deepEqual(sites('127.0.0.1.evil.example/x'), ['https://127.0.0.1.evil.example/ x']);
  assert.deepEqual(sites('10.1.2.3:5000/x', { insecure: new Set(['10.0.0.0/8']) }), ['https://10.1.2.3:5000/ x insecure']);
  assert.deepEqual(sites('reg.example/x', { insecure: new Set(['reg.example:5000', 'example', 'evilreg.example']) }), ['https://reg.example/ x']);
  assert.deepEqual(sites('box', { defaultRegistry: 'r.example', mirrors: new Map([['r.example', [new URL('http://m.example/p/')]]]) }), ['http://m.example/p/ box mirror', 'https://r.example/ box']);
});

test('registryHost() reads what people and configurations write', () => {
  for (const [server, host] of [['', 'registry-1.docker.io'], ['https://index.docker.io/v1/', 'registry-1.docker.io'], ['docker.io', 'registry-1.docker.io'], ['HTTP://Localhost:5000/v2/', 'localhost:5000'], ['azurecr.io.attacker.com', 'azurecr.io.attacker.com']] as const) assert.equal(registryHost(server), host);
});

test('goesThroughProxy() reads NO_PROXY as Go does', () => {
  const through = (address: string, list: string): boolean => goesThroughProxy(new URL(address), list);
  for (const [address, list, expected] of [
    ['https://a.example', '', true], ['https://localhost:5000', '', false], ['http://127.0.0.2', '', false], ['https://a.example', '*', false], ['https://a.example', 'example', false], ['https://a.example', '.example', false],
    ['https://example', '.example', true], ['https://aexample', 'example', true], ['https://a.example', 'A.Example:443', false], ['https://a.example', 'a.example:80', true], ['https://10.1.1.1', '10.0.0.0/8', false],
    ['https://11.1.1.1', '10.0.0.0/8, 11.1.1.1', false], ['https://[fd00::1]', 'fd00::/8', false], ['https://a.example', 'x,*.example', false],
  ] as const) assert.equal(through(address, list), expected, `${address} with ${list}`);
});

test('isOnlyHere() knows this machine and its link in every spelling', () => {
  for (const address of ['http://127.1', 'http://0x7f.1', 'http://2130706433', 'http://[::1]', 'http://[::ffff:127.0.0.1]', 'http://[::ffff:169.254.169.254]', 'http://0.0.0.0', 'http://169.254.169.254', 'http://[fe80::1]', 'http://x.localhost', 'http://[::]']) assert.ok(isOnlyHere(new URL(address)), address);
  for (const address of ['http://127.0.0.1.example', 'http://10.0.0.1', 'http://[fd00::1]', 'http://localhost.example', 'http://feb0.example']) assert.ok(!isOnlyHere(new URL(address)), address);
});

test('parseChallenges() reads several, quotes and commas in them, and nothing of nonsense', () => {
  const read = (header: string): unknown => parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
  assert.deepEqual(read('Bearer realm="https://a/t",service="x, \\"y\\"",scope="repository:a:pull,push"'), [['bearer', { realm: 'https://a/t', service: 'x, "y"', scope: 'repository:a:pull,push' }]]);
  assert.deepEqual(read('Basic realm=x, Bearer realm="y"'), [['basic', { realm: 'x' }], ['bearer', { realm: 'y' }]]);
  assert.deepEqual(read('Negotiate, BASIC Realm = "x"'), [['negotiate', {}], ['basic', { realm: 'x' }]]);
  assert.deepEqual(read('"'), []);
  assert.deepEqual(read('realm="x"'), []);
});

test('retryAfterMs() reads seconds and dates', () => {
  assert.equal(retryAfterMs('3'), 3000);
  assert.equal(retryAfterMs('Thu, 01 Jan 1970 00:00:00 GMT'), 0);
  assert.equal(retryAfterMs('soon'), undefined);
  assert.equal(retryAfterMs(undefined), undefined);
});
