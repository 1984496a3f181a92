import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { BuildFailure } from './failure.ts';
import { Flights, type Made, type Passenger } from './flights.ts';
import type { BuildHappening, Tell } from './happening.ts';

interface Builder extends Passenger {
  readonly heard: BuildHappening[];
  readonly leave: () => void;
}

function builder(line = 1): Builder {
  const heard: BuildHappening[] = [];
  const abort = new AbortController();
  return { heard, tell: (happening) => heard.push(happening), signal: abort.signal, lines: { start: line, end: line }, leave: () => abort.abort(new Error('left')) };
}

const made: Made = { layer: undefined, created: 'now' };

/** Work that ends when it is told to, or with its signal. */
function work() {
  const end = Promise.withResolvers<Made>();
  const seen = { begun: 0, tell: builder().tell, signal: new AbortController().signal };
  const doing = (tell: Tell, signal: AbortSignal): Promise<Made> => {
    Object.assign(seen, { begun: seen.begun + 1, tell, signal });
    signal.addEventListener('abort', () => end.reject(signal.reason));
    return end.promise;
  };
  return { doing, seen, ...end };
}

test('Flights.join() does it once, and tells all from then on', async () => {
  const flights = new Flights();
  const [one, two, { doing, seen, resolve }] = [builder(), builder(), work()];
  const first = flights.join('key', one, doing);
  seen.tell({ what: 'running', containerId: 'c' });
  seen.tell({ what: 'warning', text: 'early' });
  const second = flights.join('key', two, () => assert.fail('it is being done'));
  seen.tell({ what: 'warning', text: 'late' });
  resolve(made);
  assert.deepEqual(await Promise.all([first, second]), [made, made]);
  assert.deepEqual(one.heard.map(({ what }) => what), ['running', 'warning', 'warning']);
  assert.deepEqual(two.heard.map((happening) => ('text' in happening ? happening.text : happening.what)), ['running', 'late']);
  assert.equal(seen.begun, 1);
  assert.deepEqual(await flights.join('key', one, () => Promise.resolve({ ...made, created: 'anew' })), { ...made, created: 'anew' });
});

test('Flights.join() goes on when one leaves, and stops when the last one does', async () => {
  const flights = new Flights();
  const [one, two, { doing, seen }] = [builder(), builder(), work()];
  const outcomes = Promise.allSettled([flights.join('key', one, doing), flights.join('key', two, doing)]);
  one.leave();
  await nextTurn();
  assert.equal(seen.signal.aborted, false);
  two.leave();
  await nextTurn();
  assert.equal(seen.signal.aborted, true);
  assert.deepEqual((await outcomes).map(({ status }) => status), ['rejected', 'rejected']);
});

test('Flights.join() says each the failure with its own lines; who is left of work that went with its builder begins it anew', async () => {
  const flights = new Flights();
  const [one, two] = [builder(3), builder(7)];
  const failing = work();
  const outcomes = [flights.join('key', one, failing.doing), flights.join('key', two, failing.doing)];
  failing.reject(new BuildFailure('no', { lines: [one.lines], exitCode: 4 }));
  const lines = (await Promise.allSettled(outcomes)).map((one_) => one_.status === 'rejected' && one_.reason instanceof BuildFailure && one_.reason.lines[0]?.start);
  assert.deepEqual(lines, [3, 7]);
  const lost = work();
  const first = flights.join('other', one, lost.doing);
  const second = flights.join('other', two, () => Promise.resolve(made));
  one.leave();
  lost.reject(new Error('its context is gone'));
  await assert.rejects(first);
  assert.equal(await second, made);
});
