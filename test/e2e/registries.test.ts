// A registry with a password, as users of the docker client meet it: login, push, pull, logout. A dockerd in a network namespace of its own finds the registry
// there when ESTIVA_E2E_NETNS names it (/proc/PID/ns/net).
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { hasDockerRegistry, openDockerRegistry, user } from '../fixtures/docker-registry.ts';
import type { Outcome } from './command.ts';
import { busybox, openEngine, succeeded } from './engine.ts';

const skip = hasDockerRegistry ? false : 'docker-registry is not installed';
const dir = mkdtempSync(join(tmpdir(), 'estiva-e2e-config-'));
// Before the engine, which is looked at for what it leaves while the registry still runs.
const registry = skip === false ? await openDockerRegistry({ password: true, netns: process.env['ESTIVA_E2E_NETNS'] }) : undefined;
const engine = await openEngine();
const host = registry?.host ?? '';
const image = `${host}/${engine.unique('reg')}/box:1`;
after(async () => {
  await engine.docker(['rmi', '-f', image]);
  await registry?.[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true });
});

const docker = (args: readonly string[], input = ''): Promise<Outcome> => engine.docker(['--config', dir, ...args], { input });
const auths = (): unknown => (JSON.parse(readFileSync(join(dir, 'config.json'), 'utf8')) as { auths?: unknown }).auths;
const auth = (value: object): Record<string, string> => ({ 'X-Registry-Auth': Buffer.from(JSON.stringify(value)).toString('base64url') });

test('without login, push and pull say what is missing', { skip }, async () => {
  succeeded(await docker(['tag', busybox, image]));
  const pushed = await docker(['push', image]);
  assert.equal(pushed.code, 1);
  assert.match(pushed.stderr, /no basic auth credentials/);
  assert.match((await docker(['pull', `${host}/none:1`])).stderr, /^Error response from daemon: Head "http:\/\/.*": no basic auth credentials/m);
});

test('login with a wrong password is refused and keeps nothing', { skip }, async () => {
  const refused = await docker(['login', '-u', user.username, '--password-stdin', host], 'wrong');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /login attempt to http:\/\/127\.0\.0\.1:\d+\/v2\/ failed with status: 401 Unauthorized/);
});

test('login, push, pull: the digest stays; logout', { skip }, async () => {
  assert.match(succeeded(await docker(['login', '-u', user.username, '--password-stdin', host], user.password)), /Login Succeeded/);
  assert.deepEqual(auths(), { [host]: { auth: Buffer.from(`${user.username}:${user.password}`).toString('base64') } });
  const digest = /digest: (sha256:[0-9a-f]{64})/.exec(succeeded(await docker(['push', image])))?.[1];
  assert.ok(digest);
  succeeded(await docker(['rmi', image]));
  assert.match(succeeded(await docker(['pull', image])), new RegExp(`Digest: ${digest}`));
  succeeded(await docker(['rmi', image]));
  assert.match(succeeded(await docker(['pull', `${image.replace(/:1$/, '')}@${digest}`])), new RegExp(`Digest: ${digest}`));
  succeeded(await docker(['rmi', `${image.replace(/:1$/, '')}@${digest}`]));
  const missing = await docker(['pull', image.replace(/:1$/, ':2')]);
  assert.match(missing.stderr, /^Error response from daemon: manifest for 127\.0\.0\.1:\d+\/.*\/box:2 not found: manifest unknown: manifest unknown$/m);
  const described = await engine.http('GET', `/distribution/${image}/json`, undefined, { headers: auth(user) });
  assert.equal(described.status, 200);
  const { Descriptor, Platforms } = JSON.parse(described.text) as { Descriptor: { digest: string; mediaType: string }; Platforms: { architecture: string; os: string }[] };
  assert.deepEqual([Descriptor.digest, Platforms.length, Platforms[0]?.os], [digest, 1, 'linux']);
  assert.equal((await engine.http('GET', `/distribution/${image}x/json`, undefined, { headers: auth(user) })).status, 404);
  assert.match(succeeded(await docker(['logout', host])), /^Removing login credentials for /);
  assert.deepEqual(auths() ?? {}, {});
});

test('a wrong password in X-Registry-Auth is 401; a registry without search says so', { skip }, async () => {
  const wrong = await engine.http('POST', `/images/create?fromImage=${encodeURIComponent(image)}`, undefined, { headers: auth({ ...user, password: 'x' }) });
  assert.deepEqual([wrong.status, JSON.parse(wrong.text)], [401, { message: 'unauthorized: authentication required' }]);
  const searched = await docker(['search', `${host}/x`]);
  assert.equal(searched.code, 1);
  assert.match(searched.stderr, /Unexpected status code 404/);
  assert.match((await docker(['search', '--limit', '1000', 'x'])).stderr, /limit 1000 is outside the range of \[1, 100\]/);
});
