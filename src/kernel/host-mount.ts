// A mount in this process's own namespace, for others on the host to see. Source: mount(2), mount_namespaces(7).
import { call, tryCall } from './call.ts';
import { errnoName } from './error.ts';
import { MNT_DETACH, MS } from './mount.ts';

export interface HostMount {
  readonly device: string;
  readonly path: string;
  readonly type: string;
  readonly flags: number;
  readonly data: string;
  /** As parseMountOptions has it; 0: it is private. */
  readonly propagation: number;
}

/** Whole or not at all. The name of the errno when the kernel refuses. */
export function mountNow({ device, path, type, flags, data, propagation }: HostMount): string | undefined {
  const result = tryCall('mount', device, path, type, flags, data);
  if (result < 0) return errnoName(-result);
  // A bind takes its flags only when it is mounted once more.
  const isBindWithFlags = (flags & MS.BIND) !== 0 && (flags & ~(MS.BIND | MS.REC)) !== 0;
  const again = isBindWithFlags ? tryCall('mount', 0, path, 0, flags | MS.REMOUNT, 0) : 0;
  const spread = again < 0 ? again : tryCall('mount', 0, path, 0, propagation === 0 ? MS.PRIVATE | MS.REC : propagation, 0);
  if (spread >= 0) return undefined;
  call('umount2', path, MNT_DETACH);
  return errnoName(-spread);
}
