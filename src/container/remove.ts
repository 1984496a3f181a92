// rm: the record goes first (one transaction), then the files. What a crash leaves in between is swept at the next start.
import { statfsSync } from 'node:fs';
import type { ContainerId } from '../base/index.ts';
import { removeAnonymousVolumes } from './mounts/index.ts';
import { closeContainerLog } from './logs.ts';
import type { Room } from './room.ts';
import { allow } from './state.ts';
import { endContainer } from './stop.ts';

/** Runs inside the container's queue. */
export async function removeContainer(room: Room, id: ContainerId, options: { readonly force: boolean; readonly volumes?: boolean }): Promise<void> {
  const record = room.shelf.get(id);
  if (!options.force) allow('remove', record);
  await endContainer(room, record, { signal: 'KILL' });
  await room.aftermath.get(id);
  await whenTight(room);
  room.shelf.delete(id);
  room.copies.end(id);
  for (const pending of room.pending.get(id) ?? []) pending.end();
  room.pending.delete(id);
  room.delays.delete(id);
  for (const [execId, { record: exec }] of room.execs) if (exec.containerId === id) room.execs.delete(execId);
  closeContainerLog(room, id);
  room.storage.snapshots.removeSnapshot(id);
  if (options.volumes === true) await removeAnonymousVolumes(room, record);
  room.tell({ kind: 'destroy', container: record });
  room.waiters.removed(id);
  await whenTight(room);
}

/** Below this, whoever removes something wants its space, and needs some of what was removed before to write that down. Elsewhere nobody waits for the disk. */
const fewBytes = 64 << 20;

async function whenTight({ storage: { rootDir, snapshots } }: Room): Promise<void> {
  const { bavail, bsize } = statfsSync(rootDir);
  if (bavail * bsize < fewBytes) await snapshots.emptied();
}
