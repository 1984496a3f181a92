// What this kernel cannot limit, or what is unwise, as dockerd has it: the first is discarded, and the create's answer says so in dockerd's words.
import { fail } from '../base/index.ts';
import type { BlockIoAbilities } from '../kernel/index.ts';
import type { HostConfig } from '../spec/docker/container.ts';
import type { Room } from './room.ts';

export interface LimitFacts {
  readonly cgroupVersion: 1 | 2;
  readonly hasSwapLimit: boolean;
  readonly blockIo: BlockIoAbilities;
}

export function limitFactsOf({ cgroups, host }: Room): LimitFacts {
  return { cgroupVersion: cgroups.version, hasSwapLimit: cgroups.controllers.has('swap'), blockIo: host.blockIo };
}

export interface Discarded {
  readonly hostConfig: HostConfig;
  readonly warnings: readonly string[];
}

/** Pure. @throws `invalid` for a weight that is none, where there are weights */
export function discardWhatCannotBe(asked: HostConfig, facts: LimitFacts): Discarded {
  const warnings: string[] = [];
  // As dockerd keeps it: no where nobody asked, and nothing where the kernel has no such switch.
  let hostConfig: HostConfig = { ...asked, OomKillDisable: facts.cgroupVersion === 1 ? asked.OomKillDisable ?? false : null };
  for (const [isAsked, isThere, warning, without] of discardable(asked, facts)) {
    if (!isAsked || isThere) continue;
    warnings.push(warning);
    hostConfig = { ...hostConfig, ...without };
  }
  const { BlkioWeight: weight } = hostConfig;
  if (weight !== 0 && (weight < 10 || weight > 1000)) throw fail('invalid', 'Range of blkio weight is from 10 to 1000');
  if (hostConfig.OomKillDisable === true && hostConfig.Memory === 0) warnings.push('OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.');
  return { hostConfig, warnings };
}

type Discardable = readonly [isAsked: boolean, isThere: boolean, warning: string, without: Partial<HostConfig>];

function discardable(host: HostConfig, { cgroupVersion, hasSwapLimit, blockIo }: LimitFacts): readonly Discardable[] {
  const { MemorySwappiness: swappiness } = host;
  const throttle = (what: string, kind: string): string => `Your kernel does not support ${what} or the cgroup is not mounted. Block I/O ${kind} limit discarded.`;
  return [
    [host.Memory > 0 && host.MemorySwap !== -1, hasSwapLimit, 'Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.', { MemorySwap: -1 }],
    [swappiness !== null && swappiness !== -1, cgroupVersion === 1, 'Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. Memory swappiness discarded.', { MemorySwappiness: null }],
    [host.OomKillDisable === true, cgroupVersion === 1, 'Your kernel does not support OomKillDisable. OomKillDisable discarded.', { OomKillDisable: null }],
    [host.BlkioWeight > 0, blockIo.weight, 'Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.', { BlkioWeight: 0 }],
    [host.BlkioWeightDevice.length > 0, blockIo.deviceWeight, 'Your kernel does not support Block I/O weight_device or the cgroup is not mounted. Weight-device discarded.', { BlkioWeightDevice: [] }],
    [host.BlkioDeviceReadBps.length > 0, blockIo.throttle, throttle('BPS Block I/O read limit', 'BPS read'), { BlkioDeviceReadBps: [] }],
    [host.BlkioDeviceWriteBps.length > 0, blockIo.throttle, throttle('BPS Block I/O write limit', 'BPS write'), { BlkioDeviceWriteBps: [] }],
    [host.BlkioDeviceReadIOps.length > 0, blockIo.throttle, throttle('IOPS Block read limit', 'IOPS read'), { BlkioDeviceReadIOps: [] }],
    [host.BlkioDeviceWriteIOps.length > 0, blockIo.throttle, throttle('IOPS Block write limit', 'IOPS write'), { BlkioDeviceWriteIOps: [] }],
  ];
}
