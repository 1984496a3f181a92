// Events: what a watcher hears of containers, execs and images, in Docker's words; since, until and filters; the docker client's `events`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { busybox, openEngine, succeeded } from './engine.ts';
import { stream } from './http.ts';

const engine = await openEngine();

interface Message {
  readonly status: string;
  readonly id: string;
  readonly from?: string;
  readonly Type: string;
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
  readonly scope: string;
  readonly time: number;
  readonly timeNano: number;
}

const now = async (): Promise<string> => {
  const info = (await engine.http('GET', '/info')).json() as { SystemTime: string };
  return (Date.parse(info.SystemTime) / 1000).toFixed(3);
};

async function happened(since: string, filters: object): Promise<Message[]> {
  const answer = await engine.http('GET', `/events?since=${since}&until=${await now()}&filters=${encodeURIComponent(JSON.stringify(filters))}`);
  assert.equal(answer.status, 200, answer.text);
  return answer.text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Message);
}

test('the life of a container is told in order, with name, image, labels and what belongs to each kind', async () => {
  const since = await now();
  const name = engine.unique('life');
  const id = await engine.start(['--name', name, '--label', 'color=red', busybox, 'sleep', '1000']);
  await engine.docker(['exec', name, 'sh', '-c', 'exit 3']);
  succeeded(await engine.docker(['stop', '-t', '0', name]));
  succeeded(await engine.docker(['rm', name]));
  const events = await happened(since, { container: [id] });
  const actions = events.map(({ Action }) => Action);
  // dockerd tells `stop` and `die` in either order, and two kills when the first did not end it in time.
  assert.deepEqual([...new Set(actions)].filter((action) => action !== 'stop'), ['create', 'start', 'exec_create: sh -c exit 3', 'exec_start: sh -c exit 3', 'exec_die', 'kill', 'die', 'destroy']);
  assert.ok(actions.includes('stop'));
  for (const { Type, Actor, status, Action, from, scope, time, timeNano } of events) {
    assert.deepEqual([Type, Actor.ID, status, from, scope], ['container', id, Action, busybox, 'local']);
    assert.deepEqual([Actor.Attributes['name'], Actor.Attributes['image'], Actor.Attributes['color']], [name, busybox, 'red']);
    assert.equal(Math.floor(timeNano / 1e9), time);
  }
  const attributes = (action: string): Readonly<Record<string, string>> => events.find(({ Action }) => Action === action)!.Actor.Attributes;
  assert.match(attributes('exec_die')['execID']!, /^[0-9a-f]{64}$/);
  assert.equal(attributes('exec_die')['exitCode'], '3');
  assert.match(attributes('kill')['signal']!, /^(9|15)$/);
  assert.deepEqual([attributes('die')['exitCode'], /^\d+$/.test(attributes('die')['execDuration']!)], ['137', true]);
});

test('images are told: tag, untag', async () => {
  const since = await now();
  const tag = `${engine.unique('image')}:1`;
  succeeded(await engine.docker(['tag', busybox, tag]));
  succeeded(await engine.docker(['rmi', tag]));
  const events = await happened(since, { type: ['image'] });
  const told = events.find(({ Action, Actor }) => Action === 'tag' && Actor.Attributes['name'] === tag)!;
  assert.match(told.Actor.ID, /^sha256:[0-9a-f]{64}$/);
  assert.ok(events.some(({ Action, id }) => Action === 'untag' && id === told.id));
  assert.ok(events.every(({ Type }) => Type === 'image'));
});

test('filters: label, event, image, both forms of the query', async () => {
  const since = await now();
  const name = engine.unique('filter');
  const id = await engine.create({ Labels: { 'watch-me': name }, Cmd: ['true'] });
  await engine.http('DELETE', `/containers/${id}`);
  for (const filters of [{ label: [`watch-me=${name}`], event: ['create'] }, { label: { [`watch-me=${name}`]: true }, event: { create: true } }, { container: [id.slice(0, 12)], event: ['create'], image: [busybox.split(':')[0]!] }]) {
    assert.deepEqual((await happened(since, filters)).map(({ Action, Actor }) => [Action, Actor.ID]), [['create', id]], JSON.stringify(filters));
  }
  assert.deepEqual(await happened(since, { label: [`watch-me=${name}x`] }), []);
});

test('a watcher hears at once what happens, and the stream ends at until', async () => {
  const name = engine.unique('live');
  const response = await stream(engine.socketPath, 'GET', `/events?filters=${encodeURIComponent(JSON.stringify({ label: [`live=${name}`] }))}`);
  assert.deepEqual([response.statusCode, response.headers['content-type']], [200, 'application/json']);
  const id = await engine.create({ Labels: { live: name }, Cmd: ['true'] });
  for await (const chunk of response) {
    assert.deepEqual((JSON.parse(String(chunk)) as Message).Actor.ID, id);
    break;
  }
  response.destroy();
  await engine.http('DELETE', `/containers/${id}`);
  const began = performance.now();
  await engine.http('GET', `/events?until=${(Number(await now()) + 0.5).toFixed(3)}`);
  assert.ok(performance.now() - began < 5000);
});

test('ranges that make no sense are refused', async () => {
  const answer = await engine.http('GET', '/events?since=2000000000&until=1');
  assert.deepEqual([answer.status, answer.json()], [400, { message: '`since` time (2000000000) cannot be after `until` time (1)' }]);
  assert.ok((await engine.http('GET', '/events?since=abc&until=1')).status >= 400);
});

test('ours alone: a filter that is not there is refused, where dockerd ignores it', { skip: !engine.ours }, async () => {
  assert.equal((await engine.http('GET', `/events?until=1&filters=${encodeURIComponent('{"nope":["x"]}')}`)).status, 400);
});

test('the client\'s events: lines, templates, times as RFC 3339, Unix seconds and durations', async () => {
  const since = await now();
  const name = engine.unique('client');
  const id = await engine.create({ Labels: { client: name }, Cmd: ['true'] });
  await engine.http('DELETE', `/containers/${id}`);
  const filter = ['--filter', `label=client=${name}`, '--filter', 'event=create'];
  const line = new RegExp(`^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{9}(Z|[+-]\\d\\d:\\d\\d) container create ${id} \\(client=${name}, .*image=${busybox}, name=[a-z0-9_]+\\)\\n$`);
  const end = await now();
  for (const from of [since, new Date(Number(since) * 1000).toISOString(), '5m']) {
    assert.match(succeeded(await engine.docker(['events', '--since', from, '--until', end, ...filter])), line, from);
  }
  const formatted = async (format: string): Promise<string> => succeeded(await engine.docker(['events', '--since', since, '--until', end, ...filter, '--format', format]));
  assert.equal(await formatted('{{.Type}} {{.Action}} {{.ID}} {{.Actor.Attributes.client}} {{.Actor.Attributes.nope}}'), `container create ${id} ${name} <no value>\n`);
  assert.equal((JSON.parse(await formatted('json')) as Message).Actor.ID, id);
  assert.match(succeeded(await engine.docker(['system', 'events', '--since', since, '--until', end, ...filter])), line);
  const bad = await engine.docker(['events', '--since', 'tomorrow']);
  assert.deepEqual([bad.code, /failed to parse value as time or duration: "tomorrow"/.test(bad.stderr)], [1, true]);
});
