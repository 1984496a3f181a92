// What the kernel can limit of block I/O: it depends on its version, its schedulers and its configuration, and only the files tell.
import { existsSync, readFileSync } from 'node:fs';
import { parseCgroupMounts } from './mounted.ts';

export interface BlockIoAbilities {
  readonly weight: boolean;
  readonly deviceWeight: boolean;
  /** Bytes and operations a second. */
  readonly throttle: boolean;
}

/** Version 2 has weights only where a scheduler or a cost model is set up for the device: they are not counted on. */
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
  const controllers = version2 === undefined ? '' : readFileSync(`${version2}/cgroup.controllers`, 'utf8');
  return { weight: false, deviceWeight: false, throttle: controllers.trim().split(' ').includes('io') };
}
