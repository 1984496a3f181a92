// `GET /system/df`: what images, containers, volumes and the build cache take on the disk.
import { fail } from '../base/index.ts';
import type { BuildCacheView, DiskUsage } from '../spec/docker/disk-usage.ts';
import type { VolumeView } from '../spec/docker/volume.ts';
import type { CachedStep } from '../engine/index.ts';
import { answerJson } from './answer.ts';
import type { Call } from './call.ts';
import { containerSummaries } from './containers.ts';
import { toImageSummary } from './image-to-docker.ts';
import { hasNoOptions } from './volume-filters.ts';
import { toVolumeView } from './volumes.ts';

const types = ['container', 'image', 'volume', 'build-cache'];

export async function diskUsage(call: Call): Promise<void> {
  const asked = call.query.all('type');
  const unknown = asked.find((type) => !types.includes(type));
  if (unknown !== undefined) throw fail('invalid', `unknown object type: ${unknown.slice(0, 100)}`, { hint: `One of ${types.join(', ')}` });
  const wants = (type: string): boolean => asked.length === 0 || asked.includes(type);
  const cached = wants('image') || wants('build-cache') ? await call.engine.builds.cached() : [];
  const answer: DiskUsage = {
    ...wants('image') ? imagesOf(call, cached) : { LayersSize: 0, Images: null },
    Containers: wants('container') ? await containerSummaries(call.engine, call.engine.containers.list(), true) : null,
    Volumes: wants('volume') ? await volumesOf(call) : null,
    BuildCache: wants('build-cache') ? cached.map(toBuildCacheView) : null,
  };
  answerJson(call.response, 200, answer);
}

/** Those that stand for something of the host (options) are not of our disk: dockerd leaves them out, too. */
async function volumesOf({ engine }: Call): Promise<readonly VolumeView[]> {
  const views: VolumeView[] = [];
  for (const volume of engine.volumes.list().filter(hasNoOptions)) {
    const Size = await engine.volumes.usageBytes(volume.name);
    views.push({ ...toVolumeView(engine, volume), UsageData: { RefCount: engine.volumes.usersOf(volume.name).length, Size } });
  }
  return views;
}

function imagesOf({ engine }: Call, cached: readonly CachedStep[]): Pick<DiskUsage, 'LayersSize' | 'Images' | 'EstivaKeptBlobs'> {
  const { layerBytes, sharedBytes, keptBytes } = engine.images.usage();
  const used = Map.groupBy(engine.containers.list(), ({ imageId }) => imageId);
  const images = engine.images.list().map((image) => toImageSummary(image, used.get(image.id)?.length ?? 0, sharedBytes.get(image.id) ?? 0));
  return { LayersSize: layerBytes - cacheBytes(cached), Images: images, EstivaKeptBlobs: keptBytes };
}

/** Layers that only the build cache has. */
function cacheBytes(steps: readonly CachedStep[]): number {
  const own = new Map(steps.flatMap(({ layer, isShared, sizeBytes }) => (layer === undefined || isShared ? [] : [[layer, sizeBytes] as const])));
  return [...own.values()].reduce((sum, bytes) => sum + bytes, 0);
}

/** Steps that changed no file take nothing; they are listed, because a prune forgets them. */
function toBuildCacheView({ key, parent, what, isShared, sizeBytes, createdAt, usedAt, uses, type, isInUse }: CachedStep): BuildCacheView {
  return {
    ID: key, Parents: parent === '' ? null : [parent], Type: type, Description: what, InUse: isInUse, Shared: isShared, Size: sizeBytes, CreatedAt: createdAt, LastUsedAt: uses === 0 ? null : usedAt, UsageCount: uses,
  };
}
