// update: other limits, published ports, mounts and another restart policy for a container that exists, running or not. The kernel is asked first, then the record is
// changed in one transaction; when either fails, neither has changed.
import { EstivaError, fail, isFail } from '../base/index.ts';
import type { ContainerLimits, HostConfig, UpdateContainerRequest } from '../spec/docker/container.ts';
import type { Resources } from '../spec/oci/runtime.ts';
import type { ContainerRecord } from './container.ts';
import { discardWhatCannotBe, limitFactsOf } from './discard.ts';
import { checkCpu, checkMemory } from './merge.ts';
import { changePorts } from './endpoints/verbs.ts';
import { changeMounts } from './mounts/index.ts';
import { resourcesOf } from './oci/resources.ts';
import { checkRestartPolicy } from './restart-policy.ts';
import { cgroupPathOf, type Room } from './room.ts';
import { userOf } from './start.ts';
import { hasProcess } from './state.ts';

/** Runs inside the container's queue. @throws `invalid` for values that nobody could set, `conflict` for those that do not go with what is set */
export async function updateContainer(room: Room, record: ContainerRecord, request: UpdateContainerRequest): Promise<readonly string[]> {
  const { hostConfig, warnings } = updated(room, record, request);
  const resources = changedResources(hostConfig, request.limits);
  room.cgroups.check(resources);
  await using undo = new AsyncDisposableStack();
  if (hasProcess(record.state)) undo.defer(updateGroup(room, record, resources));
  const mounts = request.mounts.length + request.unmounts.length === 0 ? undefined : undo.use(await changeMounts(room, record, request, () => userOf(room, record)));
  if (Object.keys(request.publish).length > 0 || Object.keys(request.unpublish).length > 0) await changePorts(room, record, request);
  const changed = room.shelf.change(record.id, (now) => ({ ...now, mounts: mounts?.points ?? now.mounts, hostConfig: { ...hostConfig, ...mounts?.asked, PortBindings: now.hostConfig.PortBindings } }));
  undo.move();
  await mounts?.keep();
  room.tell({ kind: 'update', container: changed });
  return warnings;
}

function updateGroup(room: Room, { id, hostConfig }: ContainerRecord, resources: Resources): () => void {
  try {
    return room.cgroups.update(cgroupPathOf(id, hostConfig.CgroupParent), resources);
  } catch (error) {
    throw isFail(error) ? new EstivaError(error.kind, `Cannot update container ${id}: ${error.message}`, { hint: error.hint, cause: error }) : error;
  }
}

/** The configuration as it would be, checked in itself; and what of it this kernel cannot do. */
function updated(room: Room, { id, hostConfig: before }: ContainerRecord, { limits, restartPolicy }: UpdateContainerRequest): { readonly hostConfig: HostConfig; readonly warnings: readonly string[] } {
  checkMemory({ ...limits, MemorySwap: limits.Memory === 0 ? 0 : limits.MemorySwap, MemorySwappiness: null });
  checkCpu(limits, room.host);
  const conflict = conflictOf(before, limits) ?? policyConflict(before, restartPolicy);
  if (conflict !== undefined) throw fail('conflict', `Cannot update container ${id}: ${conflict}`);
  const given = Object.fromEntries(Object.entries(limits).filter(([name, value]) => (name === 'PidsLimit' ? value !== null : value !== 0 && value !== '')));
  const asked: HostConfig = { ...before, ...given, ...(restartPolicy === null ? {} : { RestartPolicy: restartPolicy }) };
  checkMemory(asked);
  checkCpu(asked, room.host);
  const known = discardWhatCannotBe(before, limitFactsOf(room)).warnings;
  const { hostConfig, warnings } = discardWhatCannotBe(asked, limitFactsOf(room));
  return { hostConfig, warnings: warnings.filter((warning) => !known.includes(warning)) };
}

/** In dockerd's words. */
function conflictOf(before: HostConfig, asked: ContainerLimits): string | undefined {
  if (asked.NanoCpus > 0 && before.CpuPeriod > 0) return 'Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set';
  if (asked.NanoCpus > 0 && before.CpuQuota > 0) return 'Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set';
  if (asked.CpuPeriod > 0 && before.NanoCpus > 0) return 'Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set';
  if (asked.CpuQuota > 0 && before.NanoCpus > 0) return 'Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set';
  if (asked.Memory > before.MemorySwap && asked.MemorySwap === 0 && before.MemorySwap !== -1) return 'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time';
  return undefined;
}

function policyConflict({ AutoRemove }: HostConfig, policy: UpdateContainerRequest['restartPolicy']): string | undefined {
  if (policy === null) return undefined;
  checkRestartPolicy(policy);
  return AutoRemove && policy.Name !== 'no' ? 'Restart policy cannot be updated because AutoRemove is enabled for the container' : undefined;
}

/** All limits of it that can change: those that have not are left alone by the cgroups. */
function changedResources(hostConfig: HostConfig, asked: ContainerLimits): Resources {
  const { memory, cpu } = resourcesOf({ ...hostConfig, MemorySwappiness: null, OomKillDisable: null }, []);
  return {
    ...(memory === undefined ? {} : { memory }),
    ...(cpu === undefined ? {} : { cpu }),
    ...(asked.PidsLimit === null ? {} : { pids: { limit: asked.PidsLimit > 0 ? asked.PidsLimit : -1 } }),
    ...(asked.BlkioWeight === 0 || hostConfig.BlkioWeight === 0 ? {} : { blockIO: { weight: hostConfig.BlkioWeight } }),
  };
}
