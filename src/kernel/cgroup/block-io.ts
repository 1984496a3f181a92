// What the kernel can limit of block I/O: it depends on its version, its schedulers and its configuration, and only the files tell.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { parseCgroupMounts } from './mounted.ts';

export interface BlockIoAbilities {
  readonly weight: boolean;
  readonly deviceWeight: boolean;
  /** Bytes and operations a second. */
  readonly throttle: boolean;
}

export function readBlockIoAbilities(mountInfo = readFileSync('/proc/self/mountinfo', 'utf8')): BlockIoAbilities {
  const mounted = parseCgroupMounts(mountInfo);
  const version1 = mounted.find(({ controllers }) => controllers.has('blkio'))?.mountPoint;
  if (version1 !== undefined) {
    return {
      weight: existsSync(`${version1}/blkio.weight`), deviceWeight: existsSync(`${version1}/blkio.weight_device`),
      throttle: existsSync(`${version1}/blkio.throttle.read_bps_device`),
    };
  }
  const version2 = mounted.find(({ version }) => version === 2)?.mountPoint;
  if (version2 === undefined || !readFileSync(`${version2}/cgroup.controllers`, 'utf8').trim().split(' ').includes('io')) return { weight: false, deviceWeight: false, throttle: false };
  const hasWeight = hasWeightVersion2(version2);
  return { weight: hasWeight, deviceWeight: hasWeight, throttle: true };
}

/** The cost model shows in the root, though the root has no weight; BFQ, which may be built without groups, only in a group that has it. */
function hasWeightVersion2(root: string): boolean {
  return existsSync(`${root}/io.cost.qos`) || globSync(`${root}/*/io.{bfq.,}weight`).length > 0;
}
