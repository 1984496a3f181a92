// Docker's limits as the OCI configuration says them. Pure.
import type { HostConfig } from '../../spec/docker/container.ts';
import type { DeviceRule, Resources, Rlimit } from '../../spec/oci/runtime.ts';

const defaultPeriodUs = 100_000;

/** `blockIO`: limits whose devices were looked up (block-io.ts). */
export function resourcesOf(host: HostConfig, devices: readonly DeviceRule[], blockIO?: Resources['blockIO']): Resources {
  const memory = {
    ...(host.Memory === 0 ? {} : { limit: host.Memory }),
    ...(host.MemorySwap === 0 ? {} : { swap: host.MemorySwap }),
    ...(host.MemoryReservation === 0 ? {} : { reservation: host.MemoryReservation }),
    ...(host.MemorySwappiness === null || host.MemorySwappiness === -1 ? {} : { swappiness: host.MemorySwappiness }),
    ...(host.OomKillDisable === true ? { disableOOMKiller: true } : {}),
  };
  const cpu = {
    ...(host.CpuShares === 0 ? {} : { shares: host.CpuShares }),
    ...cpuQuota(host),
    ...(host.CpuRealtimePeriod === 0 ? {} : { realtimePeriod: host.CpuRealtimePeriod }),
    ...(host.CpuRealtimeRuntime === 0 ? {} : { realtimeRuntime: host.CpuRealtimeRuntime }),
    ...(host.CpusetCpus === '' ? {} : { cpus: host.CpusetCpus }),
    ...(host.CpusetMems === '' ? {} : { mems: host.CpusetMems }),
  };
  return {
    devices,
    ...(Object.keys(memory).length === 0 ? {} : { memory }),
    ...(Object.keys(cpu).length === 0 ? {} : { cpu }),
    ...(host.PidsLimit === null || host.PidsLimit === 0 ? {} : { pids: { limit: host.PidsLimit } }),
    ...(blockIO === undefined ? {} : { blockIO }),
  };
}

function cpuQuota({ NanoCpus, CpuPeriod, CpuQuota }: HostConfig): { readonly quota?: number; readonly period?: number } {
  if (NanoCpus > 0) return { period: defaultPeriodUs, quota: Math.floor((NanoCpus * defaultPeriodUs) / 1e9) };
  return { ...(CpuPeriod === 0 ? {} : { period: CpuPeriod }), ...(CpuQuota === 0 ? {} : { quota: CpuQuota }) };
}

export function rlimitsOf(host: HostConfig): readonly Rlimit[] {
  return (host.Ulimits ?? []).map(({ Name, Soft, Hard }) => ({ type: `RLIMIT_${Name.toUpperCase()}`, soft: Soft, hard: Hard }));
}
