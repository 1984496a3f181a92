// `POST /containers/prune`: which containers go, by the filters that Docker has for it.
import { fail, unixTimeOf } from '../base/index.ts';
import type { ContainerRecord } from '../engine/index.ts';
import { answerJson } from './answer.ts';
import type { Call } from './call.ts';
import { hasLabels } from './container-filters.ts';
import type { Filters } from './query.ts';

export async function pruneContainers({ engine, query, response }: Call): Promise<void> {
  const isChosen = chooser(query.filters(['label', 'label!', 'until']), new Date());
  const { ids, reclaimedBytes } = await engine.containers.prune(isChosen);
  answerJson(response, 200, { ContainersDeleted: ids.length === 0 ? null : ids, SpaceReclaimed: reclaimedBytes });
}

/** All labels, none of the labels that are not wanted, and created before a point in time. */
function chooser(filters: Filters, now: Date): (record: ContainerRecord) => boolean {
  const until = untilOf(filters.get('until') ?? [], now);
  const wanted = filters.get('label') ?? [];
  const unwanted = filters.get('label!') ?? [];
  return ({ config: { Labels }, createdAt }) => (until === undefined || createdAt.getTime() <= until)
    && hasLabels(Labels, wanted) && !unwanted.some((label) => hasLabels(Labels, [label]));
}

function untilOf(values: readonly string[], now: Date): number | undefined {
  const [text, ...more] = values;
  if (text === undefined) return undefined;
  if (more.length > 0) throw fail('invalid', 'more than one until filter specified');
  const seconds = unixTimeOf(text, now);
  if (seconds === undefined) throw fail('invalid', `failed to parse value as time or duration: ${JSON.stringify(text.slice(0, 100))}`, { hint: 'Write it like 2026-01-02T15:04:05Z, 1767366245 or 24h' });
  return Number(seconds) * 1000;
}
