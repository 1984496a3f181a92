// Mount points as Docker's JSON: rows of `Mounts` of inspect and list.
import type { MountPoint } from '../engine/index.ts';
import type { MountPointView } from '../spec/docker/mount.ts';

export function toMountView(point: MountPoint): MountPointView {
  return {
    Type: point.type,
    ...(point.type === 'volume' || point.type === 'image' ? { Name: point.name } : {}),
    Source: sourceOf(point),
    Destination: point.destination,
    ...(point.type === 'volume' ? { Driver: 'local' } : {}),
    Mode: point.mode,
    RW: point.rw,
    Propagation: point.type === 'bind' ? point.propagation : point.type === 'image' ? 'rprivate' : '',
  };
}

function sourceOf(point: MountPoint): string {
  if (point.type === 'image') return point.imageId;
  return point.type === 'tmpfs' ? '' : point.source;
}
