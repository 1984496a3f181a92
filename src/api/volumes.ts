// Volumes: list, inspect, create, remove, prune.
import { decode, fail } from '../base/index.ts';
import type { Engine, VolumeRecord, VolumeWish } from '../engine/index.ts';
import type { VolumeList, VolumeView } from '../spec/docker/volume.ts';
import { answerEmpty, answerJson } from './answer.ts';
import { readOptionalJson } from './body.ts';
import { parameterOf, type Call } from './call.ts';
import { prunedVolumes, selectVolumes } from './volume-filters.ts';

const { dictionary, mapped, nullable, object, optional, presence, text } = decode;

export function list({ engine, query, response }: Call): void {
  const answer: VolumeList = { Volumes: selectVolumes(engine, query).map((volume) => toVolumeView(engine, volume)), Warnings: null };
  answerJson(response, 200, answer);
}

export function inspect(call: Call): void {
  const { engine, response } = call;
  answerJson(response, 200, toVolumeView(engine, engine.volumes.get(parameterOf(call, 'name'))));
}

const body: decode.Decode<VolumeWish> = mapped(
  object({ Name: text, Driver: text, DriverOpts: nullable(dictionary(text)), Labels: nullable(dictionary(text)), ClusterVolumeSpec: optional(nullable(presence)) }),
  ({ Name, Driver, DriverOpts, Labels, ClusterVolumeSpec }) => {
    if (ClusterVolumeSpec !== undefined && ClusterVolumeSpec !== null) throw fail('unavailable', 'This node is not a swarm manager: cluster volumes need several machines, and Estiva runs on one', { hint: 'Leave ClusterVolumeSpec away' });
    return { name: Name, driver: Driver, options: DriverOpts, labels: Labels };
  },
);

export async function create({ engine, request, response }: Call): Promise<void> {
  const wish = await readOptionalJson(request, body);
  const made = await engine.volumes.create(wish ?? { name: '', driver: '', options: null, labels: null });
  answerJson(response, 201, toVolumeView(engine, made));
}

export async function remove(call: Call): Promise<void> {
  const { engine, query, response } = call;
  await engine.volumes.remove(parameterOf(call, 'name'), { force: query.flag('force') });
  answerEmpty(response, 204);
}

/** Docker has it for cluster volumes alone. */
export function update(): never {
  throw fail('unavailable', 'volume update only valid for cluster volumes, but swarm is unavailable');
}

export async function prune({ engine, query, response, apiMinor }: Call): Promise<void> {
  const { names, reclaimedBytes } = await engine.volumes.prune(prunedVolumes(query, apiMinor));
  answerJson(response, 200, { VolumesDeleted: names, SpaceReclaimed: reclaimedBytes });
}

export function toVolumeView({ volumes }: Engine, { name, createdAt, driver, options, labels }: VolumeRecord): VolumeView {
  return { CreatedAt: createdAt.toISOString().replace(/\.\d+Z$/, 'Z'), Driver: driver, Labels: labels, Mountpoint: volumes.directoryOf(name), Name: name, Options: options, Scope: 'local' };
}
