// What of a container's mounts belongs to its files as `cp` sees them, whether it runs or not: binds, volumes and images; no tmpfs, which is there only
// while it runs and only for it, as in Docker.
import { statSync } from 'node:fs';
import { S, statFd, type TreePart } from '../../kernel/index.ts';
import type { VolumeSource } from '../../volume/index.ts';
import type { ContainerRecord } from '../container.ts';
import type { Room } from '../room.ts';
import { holdSource, isHeld } from './hold.ts';
import { isUp } from '../state.ts';
import type { BindPoint, MountPoint, TmpfsPoint, VolumePoint } from './point.ts';
import { readySource } from './ready.ts';
import { byDepth } from './order.ts';

/** Disposing closes what is held. */
export interface MountView extends Disposable {
  readonly parts: readonly TreePart[];
}

/** @throws as a start would: a source that is missing, a volume that cannot be had */
export async function openMountView(room: Room, record: ContainerRecord): Promise<MountView> {
  using opened = new DisposableStack();
  const parts: TreePart[] = [];
  for (const point of byDepth(record.mounts)) if (point.type !== 'tmpfs') parts.push(await partOf(room, record, point, opened));
  const all = opened.move();
  return { parts, [Symbol.dispose]: () => all.dispose() };
}

async function partOf(room: Room, record: ContainerRecord, point: Exclude<MountPoint, TmpfsPoint>, opened: DisposableStack): Promise<TreePart> {
  const target = point.destination.slice(1);
  const readOnly = !point.rw;
  if (point.type === 'image') return { target, readOnly, source: opened.use(holdSource(room, record, point, '')), makes: 'directory' };
  if (point.type === 'bind') readySource(point);
  // What lies upon the source is the running container's.
  const plain = { ...point, overlay: false };
  await using place = await placeOf(room, record, point);
  const source = isHeld(plain) || place.isMount ? opened.use(holdSource(room, record, plain, place.path)) : place.path;
  const isDirectory = typeof source === 'string' ? statSync(source).isDirectory() : (statFd(source).mode & S.IFMT) === S.IFDIR;
  return { target, readOnly, source, isRecursive: point.type === 'volume' || point.isRecursive, makes: isDirectory ? 'directory' : 'file' };
}

/** Of a container that does not run the volume is in use only as long as it is asked; what was opened stays. */
async function placeOf(room: Room, { id, state }: ContainerRecord, point: BindPoint | VolumePoint): Promise<VolumeSource & AsyncDisposable> {
  await using undo = new AsyncDisposableStack();
  const source = point.type === 'bind' ? { path: point.source, isMount: false } : await room.volumes.use(point.name, id);
  if (point.type === 'volume' && !isUp(state)) undo.defer(() => room.volumes.release(point.name, id));
  const all = undo.move();
  return { ...source, [Symbol.asyncDispose]: () => all.disposeAsync() };
}
