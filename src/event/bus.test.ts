import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventBus } from './bus.ts';
import type { EngineEvent } from './event.ts';

const event = (action: string): Omit<EngineEvent, 'timeNs'> => ({ type: 'container', action, id: 'c1', attributes: { name: 'box' } });

test('publish() tells all who listen, in order, until they stop', () => {
  const bus = new EventBus();
  const [first, second]: [string[], string[]] = [[], []];
  const one = bus.listen(({ action }) => first.push(action));
  using _two = bus.listen(({ action }) => second.push(action));
  bus.publish(event('create'));
  one[Symbol.dispose]();
  bus.publish(event('start'));
  assert.deepEqual([first, second, bus.listeners], [['create'], ['create', 'start'], 1]);
});

test('publish() gives every event a time of its own, never running backwards', () => {
  const bus = new EventBus();
  for (let count = 0; count < 200; count += 1) bus.publish(event('start'));
  const times = bus.kept({}).map(({ timeNs }) => timeNs);
  assert.deepEqual(times, [...new Set(times)].toSorted((a, b) => (a < b ? -1 : 1)));
  assert.ok(Math.abs(Number(times[0]! / 1_000_000n) - Date.now()) < 1000);
});

test('kept() has the last 256 events, and of them those within the range, its ends included', () => {
  const bus = new EventBus();
  for (let count = 0; count < 300; count += 1) bus.publish(event(`exec_create: ${count}`));
  const all = bus.kept({});
  assert.deepEqual([all.length, all[0]!.action, all.at(-1)!.action], [256, 'exec_create: 44', 'exec_create: 299']);
  const some = bus.kept({ sinceNs: all[10]!.timeNs, untilNs: all[20]!.timeNs });
  assert.deepEqual([some.length, some[0], some.at(-1)], [11, all[10], all[20]]);
});

test('kept() does not grow with what events say', () => {
  const bus = new EventBus();
  for (let count = 0; count < 300; count += 1) bus.publish(event('x'.repeat(100_000)));
  assert.ok(bus.kept({}).length <= 10);
  bus.publish(event('y'.repeat(2_000_000)));
  assert.equal(bus.kept({}).length, 0);
});
