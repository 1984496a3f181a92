// `POST /containers/{id}/update`: the body from JSON to a typed request. What dockerd reads and ignores is refused by name.
import { decode, fail } from '../base/index.ts';
import type { ContainerLimits, HostConfig, UpdateContainerRequest } from '../spec/docker/container.ts';
import { answerJson } from './answer.ts';
import { readJson } from './body.ts';
import { type Call, parameterOf } from './call.ts';
import { mounts } from './mount-request.ts';
import { isNothing } from './not-yet.ts';
import { portBindings } from './port-bindings.ts';

const { integer, list, mapped, nullable, object, text } = decode;

const limits = object<ContainerLimits>({
  BlkioWeight: integer, CpuShares: integer, NanoCpus: integer, CpuPeriod: integer, CpuQuota: integer, CpuRealtimePeriod: integer, CpuRealtimeRuntime: integer,
  CpusetCpus: text, CpusetMems: text, Memory: integer, MemorySwap: integer, MemoryReservation: integer,
  // Here 0 and -1 mean "no limit", and absent "as it is".
  PidsLimit: mapped(nullable(integer), (limit) => (limit === null ? null : Math.max(limit, 0))),
});

const restartPolicy: decode.Decode<HostConfig['RestartPolicy'] | null> = mapped(
  object<HostConfig['RestartPolicy']>({ Name: text, MaximumRetryCount: integer }), (policy) => (policy.Name === '' ? null : policy),
);

/** Fields of a container's limits that are decided at its creation. */
const fixed = [
  'BlkioDeviceReadBps', 'BlkioDeviceReadIOps', 'BlkioDeviceWriteBps', 'BlkioDeviceWriteIOps', 'BlkioWeightDevice', 'CgroupParent', 'CpuCount', 'CpuPercent',
  'DeviceCgroupRules', 'DeviceRequests', 'Devices', 'IOMaximumBandwidth', 'IOMaximumIOps', 'Init', 'KernelMemory', 'KernelMemoryTCP', 'MemorySwappiness', 'OomKillDisable', 'Ulimits',
];

export const updateRequest: decode.Decode<UpdateContainerRequest> = (body, path) => {
  const decoded = { limits: limits(body, path), restartPolicy: restartPolicy(decode.fieldOf(body, 'RestartPolicy'), 'RestartPolicy'), publish: portBindings(decode.fieldOf(body, 'Publish'), 'Publish'), unpublish: portBindings(decode.fieldOf(body, 'Unpublish'), 'Unpublish'), mounts: mounts(decode.fieldOf(body, 'Mounts'), 'Mounts') ?? [], unmounts: list(text)(decode.fieldOf(body, 'Unmounts'), 'Unmounts') };
  const refused = fixed.find((name) => !isNothing(decode.fieldOf(body, name)) && decode.fieldOf(body, name) !== -1);
  if (refused !== undefined) throw fail('unsupported', `${refused} cannot be updated`, { hint: 'It is decided when a container is created' });
  return decoded;
};

export async function update(call: Call): Promise<void> {
  const request = await readJson(call.request, updateRequest);
  const warnings = await call.engine.containers.update(parameterOf(call, 'id'), request);
  answerJson(call.response, 200, { Warnings: warnings.length === 0 ? null : warnings });
}
