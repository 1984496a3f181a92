// A volume as Docker's API says it. Source: Docker Engine API v1.24–v1.51, checked against dockerd 28.5.

export interface VolumeView {
  readonly CreatedAt: string;
  readonly Driver: string;
  readonly Labels: Readonly<Record<string, string>> | null;
  /** On the host. */
  readonly Mountpoint: string;
  readonly Name: string;
  readonly Options: Readonly<Record<string, string>> | null;
  readonly Scope: string;
  /** In `GET /system/df` only. */
  readonly UsageData?: VolumeUsage;
}

export interface VolumeUsage {
  /** Containers that name it. */
  readonly RefCount: number;
  /** Bytes of its files; -1 where that is not known. */
  readonly Size: number;
}

export interface VolumeList {
  readonly Volumes: readonly VolumeView[];
  readonly Warnings: readonly string[] | null;
}

/** The body of `POST /volumes/create`. */
export interface VolumeCreateBody {
  readonly Name?: string;
  readonly Driver?: string;
  readonly DriverOpts?: Readonly<Record<string, string>>;
  readonly Labels?: Readonly<Record<string, string>>;
}
