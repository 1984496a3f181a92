// GET /events over a real unix socket.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pino } from 'pino';
import type { EngineEvent } from '../engine/index.ts';
import { EventBus } from '../event/bus.ts';
import { toEventJson } from './events.ts';
import { FakeEngine } from './fake-engine.ts';
import { serve } from './index.ts';

const dir = mkdtempSync(join(tmpdir(), 'estiva-events-'));
const socketPath = join(dir, 'api.sock');
const bus = new EventBus();
let server: AsyncDisposable;

before(async () => {
  const engine = new FakeEngine();
  server = await serve({ engine: Object.assign(engine, { events: bus }), socketPath, version: '0.0.1', log: pino({ level: 'silent' }) });
});
after(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true });
});

const told = (action: string, more: Partial<EngineEvent> = {}): Omit<EngineEvent, 'timeNs'> => ({ type: 'container', action, id: 'abc', attributes: { name: 'box', image: 'reg.example:5000/tool:1', color: 'red' }, ...more });

function open(query: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => { get({ socketPath, path: `/v1.51/events?${query}` }, resolve).on('error', reject); });
}

async function* linesOf(response: IncomingMessage): AsyncGenerator<Record<string, unknown>> {
  let rest = '';
  for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    for (const line of lines) yield JSON.parse(line) as Record<string, unknown>;
  }
}

async function past(filters: object): Promise<string[]> {
  const actions: string[] = [];
  const response = await open(`since=1&until=${(Date.now() / 1000).toFixed(3)}&filters=${encodeURIComponent(JSON.stringify(filters))}`);
  assert.equal(response.statusCode, 200);
  for await (const { Action } of linesOf(response)) actions.push(String(Action));
  return actions;
}

const until = async (condition: () => boolean) => { for (let turn = 0; turn < 500 && !condition(); turn += 1) await new Promise((resolve) => setTimeout(resolve, 2)); assert.ok(condition()); };

test('toEventJson() writes Docker\'s fields in their order, attributes by name, and the time to the nanosecond', () => {
  const event: EngineEvent = { type: 'container', action: 'die', id: 'abc', attributes: { name: 'box', exitCode: '0', image: 'tool' }, timeNs: 1795509176248261304n };
  assert.equal(toEventJson(event), '{"status":"die","id":"abc","from":"tool","Type":"container","Action":"die","Actor":{"ID":"abc","Attributes":{"exitCode":"0","image":"tool","name":"box"}},"scope":"local","time":1795509176,"timeNano":1795509176248261304}');
  assert.match(toEventJson({ ...event, type: 'image', attributes: { name: 'tool' } }), /^\{"status":"die","id":"abc","Type":"image"/);
});

test('events shows what happens, from the moment the head is there, to every watcher', async () => {
  const [one, two] = [await open(''), await open('')];
  bus.publish(told('start'));
  for (const response of [one, two]) {
    for await (const event of linesOf(response)) {
      assert.equal(event['Action'], 'start');
      break;
    }
    response.destroy();
  }
  await until(() => bus.listeners === 0);
});

test('events filters by type, event, container, image, label and scope; those of one name are alternatives', async () => {
  bus.publish(told('exec_create: sh -c x', { attributes: { name: 'other', image: 'plain' } }));
  bus.publish(told('tag', { type: 'image', id: 'sha256:ff', attributes: { name: 'tool:2' } }));
  await new Promise((resolve) => setTimeout(resolve, 2)); // into the next millisecond: the range ends before it
  const cases: readonly (readonly [object, string[]])[] = [
    [{ type: ['image'] }, ['tag']], [{ type: { image: true, container: false } }, ['tag']], [{ event: ['exec_create', 'tag'] }, ['exec_create: sh -c x', 'tag']], [{ event: ['exec'] }, []],
    [{ container: ['oth'] }, ['exec_create: sh -c x']], [{ container: ['abc'], event: ['start'] }, ['start']], [{ container: ['tool'] }, []], [{ network: ['box'] }, []],
    [{ image: ['reg.example:5000/tool'] }, ['start']], [{ image: ['reg.example:5000/tool:1'] }, ['start']], [{ image: ['tool'] }, ['tag']], [{ image: ['sha256:ff'] }, ['tag']],
    [{ label: ['color'] }, ['start']], [{ label: ['color=red', 'name'] }, ['start']], [{ label: ['color=blue'] }, []], [{ scope: ['swarm'] }, []], [{ scope: ['local'], type: ['image'] }, ['tag']],
  ];
  for (const [filters, actions] of cases) assert.deepEqual(await past(filters), actions, JSON.stringify(filters));
});

test('events refuses times that are none, a range that ends before it begins, and filters that are not there', async () => {
  for (const [query, message] of [['since=5m', /Invalid since/], ['until=x', /Invalid until/], ['since=5&until=4', /cannot be after/], ['filters={"nope":["x"]}', /invalid filter 'nope'/], ['filters=7', /expected an object/]] as const) {
    const response = await open(encodeURI(query));
    let body = '';
    for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) body += chunk;
    assert.equal(response.statusCode, 400, body);
    assert.match(body, message);
  }
});

test('events ends at a time that is still to come', async () => {
  const response = await open(`until=${(Date.now() / 1000 + 0.3).toFixed(3)}`);
  setTimeout(() => bus.publish(told('stop')), 50);
  const actions: unknown[] = [];
  for await (const { Action } of linesOf(response)) actions.push(Action);
  assert.equal(actions.at(-1), 'stop');
});

test('events cuts a client off that does not read, and forgets it', async () => {
  const socket = connect(socketPath);
  socket.write('GET /events HTTP/1.1\r\nHost: x\r\n\r\n');
  await new Promise((resolve) => socket.once('readable', resolve)); // and never read again
  await until(() => bus.listeners === 1);
  for (let count = 0; count < 2000 && bus.listeners > 0; count += 1) {
    bus.publish(told('start', { attributes: { text: 'x'.repeat(1000) } }));
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(bus.listeners, 0);
  socket.destroy();
});
