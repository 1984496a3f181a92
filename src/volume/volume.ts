// Volumes: data that stays when containers go. The shapes that the room speaks in, and its verbs.
//
// One owner for each fact. What a volume is, is its own record. Who has it mounted is written in the containers' records, and asked of them through a
// port (`usersOf`): nothing is counted twice. A volume that a container is about to be made with is *held*, so that nobody removes it in between.
// Its files are `<root>/volumes/<name>/_data`, as in Docker.
import type { ContainerId } from '../base/index.ts';
import type { Fd } from '../kernel/index.ts';
import type { CopyOptions, CopyProgress, PackedTar } from '../storage/index.ts';
import type { ImportOptions } from './archive.ts';

export interface VolumeRecord {
  readonly name: string;
  readonly createdAt: Date;
  readonly driver: 'local';
  /** As they were given: `type`, `device`, `o`, `size`; null when none were. What they mean is read in one place (options.ts). */
  readonly options: Readonly<Record<string, string>> | null;
  /** Null when none were given, as in Docker's answers. */
  readonly labels: Readonly<Record<string, string>> | null;
  /** Nobody chose its name: prune may take it. */
  readonly isAnonymous: boolean;
  /** Oldest first. They go with the volume. */
  readonly snapshots: readonly Snapshot[];
}

/** What the files of a volume were at a moment. */
export interface Snapshot {
  readonly name: string;
  readonly createdAt: Date;
  /** Of its files; where the file system can, they share their blocks with the volume's. */
  readonly sizeBytes: number;
}

export interface VolumeWish {
  /** '' gives it 64 hexadecimal digits and makes it anonymous. */
  readonly name: string;
  /** '' and `local` are ours; there are no others. */
  readonly driver: string;
  readonly options: Readonly<Record<string, string>> | null;
  readonly labels: Readonly<Record<string, string>> | null;
}

/** Until it is disposed nobody removes the volume. */
export interface VolumeHold extends Disposable {
  readonly record: VolumeRecord;
  /** It was made for this hold: whoever gives up may remove it again. */
  readonly isNew: boolean;
}

/** Where a container finds the files. */
export interface VolumeSource {
  /** A directory of the host; absolute. */
  readonly path: string;
  /** Something is mounted there. Other mount namespaces need not see it: whoever wants it elsewhere takes hold of it in this one (open_tree). */
  readonly isMount: boolean;
}

/** A container whose record names the volume. */
export interface VolumeUser {
  readonly containerId: ContainerId;
  /** It has its files mounted now. */
  readonly isUp: boolean;
}

/** What happens to volumes, told after it has: Docker's event actions. */
export type VolumeHappening =
  | { readonly kind: 'create' | 'destroy'; readonly volume: VolumeRecord }
  | { readonly kind: 'mount' | 'unmount'; readonly volume: VolumeRecord; readonly containerId: ContainerId; readonly details: Readonly<Record<string, string>> }
  | { readonly kind: 'snapshot' | 'rollback'; readonly volume: VolumeRecord; readonly snapshot: string }
  | { readonly kind: 'prune'; readonly reclaimedBytes: number };

/** Every verb @throws `not_found` "get x: no such volume". */
export interface Volumes {
  /** Made when it is not there; else the one that is there, whatever the wish says of options and labels, as in Docker. @throws `invalid`, `not_found` in dockerd's words */
  create(wish: VolumeWish): Promise<VolumeRecord>;
  /** As create, and held. */
  hold(wish: VolumeWish): Promise<VolumeHold>;
  get(name: string): VolumeRecord;
  /** By name. */
  list(): readonly VolumeRecord[];
  /** What Docker calls its mount point: `<root>/volumes/<name>/_data`. */
  directoryOf(name: string): string;
  /** Containers whose records name it. */
  usersOf(name: string): readonly VolumeUser[];
  /** @throws `conflict` "remove x: volume is in use - [ids]". With `force`, one that is not there is no error. */
  remove(name: string, options?: { readonly force?: boolean }): Promise<void>;
  /** Those of the chosen that nobody names or holds: what they were called, and the bytes that their files had. */
  prune(isChosen: (volume: VolumeRecord) => boolean): Promise<{ readonly names: readonly string[]; readonly reclaimedBytes: number }>;

  /**
   * Its files are there for a container that starts: what its options name (tmpfs, NFS, a device) is mounted as long as somebody uses it. To be
   * called before the launch, also when it is used already by the same container; `details` go into the event (destination, read/write, propagation).
   * @throws `internal` with dockerd's words when it cannot be mounted
   */
  use(name: string, containerId: ContainerId, details?: Readonly<Record<string, string>>): Promise<VolumeSource>;
  /** The container has ended (or did not start). Idempotent; also for a volume that is gone. */
  release(name: string, containerId: ContainerId): Promise<void>;
  /** Once at the start of the engine, when it is known who runs: those who run are its users, what is mounted for nobody comes off. */
  reconcile(): Promise<void>;

  /**
   * What an image has at the place of the mount becomes the content of the empty volume: whole or not at all, with owner and mode of the directory itself. One that
   * has anything in it already is left alone. `from` is a directory of the image's tree, opened within it; the caller's.
   */
  populate(name: string, from: Fd): Promise<void>;
  /** A new volume with its files, also while it is in use. @throws `conflict` when there is one called so */
  clone(name: string, wish: VolumeWish, options?: CopyOptions): Promise<VolumeRecord>;
  /** '' names it by the time. Also while it is in use. @throws `conflict` when there is one called so; `unsupported` for what lies elsewhere (options) */
  snapshot(name: string, snapshot: string, options?: CopyOptions): Promise<Snapshot>;
  /** Its files are those of the snapshot again, which stays. @throws `not_found`; `conflict` while a container runs with it */
  rollback(name: string, snapshot: string, options?: CopyOptions): Promise<CopyProgress>;
  removeSnapshot(name: string, snapshot: string): Promise<void>;
  /** Its files as a tar; disposing it lets go of the volume. */
  export(name: string): Promise<PackedTar>;
  /** The tar's files become those of the volume, whole or not at all; plain, gzip or zstd. @throws `conflict` when it has files, or a container runs with it */
  import(name: string, tar: AsyncIterable<Uint8Array>, options: ImportOptions): Promise<void>;
  /** Bytes of its files. What its options name elsewhere is not counted: -1, as in Docker. */
  usageBytes(name: string): Promise<number>;
}
