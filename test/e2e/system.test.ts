// What clients ask first: is somebody there, which API, what machine. Docker's clients negotiate by these headers.
import assert from 'node:assert/strict';
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

test('the docker client prints version and info', async () => {
  assert.match(succeeded(await engine.docker(['version'])), /Server:[\s\S]*API version:\s+1\.\d+/);
  assert.match(succeeded(await engine.docker(['info'])), /Cgroup Version:\s+[12]/);
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
