// `GET /system/df`. Source: Docker Engine API v1.24–v1.51, checked against dockerd 28.5. A list that was not asked for is null.
import type { ContainerSummary } from './container-view.ts';
import type { ImageSummary } from './image.ts';
import type { VolumeView } from './volume.ts';

export interface DiskUsage {
  /** Bytes of all layers, each once. */
  readonly LayersSize: number;
  readonly Images: readonly ImageSummary[] | null;
  readonly Containers: readonly ContainerSummary[] | null;
  readonly Volumes: readonly VolumeView[] | null;
  readonly BuildCache: readonly BuildCacheView[] | null;
  /** Estiva's own: bytes of blobs that are kept beside their layers, because their compression cannot be done again. */
  readonly EstivaKeptBlobs?: number;
}

/** A step that the build cache has. */
export interface BuildCacheView {
  readonly ID: string;
  readonly Parents: readonly string[] | null;
  readonly Type: 'regular' | 'exec.cachemount' | 'source.local';
  readonly Description: string;
  readonly InUse: boolean;
  /** An image has the same layer. */
  readonly Shared: boolean;
  readonly Size: number;
  readonly CreatedAt: string;
  readonly LastUsedAt: string | null;
  readonly UsageCount: number;
}
