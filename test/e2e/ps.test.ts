// Which containers `ps` shows, and how large they are: every filter, in both forms of the query, and what makes no sense refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { busybox, openEngine, succeeded } from './engine.ts';

const engine = await openEngine();
const mark = engine.unique('ps');
const [first, second, third] = await Promise.all([
  engine.create({ Labels: { [mark]: 'one', 'estiva-e2e-ps': '1' }, Cmd: ['true'], ExposedPorts: { '80/tcp': {}, '8005/udp': {} } }).then(async (id) => { await engine.http('POST', `/containers/${id}/rename?name=${mark}-first`); return id; }),
  engine.create({ Labels: { [mark]: 'two' }, Cmd: ['sh', '-c', 'exit 3'] }),
  engine.create({ Labels: { [mark]: 'three' }, Cmd: ['sleep', '1000'] }, { NetworkMode: 'host' }),
]);
await engine.http('POST', `/containers/${second}/start`);
await engine.http('POST', `/containers/${second}/wait`);
await engine.http('POST', `/containers/${third}/start`);

interface Row { readonly Id: string; readonly SizeRw?: number; readonly SizeRootFs?: number }

async function list(filters: object, more = 'all=1'): Promise<string[]> {
  const answer = await engine.http('GET', `/containers/json?${more}&filters=${encodeURIComponent(JSON.stringify(filters))}`);
  assert.equal(answer.status, 200, answer.text);
  return (answer.json() as Row[]).map(({ Id }) => Id);
}
const among = async (filters: object, more?: string): Promise<string[]> => (await list({ label: [mark], ...filters }, more)).toSorted();
const ids = (...of: readonly string[]): string[] => of.toSorted();

test('ps filters: each by what it looks at, alternatives and conjunctions', async () => {
  const cases: readonly (readonly [object, readonly string[]])[] = [
    [{}, [first, second, third]], [{ label: { [mark]: true }, name: { [`^/${mark}-first$`]: true } }, [first]], [{ id: [first.slice(0, 12), third] }, [first, third]], [{ name: [`${mark}-fir`] }, [first]], [{ name: ['['] }, []],
    [{ label: [`${mark}=two`] }, [second]], [{ label: [mark, 'estiva-e2e-ps'] }, [first]], [{ exited: ['3'] }, [second]], [{ exited: ['0', '3'] }, [second]],
    [{ status: ['created'] }, [first]], [{ status: ['running', 'exited'] }, [second, third]], [{ ancestor: [busybox] }, [first, second, third]], [{ ancestor: ['no-such-image'] }, []],
    [{ expose: ['80/udp'] }, []], [{ publish: ['80'] }, []],
    [{ network: ['host'] }, [third]], [{ network: ['none', 'host'] }, [first, second, third]], [{ network: ['no-such-network'] }, []], [{ volume: ['/data'] }, []],
    [{ health: ['none'] }, [first, second, third]], [{ health: ['healthy'] }, []], [{ isolation: ['default'] }, [first, second, third]],
    [{ 'is-task': ['false'] }, [first, second, third]], [{ 'is-task': ['true'] }, []], [{ status: ['running'], network: ['none'] }, []],
  ];
  for (const [filters, found] of cases) assert.deepEqual(await among(filters), ids(...found), JSON.stringify(filters));
  assert.deepEqual(await among({}, ''), [third]);
});

test('ps filters: before and since another container, and the limit, newest first', async () => {
  const [a, b, c] = [await engine.create({ Labels: { order: mark }, Cmd: ['true'] }), await engine.create({ Labels: { order: mark }, Cmd: ['true'] }), await engine.create({ Labels: { order: mark }, Cmd: ['true'] })];
  const label = [`order=${mark}`];
  assert.deepEqual([await list({ label, before: [b] }), await list({ label, since: [b] }), await list({ label }, 'limit=2'), await list({ label }, 'all=1&limit=-1')], [[a], [c], [c, b], [c, b, a]]);
  const latest = succeeded(await engine.docker(['ps', '-q', '--no-trunc', '--last', '2', '--filter', `label=order=${mark}`]));
  assert.equal(latest, `${c}\n${b}\n`);
});

