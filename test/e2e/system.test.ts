// What clients ask first: is somebody there, which API, what machine. Docker's clients negotiate by these headers.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { openEngine, succeeded } from './engine.ts';

const engine = await openEngine();

test('ping: OK, with the headers that clients negotiate by; HEAD alike', async () => {
  for (const method of ['GET', 'HEAD']) {
    const answer = await engine.http(method, '/_ping');
    assert.equal(answer.status, 200, method);
    assert.equal(answer.text, method === 'GET' ? 'OK' : '');
    assert.match(String(answer.headers['api-version']), /^1\.\d+$/);
    assert.equal(answer.headers.ostype, 'linux');
    assert.match(String(answer.headers['cache-control']), /no-store/);
    assert.ok(answer.headers.server !== undefined);
  }
});

test('version: API range, system, components', async () => {
  const version = (await engine.http('GET', '/version')).json() as Record<string, unknown>;
  assert.match(String(version.ApiVersion), /^1\.\d+$/);
  assert.equal(version.MinAPIVersion, '1.24');
  assert.deepEqual([version.Os, version.Arch], ['linux', { x64: 'amd64', arm64: 'arm64' }[process.arch as string]]);
  assert.ok(Array.isArray(version.Components) && version.Components.length > 0);
});

test('info: counts, limits that work here, the machine', async () => {
  const info = (await engine.http('GET', '/info')).json() as Record<string, unknown>;
  for (const count of ['Containers', 'ContainersRunning', 'ContainersPaused', 'ContainersStopped', 'Images', 'NCPU', 'MemTotal']) assert.equal(typeof info[count], 'number', count);
  assert.deepEqual([info.OSType, info.MemoryLimit, info.PidsLimit, info.CPUSet, info.CpuCfsQuota], ['linux', true, true, true, true]);
  assert.ok(['1', '2'].includes(String(info.CgroupVersion)));
  assert.ok((info.SecurityOptions as string[]).some((option) => option.startsWith('name=seccomp')));
});

test('info: true values of what the machine and the daemon are', async () => {
  const info = (await engine.http('GET', '/info')).json() as { readonly DriverStatus: readonly string[][]; readonly NFd: number; readonly NEventsListener: number; readonly Warnings: unknown; readonly IPv4Forwarding: boolean; readonly InitBinary: string; readonly Plugins: { readonly Log: readonly string[] } };
  assert.match(new Map(info.DriverStatus as [string, string][]).get('Backing Filesystem')!, /^[a-z0-9]+$/);
  assert.ok(info.NFd > 5);
  assert.deepEqual([info.Warnings, info.InitBinary], [null, 'docker-init']);
  // A dockerd may live in another network namespace than this test.
  if (engine.ours) assert.equal(info.IPv4Forwarding, readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim() === '1');
  assert.ok(['json-file', 'local'].every((driver) => info.Plugins.Log.includes(driver)));
});

test('the docker client prints version and info', async () => {
  assert.match(succeeded(await engine.docker(['version'])), /Server:[\s\S]*API version:\s+1\.\d+/);
  const info = await engine.docker(['info']);
  assert.match(succeeded(info), /Cgroup Version:\s+[12]/);
  assert.doesNotMatch(info.stdout + info.stderr, /WARNING/);
  assert.match(succeeded(await engine.docker(['version', '--format', '{{.Server.Os}}'])), /^linux\n$/);
});

test('errors are JSON with one field, message', async () => {
  const answer = await engine.http('GET', '/containers/no-such-one/json');
  assert.equal(answer.headers['content-type'], 'application/json');
  assert.deepEqual(Object.keys(answer.json() as object), ['message']);
});

test('every path is served with and without a version', async () => {
  for (const prefix of ['', '/v1.24', '/v1.44']) assert.equal((await engine.http('GET', `${prefix}/containers/json`)).status, 200, prefix);
});

test('many requests at once, and many on one connection after another, are all answered', async () => {
  const all = await Promise.all(Array.from({ length: 100 }, () => engine.http('GET', '/_ping')));
  assert.ok(all.every((answer) => answer.status === 200));
});
