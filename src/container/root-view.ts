// A container's root file system as one tree under a descriptor, whether it runs or not, apart from its other mounts.
import { isKernelError, type Fd } from '../kernel/index.ts';
import type { FileUpon } from '../storage/index.ts';
import { identityFiles } from './oci/mounts.ts';
import type { ContainerRecord } from './container.ts';
import { containerMode } from './start.ts';
import type { Room } from './room.ts';

export interface ViewOptions {
  /** Whoever opens it for writing holds the container's place in `room.copies`. */
  readonly access: 'read' | 'write';
  /** With the engine's own files (hosts, hostname, resolv.conf) upon it. */
  readonly identity: boolean;
}

export function openRootView(room: Room, record: ContainerRecord, { access, identity }: ViewOptions): Fd {
  const files = identity ? identityFilesOf(room, record) : [];
  const task = room.live.get(record.id);
  if (task !== undefined) {
    try {
      return room.storage.snapshots.openRootOf(task.fds.pidfd, files);
    } catch (error) {
      // It has ended, and its exit is about to be recorded.
      if (!isKernelError(error, 'ESRCH')) throw error;
    }
  }
  return room.storage.snapshots.openRoot(record.id, record.layers, access, files);
}

function identityFilesOf(room: Room, record: ContainerRecord): readonly FileUpon[] {
  const other = containerMode(record.hostConfig.NetworkMode);
  const owner = other === undefined ? record : room.shelf.find(other) ?? record;
  const dir = room.storage.containerDir(owner.id);
  return Object.values(identityFiles).map((name) => ({ source: `${dir}/${name}`, target: `etc/${name}` }));
}