test('ps filters that make no sense are refused in Docker\'s words', async () => {
  const cases: readonly (readonly [object, number, RegExp])[] = [
    [{ nope: ['x'] }, 400, /^invalid filter 'nope'/], [{ status: ['bogus'] }, 400, /^invalid filter 'status=bogus': invalid value for state \(bogus\): must be one of created, running/],
    [{ health: ['bogus'] }, 400, /^invalid filter 'health=bogus': invalid value for health \(bogus\): must be one of none, starting, healthy, unhealthy$/],
    [{ exited: ['x'] }, 400, /^invalid filter 'exited=x'/], [{ 'is-task': ['x'] }, 400, /^invalid filter 'is-task=\[x\]'/], [{ before: ['no-such-one'] }, 404, /^No such container: no-such-one$/],
    [{ since: ['no-such-one'] }, 404, /^No such container: no-such-one$/],
  ];
  for (const [filters, status, message] of cases) {
    const answer = await engine.http('GET', `/containers/json?filters=${encodeURIComponent(JSON.stringify(filters))}`);
    assert.deepEqual([answer.status, message.test((answer.json() as { message: string }).message)], [status, true], answer.text);
  }
});

test('ours alone: expose also without a network; dockerd asks the network, and these containers have none', { skip: !engine.ours }, async () => {
  for (const [value, found] of [['80', [first]], ['80/tcp', [first]], ['8000-8010/udp', [first]], ['8000-8010', []]] as const) assert.deepEqual(await among({ expose: [value] }), found, value);
  assert.equal((await engine.http('GET', `/containers/json?filters=${encodeURIComponent('{"expose":["90-80"]}')}`)).status, 400);
});

test('ours alone: label! leaves out what has a label; dockerd knows it for pruning only', { skip: !engine.ours }, async () => {
  assert.deepEqual(await among({ 'label!': [`${mark}=two`, 'estiva-e2e-ps'] }), [third]);
});

test('sizes: what a container wrote, and with its image, in list, inspect and the client\'s columns', async () => {
  const id = await engine.create({ Cmd: ['sh', '-c', 'head -c 5000 /dev/zero > /file; ln /file /again; ln -s /usr /link; mkdir /dir'] });
  const rowOf = async (): Promise<Row> => ((await engine.http('GET', `/containers/json?all=1&size=1&filters=${encodeURIComponent(JSON.stringify({ id: [id] }))}`)).json() as Row[])[0]!;
  const before = await rowOf();
  assert.equal(before.SizeRw, undefined);
  await engine.http('POST', `/containers/${id}/start`);
  await engine.http('POST', `/containers/${id}/wait`);
  const after = await rowOf();
  assert.deepEqual([after.SizeRw, after.SizeRootFs], [5004, before.SizeRootFs! + 5004]);
  const inspected = (await engine.http('GET', `/containers/${id}/json?size=1`)).json() as Row;
  assert.deepEqual([inspected.SizeRw, inspected.SizeRootFs], [after.SizeRw, after.SizeRootFs]);
  assert.equal('SizeRw' in (await engine.inspect(id)), false);
  assert.match(succeeded(await engine.docker(['ps', '-a', '-s', '--filter', `id=${id}`])), /NAMES\s+SIZE\n.*5kB \(virtual [\d.]+MB\)\n$/);
  assert.match(succeeded(await engine.docker(['ps', '-a', '--filter', `id=${id}`, '--format', '{{.Size}}'])), /^5kB \(virtual [\d.]+MB\)\n$/);
  assert.equal(succeeded(await engine.docker(['inspect', '-s', '--format', '{{.SizeRw}}', id])), '5004\n');
});
