// start: the sources of a container's mounts are made ready. Volumes are used, missing directories made, and what a path alone does not say is taken
// hold of here, in the daemon, as a mount that is nowhere yet: a subpath, an image, a source that spreads, one whose ids are shown as others. The launch
// gets those by their descriptors; plain sources it finds by their path.
import { mkdirSync, statSync } from 'node:fs';
import { fail, messageOf } from '../../base/index.ts';
import { S, statFd } from '../../kernel/index.ts';
import type { Mount } from '../../spec/oci/runtime.ts';
import type { VolumeSource } from '../../volume/index.ts';
import type { ContainerRecord } from '../container.ts';
import type { Room } from '../room.ts';
import { giveTo, type Owner } from './chown.ts';
import { holdSource, isHeld } from './hold.ts';
import { bindMount } from './oci.ts';
import type { BindPoint, MountPoint, VolumePoint } from './point.ts';
import { checkSource } from './resolve.ts';
import { checkSpread } from './shared.ts';

export interface HeldSource {
  readonly number: number;
  readonly isFile: boolean;
}

export interface ReadyMounts extends AsyncDisposable {
  /** For the OCI configuration, in the order of the record. */
  readonly mounts: readonly Mount[];
  /** By destination: sources that the launch is lent. */
  readonly held: ReadonlyMap<string, HeldSource>;
  /** The container runs: its volumes stay in use until its end. */
  keep(): void;
}

/** `owner`: the container's user, for `U`. `only` some of its mounts; `holdsAll`: also those that a path says. @throws `invalid` in dockerd's words; then nothing is in use */
export async function readyMounts(room: Room, record: ContainerRecord, owner: () => Owner, { only = record.mounts, holdsAll = false }: { readonly only?: readonly MountPoint[]; readonly holdsAll?: boolean } = {}): Promise<ReadyMounts> {
  await using undo = new AsyncDisposableStack();
  const held = new Map<string, HeldSource>();
  const fds = undo.use(new DisposableStack());
  const mounts: Mount[] = [];
  let isKept = false;
  undo.defer(async () => {
    if (!isKept) await releaseVolumes(room, { ...record, mounts: only });
  });
  for (const point of only) {
    const { path, isMount } = await sourceOf(room, record, point);
    if (point.type !== 'tmpfs' && point.type !== 'image' && point.chown) await giveTo(path, owner());
    // What was mounted in this namespace just now need not be seen in the supervisor's.
    if (isHeld(point) || ((holdsAll || isMount) && point.type !== 'tmpfs')) {
      const source = fds.use(holdSource(room, record, point, path));
      held.set(point.destination, { number: source.number, isFile: (statFd(source).mode & S.IFMT) !== S.IFDIR });
    }
    mounts.push(bindMount(point, path));
  }
  const all = undo.move();
  return { mounts, held, keep: () => { isKept = true; }, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** The container has ended, or did not start. */
export async function releaseVolumes(room: Room, { id, mounts }: ContainerRecord): Promise<void> {
  for (const name of new Set(mounts.flatMap((point) => (point.type === 'volume' ? [point.name] : [])))) await room.volumes.release(name, id);
}

/** As `--explain` names it: nothing is made ready. */
export function plannedMounts({ mounts }: ContainerRecord): readonly Mount[] {
  return mounts.map((point) => bindMount(point, point.type === 'bind' || point.type === 'volume' ? point.source : ''));
}

/** The same for what would be held. */
export function plannedHeld({ mounts }: ContainerRecord): ReadyMounts['held'] {
  return new Map(mounts.filter(isHeld).map(({ destination }) => [destination, { number: -1, isFile: false }]));
}

async function sourceOf(room: Room, { id }: ContainerRecord, point: MountPoint): Promise<VolumeSource> {
  if (point.type === 'volume') return await room.volumes.use(point.name, id, detailsOf(point));
  if (point.type !== 'bind') return { path: '', isMount: false };
  readySource(point);
  if (point.propagationAsked && /shared|slave/.test(point.propagation)) checkSpread(point.source, point.propagation.endsWith('shared') ? 'shared' : 'slave');
  return { path: point.source, isMount: false };
}

/** What an event of the volume says. */
function detailsOf({ destination, rw }: VolumePoint): Readonly<Record<string, string>> {
  return { destination, 'read/write': String(rw), propagation: '' };
}

/** @throws `invalid` for a source that is not there and is not to be made, or cannot be */
export function readySource(point: BindPoint): void {
  if (!point.createsSource) return checkSource(point);
  if (statSync(point.source, { throwIfNoEntry: false }) !== undefined) return;
  try {
    mkdirSync(point.source, { recursive: true, mode: 0o755 });
  } catch (error) {
    throw fail('invalid', `error while creating mount source path '${point.source}': ${messageOf(error)}`, { cause: error });
  }
}
