// A mount as it was asked for, checked in itself: what it needs of volumes and images is not there yet.
import type { VolumeWish } from '../../volume/index.ts';
import type { MountPoint } from './point.ts';

export interface MountWish {
  /** Whole, but for what the volume or the image will say: names and places of those are as they were asked for, or empty. */
  readonly point: MountPoint;
  /** The volume that it wants. */
  readonly volume?: VolumeWish;
}
