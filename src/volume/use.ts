// use and release: who has a volume's files mounted. The first user of a volume that names something else (options) has it mounted, the last takes it off.
import type { ContainerId } from '../base/index.ts';
import { backingOf } from './options.ts';
import { alone, type Room } from './room.ts';
import type { VolumeSource } from './volume.ts';

export async function useVolume(room: Room, name: string, containerId: ContainerId, details: Readonly<Record<string, string>>): Promise<VolumeSource> {
  return alone(room, name, async () => {
    const volume = room.shelf.get(name);
    const users = room.users.get(name) ?? new Set();
    room.users.set(name, users.add(containerId));
    room.tell({ kind: 'mount', volume, containerId, details });
    const backing = backingOf(volume);
    return { path: backing.kind === 'bind' ? backing.path : room.trees.pathOf(name) };
  });
}

export async function releaseVolume(room: Room, name: string, containerId: ContainerId): Promise<void> {
  await alone(room, name, async () => {
    const users = room.users.get(name);
    if (users?.delete(containerId) !== true) return;
    if (users.size === 0) room.users.delete(name);
    const volume = room.shelf.find(name);
    if (volume !== undefined) room.tell({ kind: 'unmount', volume, containerId, details: {} });
  });
}
