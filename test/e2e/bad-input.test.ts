// Bad input: each is refused with one clear sentence and the right status, and nothing half-made stays.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { tar } from '../fixtures/tar.ts';
import { busybox, openEngine, succeeded } from './engine.ts';

const engine = await openEngine();
const containers = async () => ((await engine.http('GET', '/containers/json?all=1')).json() as { Id: string }[]).map((one) => one.Id).toSorted();
let standing: string[] = [];
before(async () => { standing = await containers(); });

/** POST create; what must come back. */
async function refusesCreate(body: Parameters<typeof engine.http>[2], status: number | readonly number[], text: RegExp): Promise<void> {
  const answer = await engine.http('POST', '/containers/create', body);
  assert.ok([status].flat().includes(answer.status), `${answer.status} ${answer.text}`);
  const { message } = answer.json() as { message: string };
  assert.match(message, text);
  if (engine.ours) assert.ok(message.length < 400 && !/\n\s+at /.test(message), 'one sentence, no stack');
}

test('an image that is not there: 404 from create, 125 and a word about pulling from run', async () => {
  await refusesCreate({ Image: 'no-such/image:1' }, 404, /^No such image: no-such\/image:1$/);
  const run = await engine.run(['--rm', '--pull', 'never', 'no-such/image:1']);
  assert.equal(run.code, 125);
  assert.match(run.stderr, /[Nn]o such image|not found/);
});

test('a reference that is none', async () => {
  // dockerd looks it up before it looks at it.
  await refusesCreate({ Image: 'UPPER/case' }, [400, 404], /invalid reference format|No such image: UPPER\/case/);
});

test('bodies that are no JSON, no object, or empty', async () => {
  for (const body of ['{', '"text"', '[]', '']) {
    const answer = await engine.http('POST', '/containers/create', body);
    // dockerd answers 500 to some of them.
    assert.ok(engine.ours ? answer.status === 400 : answer.status >= 400, `${JSON.stringify(body)}: ${answer.status} ${answer.text}`);
    assert.equal(typeof (answer.json() as { message: unknown }).message, 'string');
  }
});

test('fields of the wrong type are refused by name', { skip: !engine.ours && 'dockerd answers 500 in Go\'s words' }, async () => {
  await refusesCreate({ Image: 1 }, 400, /Image/);
  await refusesCreate({ Image: busybox, Env: 'A=b' }, 400, /Env/);
  await refusesCreate({ Image: busybox, HostConfig: { Memory: 'much' } }, 400, /HostConfig\.Memory/);
  await refusesCreate({ Image: busybox, HostConfig: { Ulimits: [{ Name: 'nofile', Soft: 'x' }] } }, 400, /Ulimits/);
});

test('limits that make no sense or that the kernel refuses', async () => {
  const limited = async (host: Record<string, unknown>, text: RegExp) => refusesCreate({ Image: busybox, HostConfig: { NetworkMode: 'none', ...host } }, 400, text);
  await limited({ Memory: 1024 }, /Minimum memory limit allowed is 6MB/);
  await limited({ Memory: 64 * 2 ** 20, MemorySwap: 32 * 2 ** 20 }, /Minimum memoryswap limit should be larger than memory limit/);
  await limited({ NanoCpus: 1e15 }, /[Rr]ange of CPUs is from 0\.01 to/);
  await limited({ CpusetCpus: '4000' }, /[Rr]equested CPUs are not available/);
  await limited({ CpuPeriod: 5 }, /CPU cfs period can ?not be less than 1ms/);
});

test('a ulimit that is unknown, or soft above hard', async () => {
  assert.equal((await engine.run(['--rm', '--ulimit', 'nonsense=1', busybox, 'true'])).code, 125);
  assert.equal((await engine.run(['--rm', '--ulimit', 'nofile=9:3', busybox, 'true'])).code, 125);
});

test('a capability, a security option, a network, a log driver that is unknown', async () => {
  const host = async (hostConfig: Record<string, unknown>, text: RegExp) => {
    const answer = await engine.http('POST', '/containers/create', { Image: busybox, Cmd: ['true'], HostConfig: { NetworkMode: 'none', ...hostConfig } });
    const answerOfStart = answer.status === 201 ? await engine.http('POST', `/containers/${(answer.json() as { Id: string }).Id}/start`) : answer;
    assert.ok(answerOfStart.status >= 400, JSON.stringify(hostConfig));
    assert.match((answerOfStart.json() as { message: string }).message, text);
    if (answer.status === 201) await engine.http('DELETE', `/containers/${(answer.json() as { Id: string }).Id}?force=1`);
  };
  await host({ CapAdd: ['NO_SUCH'] }, /NO_SUCH/);
  await host({ SecurityOpt: ['nonsense'] }, /nonsense/);
  await host({ NetworkMode: 'no-such-network' }, /no-such-network/);
  await host({ NetworkMode: 'container:no-such-one' }, /no-such-one/);
  await host({ LogConfig: { Type: 'no-such-driver' } }, /no-such-driver/);
});

