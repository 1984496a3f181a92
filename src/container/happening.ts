// What happens to containers, told as it has happened: after the change is stored, never before. Whoever keeps the engine's events listens
// (`ContainersOptions.tell`). The kinds are Docker's event actions.
import type { Digest } from '../base/index.ts';
import type { ContainerRecord } from './container.ts';

/** `container` is the record as it is after the change (for `destroy`: as it was last). */
export type Happening =
  | { readonly kind: 'create' | 'start' | 'stop' | 'pause' | 'unpause' | 'restart' | 'update' | 'oom' | 'destroy' | 'attach' | 'detach' | 'top'; readonly container: ContainerRecord }
  /** A signal was sent: its number. */
  | { readonly kind: 'kill'; readonly container: ContainerRecord; readonly signal: number }
  /** The first program ended. */
  | { readonly kind: 'die'; readonly container: ContainerRecord; readonly exitCode: number; readonly ranMs: number }
  | { readonly kind: 'rename'; readonly container: ContainerRecord; readonly oldName: string }
  | { readonly kind: 'resize'; readonly container: ContainerRecord; readonly rows: number; readonly columns: number }
  | { readonly kind: 'health_status'; readonly container: ContainerRecord; readonly health: string }
  | { readonly kind: 'exec_create' | 'exec_start'; readonly container: ContainerRecord; readonly execId: string; readonly command: readonly string[] }
  | { readonly kind: 'exec_die'; readonly container: ContainerRecord; readonly execId: string; readonly exitCode: number }
  | { readonly kind: 'exec_detach'; readonly container: ContainerRecord; readonly execId: string }
  /** Files were read from it, written to it. */
  | { readonly kind: 'archive-path' | 'extract-to-dir' | 'export'; readonly container: ContainerRecord }
  | { readonly kind: 'commit'; readonly container: ContainerRecord; readonly imageId: Digest; readonly comment: string }
  /** Stopped containers were removed, all at once. */
  | { readonly kind: 'prune'; readonly reclaimedBytes: number };
