// `GET /events`: what happened since, what happens from now on, or both, one JSON object a line.
import { fail, parseUnixNs } from '../base/index.ts';
import type { EngineEvent } from '../engine/index.ts';
import type { Call } from './call.ts';
import { eventScope, eventTest } from './event-filters.ts';
import { LongAnswer } from './long-answer.ts';
import type { Query } from './query.ts';

/** setTimeout takes no more. */
const timerMsMax = 2 ** 31 - 1;

export function events(call: Call): void {
  const { engine, query } = call;
  const test = eventTest(query);
  const [sinceNs, untilNs] = [timeOf(query, 'since'), timeOf(query, 'until')];
  if (sinceNs !== undefined && untilNs !== undefined && untilNs < sinceNs) {
    throw fail('invalid', `\`since\` time (${query.text('since')}) cannot be after \`until\` time (${query.text('until')})`);
  }
  const answer = new LongAnswer(call);
  // From here to `listen` nothing waits: no event comes twice, none is missing.
  if (sinceNs !== undefined || untilNs !== undefined) {
    for (const event of engine.events.kept({ sinceNs, untilNs })) if (test(event)) answer.send(lineOf(event));
  }
  const listening = engine.events.listen((event) => {
    if (test(event)) answer.send(lineOf(event));
  });
  const timer = untilNs === undefined ? undefined : endAt(untilNs, answer);
  answer.onGone(() => {
    listening[Symbol.dispose]();
    timer?.[Symbol.dispose]();
  });
}

function timeOf(query: Query, name: string): bigint | undefined {
  const text = query.text(name);
  return text === '' || text === '0' ? undefined : parseUnixNs(text, name);
}

/** A time that has passed ends the answer before anything new can happen. */
function endAt(untilNs: bigint, answer: LongAnswer): Disposable {
  let timer: NodeJS.Timeout | undefined;
  const wait = (): void => {
    const ms = Number(untilNs / 1_000_000n) - Date.now();
    if (ms <= 0) answer.end();
    else timer = setTimeout(wait, Math.min(ms, timerMsMax));
  };
  wait();
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

/** Many may watch the same event: it is put into words once. */
const lines = new WeakMap<EngineEvent, Buffer>();

function lineOf(event: EngineEvent): Buffer {
  const line = lines.get(event) ?? Buffer.from(`${toEventJson(event)}\n`);
  lines.set(event, line);
  return line;
}

/** By hand at its end: the time in nanoseconds is a whole number that JavaScript's numbers cannot hold. `status`, `id` and `from` are for clients before API 1.22. */
export function toEventJson({ type, action, id, attributes, timeNs }: EngineEvent): string {
  const from = type === 'container' ? { from: attributes['image'] } : {};
  const sorted = Object.fromEntries(Object.entries(attributes).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  const json = JSON.stringify({
    status: action, ...(id === '' ? {} : { id }), ...from, Type: type, Action: action, Actor: { ID: id, Attributes: sorted }, scope: eventScope, time: Number(timeNs / 1_000_000_000n),
  });
  return `${json.slice(0, -1)},"timeNano":${timeNs}}`;
}
