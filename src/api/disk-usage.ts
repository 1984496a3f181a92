// `GET /system/df`: what images, containers and volumes take on the disk. There is no build cache yet: that list is empty.
import { fail } from '../base/index.ts';
import type { DiskUsage } from '../spec/docker/disk-usage.ts';
import type { VolumeView } from '../spec/docker/volume.ts';
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
  const answer: DiskUsage = {
    ...wants('image') ? imagesOf(call) : { LayersSize: 0, Images: null },
    Containers: wants('container') ? await containerSummaries(call.engine, call.engine.containers.list(), true) : null,
    Volumes: wants('volume') ? await volumesOf(call) : null,
    BuildCache: wants('build-cache') ? [] : null,
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

function imagesOf({ engine }: Call): Pick<DiskUsage, 'LayersSize' | 'Images' | 'EstivaKeptBlobs'> {
  const { layerBytes, sharedBytes, keptBytes } = engine.images.usage();
  const used = Map.groupBy(engine.containers.list(), ({ imageId }) => imageId);
  const images = engine.images.list().map((image) => toImageSummary(image, used.get(image.id)?.length ?? 0, sharedBytes.get(image.id) ?? 0));
  return { LayersSize: layerBytes, Images: images, EstivaKeptBlobs: keptBytes };
}
