// `GET /containers/{id}/stats`: what a container uses: a line each second, or one answer.
import { fail } from '../base/index.ts';
import type { StatsLook } from '../engine/index.ts';
import { answerJson } from './answer.ts';
import { type Call, parameterOf } from './call.ts';
import { LongAnswer } from './long-answer.ts';
import { toStats } from './stats-to-docker.ts';

export async function stats(call: Call): Promise<void> {
  const { engine, query, response } = call;
  const [isStream, isOneShot] = [query.flagUnless('stream'), query.flag('one-shot')];
  if (isStream && isOneShot) throw fail('invalid', 'cannot have stream=true and one-shot=true');
  const record = engine.containers.get(parameterOf(call, 'id'));
  if (isStream) return streamStats(call, record.id);
  const sample = engine.containers.stats(record.id);
  const look = isOneShot || sample === undefined ? { sample, previous: undefined } : await nextLook(call, record.id);
  if (look !== undefined) answerJson(response, 200, toStats(record, look));
}

/** Of two looks, a second apart: clients make percentages of the difference. Undefined when the client leaves. */
async function nextLook({ engine, signal }: Call, id: string): Promise<StatsLook | undefined> {
  const { promise, resolve } = Promise.withResolvers<StatsLook | undefined>();
  using _watching = engine.containers.watchStats(id, { onLook: resolve, onGone: () => resolve({ sample: undefined, previous: undefined }) });
  signal.addEventListener('abort', () => resolve(undefined), { once: true });
  return await promise;
}

function streamStats(call: Call, id: string): void {
  const { containers } = call.engine;
  let answer: LongAnswer | undefined;
  // First the watch: what hinders it can still be answered.
  const watching = containers.watchStats(id, {
    // A client that has not taken the last line yet misses this one: it wants to know how things are, not how they were.
    onLook: (look) => {
      if (answer?.isHeldUp === false) answer.send(lineOf(look, () => containers.get(id)));
    },
    onGone: () => answer?.end(),
  });
  answer = new LongAnswer(call);
  answer.onGone(() => watching[Symbol.dispose]());
}

/** All who watch a container get the same look: it is put into words once. */
const lines = new WeakMap<StatsLook, Buffer>();

function lineOf(look: StatsLook, find: () => { readonly id: string; readonly name: string }): Buffer {
  const line = lines.get(look) ?? Buffer.from(`${JSON.stringify(toStats(find(), look))}\n`);
  lines.set(look, line);
  return line;
}
