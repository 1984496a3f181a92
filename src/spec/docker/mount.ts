// `HostConfig.Mounts` as clients send it, and `Mounts` as inspect and list answer. Source: Docker Engine API v1.24–v1.51.

/** One mount as it was asked for. What is not said is not there: inspect says it back as it came. */
export interface MountRequest {
  readonly Type: string;
  readonly Source?: string;
  readonly Target?: string;
  readonly ReadOnly?: boolean;
  readonly Consistency?: string;
  readonly BindOptions?: {
    readonly Propagation?: string;
    readonly NonRecursive?: boolean;
    readonly CreateMountpoint?: boolean;
    readonly ReadOnlyNonRecursive?: boolean;
    readonly ReadOnlyForceRecursive?: boolean;
  };
  readonly VolumeOptions?: {
    readonly NoCopy?: boolean;
    readonly Labels?: Readonly<Record<string, string>>;
    readonly Subpath?: string;
    readonly DriverConfig?: { readonly Name?: string; readonly Options?: Readonly<Record<string, string>> };
  };
  readonly ImageOptions?: { readonly Subpath?: string };
  readonly TmpfsOptions?: {
    readonly SizeBytes?: number;
    readonly Mode?: number;
    readonly Options?: readonly (readonly string[])[];
  };
  readonly ClusterOptions?: object;
  /** Ours alone, as Podman has them: whose files the mount shows as whose (`uids=0-1000-1;gids=0-1000-1`). */
  readonly IdMap?: string;
  /** Ours alone: the files are given to the container's user before it starts. */
  readonly Chown?: boolean;
  /** Ours alone: what the container writes lies upon the source and goes with its end. */
  readonly Overlay?: boolean;
}

/** One row of `Mounts`. */
export interface MountPointView {
  readonly Type: string;
  readonly Name?: string;
  readonly Source: string;
  readonly Destination: string;
  readonly Driver?: string;
  readonly Mode: string;
  readonly RW: boolean;
  readonly Propagation: string;
}
