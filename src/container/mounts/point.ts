// A mount point: what a container has mounted where, written in its record when it is made and read at each of its starts.
import type { Digest } from '../../base/index.ts';
import type { IdMapping } from '../../spec/oci/runtime.ts';

export const propagations = ['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'] as const;
export type Propagation = (typeof propagations)[number];

/** Whose files a mount shows as whose. */
export interface IdMaps {
  readonly uidMappings: readonly IdMapping[];
  readonly gidMappings: readonly IdMapping[];
}

interface Placed {
  /** Absolute, without `.`, `..` and a slash at its end. */
  readonly destination: string;
  readonly rw: boolean;
  /** The words of -v as they came. */
  readonly mode: string;
}

/** Files that are there without the container. */
interface Files extends Placed {
  /** Read-only holds for what is mounted below, too. */
  readonly readOnlyBelow: boolean;
  readonly idMaps?: IdMaps;
  /** Given to the container's user at its start. */
  readonly chown: boolean;
  /** What is written lies upon them, and goes with the container's end. */
  readonly overlay: boolean;
}

export interface BindPoint extends Files {
  readonly type: 'bind';
  readonly source: string;
  readonly propagation: Propagation;
  /** Somebody asked for it by name: then it must be possible. */
  readonly propagationAsked: boolean;
  /** With what is mounted below the source. */
  readonly isRecursive: boolean;
  /** A source that is missing at a start is made, as a directory. */
  readonly createsSource: boolean;
}

export interface VolumePoint extends Files {
  readonly type: 'volume';
  readonly name: string;
  /** Where its files are, for people: `<root>/volumes/<name>/_data`. */
  readonly source: string;
  /** Nobody named it here: it goes with `rm -v`. */
  readonly isAnonymous: boolean;
  /** What the image has at the destination is copied into the volume as long as that is empty. */
  readonly copiesUp: boolean;
  /** A directory or file in it; '' is all of it. */
  readonly subpath: string;
}

export interface TmpfsPoint extends Placed {
  readonly type: 'tmpfs';
  /** As the kernel takes them. */
  readonly options: readonly string[];
}

export interface ImagePoint extends Placed {
  readonly type: 'image';
  /** As it was asked for. */
  readonly name: string;
  readonly imageId: Digest;
  /** Lowest first. */
  readonly layers: readonly Digest[];
  readonly subpath: string;
}

export type MountPoint = BindPoint | VolumePoint | TmpfsPoint | ImagePoint;
