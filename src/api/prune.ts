// `POST /containers/prune`, `/images/prune` and `/build/prune`: what goes, by the filters that Docker has for it.
import type { ContainerRecord } from '../engine/index.ts';
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

/** There is no build cache yet: it has nothing to give. */
export function pruneBuildCache({ query, response }: Call): void {
  const filters = query.filters(buildFilters);
  for (const name of ['until', 'unused-for']) untilOf(filters.get(name) ?? [], new Date());
  for (const name of ['keep-storage', 'reserved-space', 'max-used-space', 'min-free-space']) query.integer(name);
  answerJson(response, 200, { CachesDeleted: null, SpaceReclaimed: 0 });
}

/** All labels, none of the labels that are not wanted, and created before a point in time. */
export function chooser(filters: Filters, now: Date): (labels: Readonly<Record<string, string>>, createdAt: Date) => boolean {
  const until = untilOf(filters.get('until') ?? [], now);
  const wanted = filters.get('label') ?? [];
  const unwanted = filters.get('label!') ?? [];
  return (labels, createdAt) => (until === undefined || createdAt.getTime() <= until)
    && hasLabels(labels, wanted) && !unwanted.some((label) => hasLabels(labels, [label]));
}
