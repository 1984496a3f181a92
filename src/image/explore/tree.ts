// From a name down to its layers: what its index lists, which of that is here, and who else has the layers.
import type { Digest } from '../../base/index.ts';
import { familiarReference } from '../../spec/reference.ts';
import type { ImageTree, PlatformTree, TreeLayer } from '../../spec/estiva/exploration.ts';
import type { Storage } from '../../storage/index.ts';
import { stepsOf } from '../history.ts';
import { manifestsOf, usersOfLayers } from '../manifests.ts';
import type { ImageRecord, ImageStore } from '../store.ts';

export function treeOf(image: ImageRecord, store: ImageStore, storage: Storage): ImageTree {
  const { target, manifests } = manifestsOf(image, store, storage);
  const users = usersOfLayers(store);
  const platform = (one: ImageRecord): Pick<PlatformTree, 'id' | 'sizeBytes' | 'layers'> => {
    const layers = layersOf(one, users, storage);
    return { id: one.id, sizeBytes: layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0), layers };
  };
  const listed = manifests.flatMap(({ kind, descriptor }): readonly PlatformTree[] => {
    if (kind.kind !== 'image') return [];
    const here = kind.imageId === undefined ? undefined : store.image(kind.imageId);
    return [{ platform: kind.platform, manifest: descriptor, ...here === undefined ? { sizeBytes: 0, layers: [] } : platform(here) }];
  });
  const { os, architecture } = image.config;
  return {
    id: image.id, tags: store.namesOf(image.id).filter(({ digest }) => digest === undefined).map(familiarReference).sort(),
    ...target === undefined ? {} : { target }, platforms: target === undefined ? [{ platform: { os, architecture }, ...platform(image) }] : listed,
  };
}

function layersOf({ config }: ImageRecord, users: ReadonlyMap<Digest, number>, { snapshots }: Storage): readonly TreeLayer[] {
  const instructions = new Map(stepsOf(config).flatMap(({ diffId, created_by: createdBy = '' }) => (diffId === undefined ? [] : [[diffId, createdBy]])));
  return config.rootfs.diff_ids.map((diffId) => ({
    diffId, createdBy: instructions.get(diffId) ?? '', sizeBytes: snapshots.layer(diffId)?.sizeBytes ?? 0, otherImages: (users.get(diffId) ?? 1) - 1,
  }));
}
