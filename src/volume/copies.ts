// Copies of whole volumes: clones, snapshots, and the way back to one. What is copied may be in use meanwhile: each file is as it was at its moment. A copy
// is gathered under tmp/ and takes its place in one step, so that a crash leaves all of it or nothing.
import { fail } from '../base/index.ts';
import { copyTree, type CopyOptions, type CopyProgress, type VolumeDraft } from '../storage/index.ts';
import { makeVolume } from './create.ts';
import { checkName, isName } from './name.ts';
import { backingOf } from './options.ts';
import { holdExisting, openReading } from './reading.ts';
import { alone, type Room } from './room.ts';
import type { Snapshot, VolumeRecord, VolumeWish } from './volume.ts';

/** A new volume with the files of `name`. @throws `conflict` when there is one that is called so */
export async function cloneVolume(room: Room, name: string, wish: VolumeWish, options: CopyOptions): Promise<VolumeRecord> {
  checkName(wish.name);
  return alone(room, wish.name, async () => {
    if (room.shelf.find(wish.name) !== undefined) throw fail('conflict', `Cannot clone into ${wish.name}: there is such a volume`, { hint: 'Choose another name, or remove it first' });
    using draft = room.trees.draft();
    await copyFiles(room, name, draft, options);
    return makeVolume(room, wish, draft).record;
  });
}

export async function snapshotVolume(room: Room, name: string, given: string, options: CopyOptions): Promise<Snapshot> {
  const wanted = given === '' ? nameByTime(new Date()) : given;
  if (!isName(wanted)) throw fail('invalid', `${JSON.stringify(wanted.slice(0, 100))} cannot name a snapshot: only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed`);
  checkOwn(room, name, 'A snapshot is of files that the engine keeps');
  checkIsFree(room, name, wanted);
  using draft = room.trees.draft();
  const { bytes } = await copyFiles(room, name, draft, options);
  return await keepSnapshot(room, name, draft, { name: wanted, createdAt: new Date(), sizeBytes: bytes });
}

async function copyFiles(room: Room, name: string, draft: VolumeDraft, options: CopyOptions): Promise<CopyProgress> {
  await using reading = await openReading(room, name);
  return await copyTree(reading.files, draft.data, room.trees.pathOf(name), options);
}

async function keepSnapshot(room: Room, name: string, draft: VolumeDraft, snapshot: Snapshot): Promise<Snapshot> {
  return alone(room, name, async () => {
    checkIsFree(room, name, snapshot.name);
    draft.becomeSnapshotOf(name, snapshot.name);
    using undo = new DisposableStack();
    undo.defer(() => { room.trees.takeOutSnapshot(name, snapshot.name).discard(); });
    const volume = room.shelf.get(name);
    room.shelf.put({ ...volume, snapshots: [...volume.snapshots, snapshot] });
    undo.move();
    room.tell({ kind: 'snapshot', volume, snapshot: snapshot.name });
    return snapshot;
  });
}

/** The volume's files are those of the snapshot again, which stays. @throws `conflict` while a container runs with it */
export async function rollbackVolume(room: Room, name: string, snapshot: string, options: CopyOptions): Promise<CopyProgress> {
  findSnapshot(room, name, snapshot);
  checkIsStill(room, name);
  using _hold = await holdExisting(room, name);
  using source = room.trees.openSnapshot(name, snapshot);
  using draft = room.trees.draft();
  const copied = await copyTree(source, draft.data, room.trees.pathOf(name), options);
  await alone(room, name, async () => {
    checkIsStill(room, name);
    draft.becomeDataOf(name);
    room.tell({ kind: 'rollback', volume: room.shelf.get(name), snapshot });
  });
  return copied;
}

export async function removeSnapshot(room: Room, name: string, snapshot: string): Promise<void> {
  await alone(room, name, async () => {
    findSnapshot(room, name, snapshot);
    const volume = room.shelf.get(name);
    using out = room.trees.takeOutSnapshot(name, snapshot);
    room.shelf.put({ ...volume, snapshots: volume.snapshots.filter((other) => other.name !== snapshot) });
    out.discard();
  });
}

/** @throws `conflict` while a container runs with it: it has the directory open that would be replaced */
export function checkIsStill({ users }: Room, name: string): void {
  const ids = [...users.get(name) ?? []];
  if (ids.length > 0) throw fail('conflict', `The files of volume ${name} cannot be replaced: they are in use - [${ids.join(', ')}]`, { hint: 'Stop these containers first' });
}

/** @throws `unsupported` for what lies elsewhere (options) */
export function checkOwn({ shelf }: Room, name: string, why: string): void {
  if (backingOf(shelf.get(name)).kind !== 'own') throw fail('unsupported', `${why}, and those of volume ${name} lie elsewhere (its options say where)`, { hint: `Clone it first: estiva volume clone ${name} NAME` });
}

function checkIsFree({ shelf }: Room, name: string, snapshot: string): void {
  if (shelf.get(name).snapshots.some((other) => other.name === snapshot)) throw fail('conflict', `Volume ${name} has a snapshot ${snapshot}`, { hint: 'Choose another name, or remove it first' });
}

/** @throws `not_found` */
function findSnapshot({ shelf }: Room, name: string, snapshot: string): Snapshot {
  const found = shelf.get(name).snapshots.find((other) => other.name === snapshot);
  if (found === undefined) throw fail('not_found', `Volume ${name} has no snapshot ${JSON.stringify(snapshot.slice(0, 100))}`, { hint: `estiva volume snapshots ${name} lists them` });
  return found;
}

/** `20261124-203015.123`. */
function nameByTime(now: Date): string {
  return now.toISOString().replace(/[-:Z]/g, '').replace('T', '-');
}
