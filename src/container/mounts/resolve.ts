// create: from what was asked for to the container's mount points, in dockerd's order: those of other containers, `-v`, `--mount`, and then a volume
// without a name for each place that the image or the request calls a volume and nothing else is mounted on.
//
// Volumes are held until the container's record names them; those made for a container that does not come about are removed again.
import { statSync } from 'node:fs';
import { fail } from '../../base/index.ts';
import type { ContainerConfig, HostConfig } from '../../spec/docker/container.ts';
import type { VolumeHold, VolumeWish } from '../../volume/index.ts';
import type { Room } from '../room.ts';
import { parseBind } from './binds.ts';
import { parseDestination, refuseKernelPlaces } from './destination.ts';
import type { BindPoint, MountPoint } from './point.ts';
import { parseMountRequest } from './request.ts';
import { parseTmpfs } from './tmpfs.ts';
import { pointsFrom } from './volumes-from.ts';
import type { MountWish } from './wish.ts';

export interface MountsAsked {
  readonly hostConfig: Pick<HostConfig, 'Binds' | 'Mounts' | 'VolumesFrom' | 'VolumeDriver' | 'Tmpfs'>;
  /** Places that the image and the request call volumes. */
  readonly volumes: ContainerConfig['Volumes'];
}

/** Disposing lets go of the volumes; before `keep` it also removes those that were made. */
export interface ResolvedMounts extends AsyncDisposable {
  readonly points: readonly MountPoint[];
  /** A record names them: they stay. */
  keep(): void;
}

/** @throws `invalid`, `not_found` in dockerd's words; then nothing of it is left */
export async function resolveMounts(room: Room, asked: MountsAsked): Promise<ResolvedMounts> {
  const wishes = wishesOf(room, asked);
  for (const { point } of wishes) refuseKernelPlaces(point.destination);
  await using making = new AsyncDisposableStack();
  const holds = making.use(new Holds(room));
  const points: MountPoint[] = [];
  for (const wish of wishes) points.push(await resolved(room, holds, wish));
  making.move();
  return { points, keep: () => holds.keep(), [Symbol.asyncDispose]: () => holds[Symbol.asyncDispose]() };
}

/** Pure but for the other containers' records and the looks at sources. By destination: what comes later takes the place of what another container has there. */
function wishesOf(room: Room, { hostConfig, volumes }: MountsAsked): readonly MountWish[] {
  const wishes = new Map<string, MountWish>();
  for (const text of hostConfig.VolumesFrom ?? []) for (const point of pointsFrom(room, text)) wishes.set(point.destination, { point });
  const taken = new Set(parseTmpfs(hostConfig).map(({ destination }) => destination));
  const put = (wish: MountWish, shown: string): void => {
    const { destination } = wish.point;
    if (taken.has(destination)) throw fail('invalid', `Duplicate mount point: ${shown}`);
    taken.add(destination);
    wishes.set(destination, wish);
  };
  for (const text of hostConfig.Binds ?? []) {
    const wish = parseBind(text, hostConfig.VolumeDriver);
    put(withRootOf(room, wish), wish.point.destination);
  }
  for (const request of hostConfig.Mounts ?? []) {
    const wish = parseMountRequest(request);
    if (wish.point.type === 'bind' && !wish.point.createsSource) checkSource(wish.point);
    put(withRootOf(room, wish), request.Target ?? '');
  }
  for (const place of Object.keys(volumes ?? {})) {
    const wish = placeWish(place, hostConfig.VolumeDriver);
    const { destination } = wish.point;
    if (!taken.has(destination) && !wishes.has(destination)) wishes.set(destination, wish);
  }
  return [...wishes.values()];
}

/** @throws `invalid` in dockerd's words */
export function checkSource({ source }: BindPoint): void {
  if (statSync(source, { throwIfNoEntry: false }) === undefined) throw fail('invalid', `invalid mount config for type "bind": bind source path does not exist: ${source}`);
}

/** Whoever shows a container the data root, or what is above it, lets it see what the engine mounts there, unless another way was asked for: Docker's rule. */
export function withRootOf(room: Room, wish: MountWish): MountWish {
  const { point } = wish;
  if (point.type !== 'bind' || point.propagationAsked) return wish;
  const { rootDir } = room.storage;
  const holdsRoot = point.source === '/' || rootDir === point.source || rootDir.startsWith(`${point.source}/`) || point.source.startsWith(`${rootDir}/`);
  return holdsRoot ? { ...wish, point: { ...point, propagation: 'rslave' } } : wish;
}

/** A place that an image calls a volume may be written without its first slash. */
function placeWish(place: string, driver: string): MountWish {
  const destination = parseDestination(place.startsWith('/') ? place : `/${place}`);
  return {
    point: { type: 'volume', name: '', source: '', destination, mode: '', rw: true, readOnlyBelow: false, chown: false, overlay: false, isAnonymous: true, copiesUp: true, subpath: '' },
    volume: { name: '', driver, options: null, labels: null },
  };
}

export async function resolved(room: Room, holds: Holds, { point, volume }: MountWish): Promise<MountPoint> {
  if (point.type === 'image' && point.imageId === '') {
    const { id, layers } = room.images.get(point.name);
    return { ...point, imageId: id, layers };
  }
  if (point.type !== 'volume') return point;
  const { name } = await holds.hold(volume ?? { name: point.name, driver: '', options: null, labels: null });
  return { ...point, name, source: room.volumes.directoryOf(name) };
}

/** Volumes that a container is about to have. */
export class Holds implements AsyncDisposable {
  readonly #room: Room;
  readonly #holds: VolumeHold[] = [];
  #stay = false;

  constructor(room: Room) {
    this.#room = room;
  }

  async hold(wish: VolumeWish): Promise<{ readonly name: string }> {
    const hold = await this.#room.volumes.hold(wish);
    this.#holds.push(hold);
    return hold.record;
  }

  keep(): void {
    this.#stay = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const hold of this.#holds) hold[Symbol.dispose]();
    if (this.#stay) return;
    for (const { isNew, record } of this.#holds) if (isNew) await this.#room.volumes.remove(record.name, { force: true });
  }
}
