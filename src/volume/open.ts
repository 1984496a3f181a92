// Opens the volumes of a data root: their records, their directories, and the verbs.
import type { ContainerId } from '../base/index.ts';
import type { Fd } from '../kernel/index.ts';
import type { CopyOptions, CopyProgress, PackedTar, Storage } from '../storage/index.ts';
import { exportVolume, importVolume, type ImportOptions } from './archive.ts';
import { cloneVolume, removeSnapshot, rollbackVolume, snapshotVolume } from './copies.ts';
import { createVolume, holdVolume } from './create.ts';
import { populateVolume } from './populate.ts';
import { settle } from './settle.ts';
import { pruneVolumes, removeVolume, usageBytes } from './remove.ts';
import type { Room } from './room.ts';
import { VolumeShelf } from './shelf.ts';
import { reconcileVolumes, releaseVolume, useVolume } from './use.ts';
import type { Snapshot, VolumeHappening, VolumeHold, VolumeRecord, Volumes, VolumeSource, VolumeUser, VolumeWish } from './volume.ts';

export interface VolumesOptions {
  readonly storage: Pick<Storage, 'records' | 'volumes'>;
  /** Containers whose records name a volume. */
  readonly usersOf: (name: string) => readonly VolumeUser[];
  /** Hears of everything that happens to volumes, right after it has. Must not throw: the change stands. */
  readonly tell: (happening: VolumeHappening) => void;
}

export function openVolumes({ storage, usersOf, tell }: VolumesOptions): Volumes {
  const room: Room = { usersOf, tell, trees: storage.volumes, shelf: new VolumeShelf(storage.records), holds: new Map(), users: new Map(), readers: new Map(), queues: new Map() };
  settle(room);
  return new OpenedVolumes(room);
}

class OpenedVolumes implements Volumes {
  readonly #room: Room;

  constructor(room: Room) {
    this.#room = room;
  }

  create(wish: VolumeWish): Promise<VolumeRecord> {
    return createVolume(this.#room, wish);
  }

  hold(wish: VolumeWish): Promise<VolumeHold> {
    return holdVolume(this.#room, wish);
  }

  get(name: string): VolumeRecord {
    return this.#room.shelf.get(name);
  }

  list(): readonly VolumeRecord[] {
    return this.#room.shelf.list();
  }

  directoryOf(name: string): string {
    return this.#room.trees.pathOf(name);
  }

  usersOf(name: string): readonly VolumeUser[] {
    return this.#room.usersOf(name);
  }

  remove(name: string, { force = false }: { readonly force?: boolean } = {}): Promise<void> {
    return removeVolume(this.#room, name, force);
  }

  prune(isChosen: (volume: VolumeRecord) => boolean): Promise<{ readonly names: readonly string[]; readonly reclaimedBytes: number }> {
    return pruneVolumes(this.#room, isChosen);
  }

  use(name: string, containerId: ContainerId, details: Readonly<Record<string, string>> = {}): Promise<VolumeSource> {
    return useVolume(this.#room, name, containerId, details);
  }

  release(name: string, containerId: ContainerId): Promise<void> {
    return releaseVolume(this.#room, name, containerId);
  }

  populate(name: string, from: Fd): Promise<void> {
    return populateVolume(this.#room, name, from);
  }

  clone(name: string, wish: VolumeWish, options: CopyOptions = {}): Promise<VolumeRecord> {
    return cloneVolume(this.#room, name, wish, options);
  }

  snapshot(name: string, snapshot: string, options: CopyOptions = {}): Promise<Snapshot> {
    return snapshotVolume(this.#room, name, snapshot, options);
  }

  rollback(name: string, snapshot: string, options: CopyOptions = {}): Promise<CopyProgress> {
    return rollbackVolume(this.#room, name, snapshot, options);
  }

  removeSnapshot(name: string, snapshot: string): Promise<void> {
    return removeSnapshot(this.#room, name, snapshot);
  }

  export(name: string): Promise<PackedTar> {
    return exportVolume(this.#room, name);
  }

  import(name: string, tar: AsyncIterable<Uint8Array>, options: ImportOptions): Promise<void> {
    return importVolume(this.#room, name, tar, options);
  }

  usageBytes(name: string): Promise<number> {
    return usageBytes(this.#room, name);
  }

  reconcile(): Promise<void> {
    return reconcileVolumes(this.#room);
  }
}
