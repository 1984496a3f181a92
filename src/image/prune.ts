// prune: the images that no container has and nobody names (or, with all, nobody uses) are removed as if by name.
import { isFail, type Digest } from '../base/index.ts';
import type { Image, Images, RemovedImage } from './image.ts';

export interface PruneRoom {
  readonly images: Pick<Images, 'list' | 'remove'>;
  readonly isInUse: (id: Digest) => boolean;
}

/** Those without a tag; with `all`, also those with one. What is taken into use meanwhile stays. */
export async function pruneImages(isChosen: (image: Image) => boolean, all: boolean, room: PruneRoom): Promise<RemovedImage> {
  const untagged: string[] = [];
  const deleted: Digest[] = [];
  for (const image of room.images.list()) {
    if ((!all && image.repoTags.length > 0) || !isChosen(image) || room.isInUse(image.id)) continue;
    for (const name of namesFor(image)) {
      const removed = await removeUnused(name, room.images);
      untagged.push(...removed.untagged);
      deleted.push(...removed.deleted);
    }
  }
  return { untagged, deleted };
}

/** The digests of a repository go with its last tag. */
export function namesFor({ id, repoTags, repoDigests }: Image): readonly string[] {
  if (repoTags.length > 0) return repoTags;
  return repoDigests.length > 0 ? repoDigests : [id];
}

/** Nothing when it is in use, or gone, meanwhile. */
export async function removeUnused(name: string, images: Pick<Images, 'remove'>): Promise<RemovedImage> {
  try {
    return await images.remove(name, { force: false, prune: true });
  } catch (error) {
    if (isFail(error, 'conflict') || isFail(error, 'not_found')) return { untagged: [], deleted: [] };
    throw error;
  }
}
