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
  if (isNearlyFull(room.storage.rootDir)) await room.storage.snapshots.emptied();
}

/** Below this, whoever removes something wants its space: it is there when the answer comes. Elsewhere nobody waits for the disk. */
const fewBytes = 64 << 20;

function isNearlyFull(dir: string): boolean {
  const { bavail, bsize } = statfsSync(dir);
  return bavail * bsize < fewBytes;
}