test('a bind with a relative target, or an unknown option', async () => {
  // Ours never answers bad input with 500.
  const status = engine.ours ? 400 : [400, 500];
  await refusesCreate({ Image: busybox, HostConfig: { NetworkMode: 'none', Binds: ['/tmp:relative'] } }, status, /relative/);
  await refusesCreate({ Image: busybox, HostConfig: { NetworkMode: 'none', Binds: ['/tmp:/x:nonsense'] } }, status, /nonsense/);
});

test('a working directory that is not absolute', async () => {
  await refusesCreate({ Image: busybox, WorkingDir: 'relative' }, 400, /working directory 'relative' is invalid/);
});

test('no command at all', async () => {
  await engine.docker(['import', '-', 'estiva-test/commandless:1'], { input: tar([{ path: 'x', data: 'x' }]) });
  await refusesCreate({ Image: 'estiva-test/commandless:1' }, 400, /[Nn]o command specified/);
  await engine.docker(['rmi', 'estiva-test/commandless:1']);
});

test('a program that cannot start leaves the container created, with the reason in its state', async () => {
  const id = await engine.create({ Cmd: ['no-such-program'] });
  const start = await engine.http('POST', `/containers/${id}/start`);
  assert.equal(start.status, 400);
  assert.match((start.json() as { message: string }).message, /exec: "no-such-program": executable file not found in \$PATH/);
  const { State } = await engine.inspect(id);
  assert.equal(State.ExitCode, 127);
  assert.match(State.Error, /no-such-program/);
  assert.equal((await engine.http('DELETE', `/containers/${id}`)).status, 204);
});

test('an unknown path is 404, an unknown method is 404 or 405', async () => {
  assert.equal((await engine.http('GET', '/no/such/path')).status, 404);
  assert.ok([404, 405].includes((await engine.http('PATCH', '/_ping')).status));
});

test('API versions: old enough and known are served, others refused', async () => {
  for (const version of ['v1.24', 'v1.41', 'v1.51']) assert.equal((await engine.http('GET', `/${version}/_ping`)).status, 200, version);
  const future = await engine.http('GET', '/v1.999/info');
  assert.equal(future.status, 400);
  assert.match(future.text, /client version 1\.999 is too new\. Maximum supported API version is 1\.\d+/);
  const old = await engine.http('GET', '/v1.10/info');
  assert.equal(old.status, 400);
  assert.match(old.text, /client version 1\.10 is too old\. Minimum supported API version is 1\.\d+/);
});

test('filters that are no JSON or unknown', async () => {
  assert.equal((await engine.http('GET', '/containers/json?filters=nonsense')).status, 400);
  const unknown = await engine.http('GET', `/containers/json?filters=${encodeURIComponent('{"nonsense":["x"]}')}`);
  assert.equal(unknown.status, 400);
  assert.match((unknown.json() as { message: string }).message, /invalid filter 'nonsense'/);
});

test('numbers in queries that are none', async () => {
  const id = await engine.create({ Cmd: ['true'] });
  assert.equal((await engine.http('POST', `/containers/${id}/resize?h=x&w=1`)).status, 400);
  assert.equal((await engine.http('GET', `/containers/${id}/logs?stdout=1&since=nonsense`)).status, engine.ours ? 400 : 500);
  await engine.http('DELETE', `/containers/${id}`);
});

test('a body longer than any sensible one is refused, and the engine lives', { skip: !engine.ours && 'dockerd reads it all' }, async () => {
  const answer = await engine.http('POST', '/containers/create', { Image: busybox, Env: [`A=${'x'.repeat(40 * 2 ** 20)}`] }).catch((error: Error) => ({ status: 0, text: error.message }));
  assert.ok([0, 400, 413].includes(answer.status), answer.text.slice(0, 200));
  assert.equal((await engine.http('GET', '/_ping')).status, 200);
});

test('after all that, no container is there that was not before', { skip: !engine.ours && 'others may use that dockerd' }, async () => {
  assert.deepEqual(await containers(), standing);
});

test('--platform of another machine is refused, this machine\'s is taken', async () => {
  const other = process.arch === 'arm64' ? 'linux/amd64' : 'linux/arm64';
  const own = process.arch === 'arm64' ? 'linux/arm64' : 'linux/amd64';
  const refused = await engine.run(['--rm', '--platform', other, busybox, 'true']);
  assert.equal(refused.code, 125);
  succeeded(await engine.run(['--rm', '--platform', own, busybox, 'true']));
});
