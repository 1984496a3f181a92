// use and release: who has a volume's files mounted. The first user of a volume that names something else (options) has it mounted, the last takes it off.
import { statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { fail, type ContainerId } from '../base/index.ts';
import { mountVolume, unmountVolume } from './mount.ts';
import { backingOf, type Backing } from './options.ts';
import { alone, type Room } from './room.ts';
import type { VolumeSource } from './volume.ts';

export async function useVolume(room: Room, name: string, containerId: ContainerId, details: Readonly<Record<string, string>>): Promise<VolumeSource> {
  return alone(room, name, async () => {
    const volume = room.shelf.get(name);
    const source = await ready(room, name, backingOf(volume));
    const users = room.users.get(name) ?? new Set();
    room.users.set(name, users.add(containerId));
    room.tell({ kind: 'mount', volume, containerId, details });
    return source;
  });
}

/** Its files are there; whoever asked becomes its user, or takes off what was mounted. */
export async function ready(room: Room, name: string, backing: Backing): Promise<VolumeSource> {
  const path = room.trees.pathOf(name);
  if (backing.kind === 'own') return { path, isMount: false };
  if (backing.kind === 'mount') {
    await mountVolume(room, name, backing);
    return { path, isMount: true };
  }
  checkDirectory(path, backing.path);
  return { path: backing.path, isMount: false };
}

function checkDirectory(mountPoint: string, path: string): void {
  const refuse = (reason: string): never => { throw fail('internal', `error while mounting volume '${mountPoint}': failed to mount local volume: mount ${path}:${mountPoint}, flags: 0x1000: ${reason}`, { hint: 'The device of a bind is a directory of the host: make it first' }); };
  const found = isAbsolute(path) ? statSync(path, { throwIfNoEntry: false }) : undefined;
  if (found === undefined) refuse('no such file or directory');
  else if (!found.isDirectory()) refuse('not a directory');
}

export async function releaseVolume(room: Room, name: string, containerId: ContainerId): Promise<void> {
  await alone(room, name, async () => {
    const users = room.users.get(name);
    if (users?.delete(containerId) !== true) return;
    if (users.size === 0) room.users.delete(name);
    const volume = room.shelf.find(name);
    if (volume === undefined) return;
    takeOff(room, name);
    room.tell({ kind: 'unmount', volume, containerId, details: {} });
  });
}

/** What is mounted for nobody any more. */
export function takeOff(room: Room, name: string): void {
  if (!room.users.has(name) && !room.readers.has(name) && backingOf(room.shelf.get(name)).kind === 'mount') unmountVolume(room, name);
}

/** Who runs uses it, whatever this daemon has seen of that; what is mounted for nobody comes off, and what somebody uses is there. */
export async function reconcileVolumes(room: Room): Promise<void> {
  for (const { name } of room.shelf.list()) {
    await alone(room, name, async () => {
      const up = room.usersOf(name).filter(({ isUp }) => isUp).map(({ containerId }) => containerId);
      if (up.length > 0) room.users.set(name, new Set([...up, ...room.users.get(name) ?? []]));
      takeOff(room, name);
    });
  }
}
