// A container's root file system as one tree under a descriptor, whether it runs or not: alone, or with what is mounted in it.
import { isKernelError, type Fd, type TreePart } from '../kernel/index.ts';
import { identityFiles } from './oci/mounts.ts';
import type { ContainerRecord } from './container.ts';
import { openMountView } from './mounts/index.ts';
import { containerMode } from './start.ts';
import type { Room } from './room.ts';

export interface ViewOptions {
  /** Whoever opens it for writing holds the container's place in `room.copies`. */
  readonly access: 'read' | 'write';
  /** With the engine's own files (hosts, hostname, resolv.conf) and the container's volumes and binds upon it. */
  readonly mounts: boolean;
}

export async function openRootView(room: Room, record: ContainerRecord, { access, mounts }: ViewOptions): Promise<Fd> {
  using view = await openMountView(room, mounts ? record : { ...record, mounts: [] });
  const files = mounts ? identityFilesOf(room, record).filter(({ target }) => !view.parts.some((part) => part.target === target)) : [];
  const parts = [...files, ...view.parts];
  const task = room.live.get(record.id);
  if (task !== undefined) {
    try {
      return room.storage.snapshots.openRootOf(task.fds.pidfd, parts);
    } catch (error) {
      // It has ended, and its exit is about to be recorded.
      if (!isKernelError(error, 'ESRCH')) throw error;
    }
  }
  return room.storage.snapshots.openRoot(record.id, record.layers, access, parts);
}

function identityFilesOf(room: Room, record: ContainerRecord): readonly TreePart[] {
  const other = containerMode(record.hostConfig.NetworkMode);
  const owner = other === undefined ? record : room.shelf.find(other) ?? record;
  const dir = room.storage.containerDir(owner.id);
  return Object.values(identityFiles).map((name) => ({ source: `${dir}/${name}`, target: `etc/${name}` }));
}
