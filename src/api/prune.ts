// `POST /containers/prune`, `/images/prune` and `/build/prune`: what goes, by the filters that Docker has for it.
import { fail } from '../base/index.ts';
import type { CachedStep, ContainerRecord } from '../engine/index.ts';
import type { ImageDeleteItem } from '../spec/docker/image.ts';
import { answerJson } from './answer.ts';
import type { Call } from './call.ts';
import { hasLabels } from './container-filters.ts';
import { truthOf, untilOf } from './image-filters.ts';
import type { Filters } from './query.ts';

export async function pruneContainers({ engine, query, response }: Call): Promise<void> {
  const isWanted = chooser(query.filters(['label', 'label!', 'until']), new Date());
  const isChosen = ({ config: { Labels }, createdAt }: ContainerRecord): boolean => isWanted(Labels, createdAt);
  const { ids, reclaimedBytes } = await engine.containers.prune(isChosen);
  answerJson(response, 200, { ContainersDeleted: ids.length === 0 ? null : ids, SpaceReclaimed: reclaimedBytes });
}

/** Without `dangling`, or with `dangling=true`, only images without a tag. */
export async function pruneImages({ engine, query, response }: Call): Promise<void> {
  const filters = query.filters(['dangling', 'label', 'label!', 'until']);
  const isWanted = chooser(filters, new Date());
  const all = (filters.get('dangling') ?? []).some((text) => !truthOf('dangling', text));
  const { untagged, deleted, reclaimedBytes } = await engine.images.prune(({ config, createdAt }) => isWanted(config.config?.Labels ?? {}, createdAt), { all });
  const items: readonly ImageDeleteItem[] = [...untagged.map((Untagged) => ({ Untagged })), ...deleted.map((Deleted) => ({ Deleted }))];
  answerJson(response, 200, { ImagesDeleted: items.length === 0 ? null : items, SpaceReclaimed: reclaimedBytes });
}

const buildFilters = ['description', 'id', 'inuse', 'label', 'label!', 'parent', 'private', 'shared', 'type', 'unused-for', 'until'];

/** Steps whose layers no image has; with `all`, those too. The layers go unless an image or a container has them. */
export async function pruneBuildCache({ engine, query, response }: Call): Promise<void> {
  const filters = query.filters(buildFilters);
  const until = untilOf([...filters.get('until') ?? [], ...filters.get('unused-for') ?? []], new Date());
  for (const name of ['max-used-space', 'min-free-space']) if ((query.integer(name) ?? 0) > 0) throw fail('unsupported', `${name} is not supported yet`, { hint: 'Use keep-storage' });
  const all = query.flag('all');
  const isWanted = (step: CachedStep): boolean => (all || !step.isShared) && (until === undefined || new Date(step.usedAt).getTime() <= until) && fitsBuildFilters(step, filters);
  const kept = keptSteps(await engine.builds.cached(), query.integer('reserved-space') ?? query.integer('keep-storage') ?? 0);
  const { keys, reclaimedBytes } = await engine.builds.pruneCache((step) => isWanted(step) && !kept.has(step.key));
  answerJson(response, 200, { CachesDeleted: keys.length === 0 ? null : keys, SpaceReclaimed: reclaimedBytes });
}

/** The last used ones, as many as have room. */
function keptSteps(steps: readonly CachedStep[], roomBytes: number): ReadonlySet<string> {
  let room = roomBytes;
  if (room <= 0) return new Set();
  return new Set(steps.toSorted((a, b) => (a.usedAt < b.usedAt ? 1 : -1)).filter(({ sizeBytes }) => (room -= sizeBytes) >= 0).map(({ key }) => key));
}

function fitsBuildFilters({ key, parent, what, isShared, isInUse, type }: CachedStep, filters: Filters): boolean {
  const is = (name: string, value: string): boolean => (filters.get(name) ?? [value]).includes(value);
  const truth = (name: string, value: boolean): boolean => (filters.get(name) ?? []).every((text) => truthOf(name, text) === value);
  return is('id', key) && is('parent', parent) && is('type', type) && is('description', what) && truth('shared', isShared) && truth('inuse', isInUse) && truth('private', true)
    && !filters.has('label');
}

/** All labels, none of the labels that are not wanted, and created before a point in time. */
export function chooser(filters: Filters, now: Date): (labels: Readonly<Record<string, string>>, createdAt: Date) => boolean {
  const until = untilOf(filters.get('until') ?? [], now);
  const wanted = filters.get('label') ?? [];
  const unwanted = filters.get('label!') ?? [];
  return (labels, createdAt) => (until === undefined || createdAt.getTime() <= until)
    && hasLabels(labels, wanted) && !unwanted.some((label) => hasLabels(labels, [label]));
}
