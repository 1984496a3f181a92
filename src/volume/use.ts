// use and release: who has a volume's files mounted. The first user of a volume that names something else (options) has it mounted, the last takes it off.
import { fail, type ContainerId } from '../base/index.ts';
import { backingOf } from './options.ts';
import { alone, type Room } from './room.ts';
import type { VolumeSource } from './volume.ts';

export async function useVolume(room: Room, name: string, containerId: ContainerId, details: Readonly<Record<string, string>>): Promise<VolumeSource> {
  return alone(room, name, async () => {
    const volume = room.shelf.get(name);
    const backing = backingOf(volume);
    if (backing.kind === 'mount') throw fail('unsupported', `error while mounting volume '${room.trees.pathOf(name)}': volumes of type ${backing.type} are not mounted yet`, { hint: 'A directory of the host can be used: type=none, o=bind, device=/path' });
    const users = room.users.get(name) ?? new Set();
    room.users.set(name, users.add(containerId));
    room.tell({ kind: 'mount', volume, containerId, details });
    return { path: backing.kind === 'directory' ? backing.path : room.trees.pathOf(name) };
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
