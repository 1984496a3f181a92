// Removing all that does not run: which containers go, by filters, and how much that gives back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { busybox, openEngine, succeeded } from './engine.ts';

const engine = await openEngine();
const label = engine.unique('prune');
const exists = async (id: string) => (await engine.http('GET', `/containers/${id}/json`)).status === 200;

interface Pruned {
  readonly ContainersDeleted: readonly string[] | null;
  readonly SpaceReclaimed: number;
}
async function prune(filters: Record<string, readonly string[]>): Promise<Pruned> {
  const answer = await engine.http('POST', `/containers/prune?filters=${encodeURIComponent(JSON.stringify(filters))}`);
  assert.equal(answer.status, 200, answer.text);
  return answer.json() as Pruned;
}

async function ran(kind: string, script: string): Promise<string> {
  const id = await engine.create({ Cmd: ['sh', '-c', script], Labels: { [label]: kind, 'estiva-e2e': String(process.pid) } });
  await engine.http('POST', `/containers/${id}/start`);
  await engine.http('POST', `/containers/${id}/wait`);
  return id;
}

test('created and exited ones go, running and paused ones stay; the bytes that they wrote are counted once', async () => {
  const running = await engine.start(['--label', label, busybox, 'sleep', '1000']);
  const paused = await engine.start(['--label', label, busybox, 'sleep', '1000']);
  succeeded(await engine.docker(['pause', paused]));
  const written = await ran('written', 'dd if=/dev/zero of=/f bs=1k count=100 2>/dev/null; ln /f /g; mkdir /d; echo xx > /d/y');
  const created = await engine.create({ Cmd: ['true'], Labels: { [label]: 'created' } });
  assert.deepEqual(await prune({ label: ['no-such-label'] }), { ContainersDeleted: null, SpaceReclaimed: 0 });
  const { ContainersDeleted, SpaceReclaimed } = await prune({ label: [label] });
  assert.deepEqual([...ContainersDeleted ?? []].toSorted(), [written, created].toSorted());
  assert.equal(SpaceReclaimed, 102_403);
  assert.deepEqual([await exists(written), await exists(created), await exists(running), await exists(paused)], [false, false, true, true]);
  succeeded(await engine.docker(['rm', '-f', running, paused]));
});

test('filters: label with and without value, label!, until', async () => {
  const [red, blue] = [await ran('red', 'true'), await ran('blue', 'true')];
  assert.deepEqual((await prune({ label: [label], until: ['10h'] })).ContainersDeleted, null);
  assert.deepEqual((await prune({ label: [label, 'other'] })).ContainersDeleted, null);
  assert.deepEqual((await prune({ label: [label], 'label!': [`${label}=red`] })).ContainersDeleted, [blue]);
  await sleep(1100);
  assert.deepEqual((await prune({ label: [`${label}=red`], until: ['1s'] })).ContainersDeleted, [red]);
});

test('filters that make no sense are refused', async () => {
  for (const [filters, text] of [
    ['{"bogus":["x"]}', /invalid filter 'bogus'/], ['{"until":["x"]}', /failed to parse value as time or duration: "x"/], ['{"until":["1","2"]}', /more than one until filter specified/],
    ['{"status":["exited"]}', /invalid filter 'status'/], ['x', /invalid/],
  ] as const) {
    const answer = await engine.http('POST', `/containers/prune?filters=${encodeURIComponent(filters)}`);
    assert.equal(answer.status, 400);
    assert.match((answer.json() as { message: string }).message, text);
  }
});

test('the client asks, and takes only yes for yes', async () => {
  const id = await ran('asked', 'true');
  const filter = ['--filter', `label=${label}`];
  for (const input of ['n\n', '', 'nope\n']) await engine.docker(['container', 'prune', ...filter], { input });
  assert.ok(await exists(id));
  const told = await engine.docker(['container', 'prune', ...filter], { input: 'y\n' });
  assert.match(succeeded(told), new RegExp(`Deleted Containers:\n${id}\n\nTotal reclaimed space: 0B\n$`));
  assert.equal(succeeded(await engine.docker(['container', 'prune', '-f', ...filter])), 'Total reclaimed space: 0B\n');
});
