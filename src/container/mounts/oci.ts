// A mount point as the OCI configuration says it. Pure.
import type { Mount } from '../../spec/oci/runtime.ts';
import type { MountPoint } from './point.ts';

/** `path`: where the source is on the host; what is held by a descriptor needs none. */
export function bindMount(point: MountPoint, path: string): Mount {
  const { destination, rw } = point;
  if (point.type === 'tmpfs') return { destination, type: 'tmpfs', source: 'tmpfs', options: rw ? point.options : [...point.options, 'ro'] };
  const isAlone = point.type === 'bind' && !point.isRecursive;
  const isReadOnlyBelow = point.type === 'image' || point.readOnlyBelow;
  const spread = point.type === 'bind' ? point.propagation : 'rprivate';
  return { destination, type: 'bind', source: path === '' ? point.type : path, options: [isAlone ? 'bind' : 'rbind', ...(rw ? [] : [isReadOnlyBelow ? 'rro' : 'ro']), spread] };
}
