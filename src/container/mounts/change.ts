// Mounts that come and go while a container exists (`update --mount`, `--mount-rm`). One that runs gets them at once, through a child in its mount
// namespace; the record has them from then on, so that its next start has them, too.
import { EstivaError, fail, isFail } from '../../base/index.ts';
import { assemble, errnoName, hostArchitecture, type Step } from '../../kernel/index.ts';
import { heldSlot, planAttach, planDetach } from '../../runtime/index.ts';
import type { HostConfig } from '../../spec/docker/container.ts';
import type { MountRequest } from '../../spec/docker/mount.ts';
import type { ContainerRecord } from '../container.ts';
import type { Room } from '../room.ts';
import { describeLaunchFailure } from '../start-failure.ts';
import { hasProcess } from '../state.ts';
import { copyUp } from './copy-up.ts';
import { parseDestination, refuseKernelPlaces } from './destination.ts';
import type { MountPoint } from './point.ts';
import { readyMounts } from './ready.ts';
import { parseMountRequest } from './request.ts';
import { checkSource, Holds, resolved, withRootOf } from './resolve.ts';
import { parseTmpfs } from './tmpfs.ts';
import type { MountWish } from './wish.ts';

export interface MountChange {
  readonly mounts: readonly MountRequest[];
  /** Destinations. */
  readonly unmounts: readonly string[];
}

/** Disposing before `keep` takes it back. */
export interface ChangedMounts extends AsyncDisposable {
  readonly points: readonly MountPoint[];
  /** What the record says of what was asked for. */
  readonly asked: Pick<HostConfig, 'Binds' | 'Mounts'>;
  /** The record has them. */
  keep(): Promise<void>;
}

/** Runs inside the container's queue. @throws `invalid`, `conflict` for what cannot be; then nothing has changed */
export async function changeMounts(room: Room, record: ContainerRecord, change: MountChange, owner: Parameters<typeof readyMounts>[2]): Promise<ChangedMounts> {
  const gone = change.unmounts.map((path) => pointAt(record, path));
  const stay = record.mounts.filter((point) => !gone.includes(point));
  const wishes = wishesOf(room, record, stay, change.mounts);
  await using undo = new AsyncDisposableStack();
  const holds = undo.use(new Holds(room));
  const added: MountPoint[] = [];
  for (const wish of wishes) added.push(await resolved(room, holds, wish));
  await copyUp(room, record.layers, added);
  const changed = { ...record, mounts: [...stay, ...added] };
  if (hasProcess(record.state)) {
    for (const point of gone) {
      await launchInside(room, record, planDetach(point.destination), `take ${JSON.stringify(point.destination)} away`);
      undo.defer(async () => attachAll(room, record, [point], owner));
    }
    await attachAll(room, changed, added, owner, undo);
  }
  const all = undo.move();
  let isKept = false;
  return {
    points: changed.mounts, asked: askedAfter(record.hostConfig, gone, change.mounts),
    async keep() {
      isKept = true;
      holds.keep();
      await holds[Symbol.asyncDispose]();
      for (const point of gone) if (point.type === 'volume' && !changed.mounts.some((other) => other.type === 'volume' && other.name === point.name)) await room.volumes.release(point.name, record.id);
    },
    [Symbol.asyncDispose]: async () => (isKept ? undefined : all.disposeAsync()),
  };
}

function pointAt({ name, mounts }: ContainerRecord, path: string): MountPoint {
  const destination = parseDestination(path);
  const point = mounts.find((one) => one.destination === destination);
  if (point === undefined) throw fail('invalid', `Cannot take ${JSON.stringify(path.slice(0, 200))} away from container ${name}: nothing that was asked for is mounted there`, { hint: 'estiva inspect shows its mounts' });
  return point;
}

function wishesOf(room: Room, { hostConfig }: ContainerRecord, stay: readonly MountPoint[], requests: readonly MountRequest[]): readonly MountWish[] {
  const taken = new Set([...stay, ...parseTmpfs(hostConfig)].map(({ destination }) => destination));
  return requests.map((request) => {
    const wish = withRootOf(room, parseMountRequest(request));
    const { point } = wish;
    refuseKernelPlaces(point.destination);
    if (taken.has(point.destination)) throw fail('invalid', `Duplicate mount point: ${request.Target ?? ''}`);
    taken.add(point.destination);
    if (point.type === 'bind' && !point.createsSource) checkSource(point);
    return wish;
  });
}

/** `undo` takes away again what was put there. */
async function attachAll(room: Room, record: ContainerRecord, points: readonly MountPoint[], owner: Parameters<typeof readyMounts>[2], undo?: AsyncDisposableStack): Promise<void> {
  if (points.length === 0) return;
  await using ready = await readyMounts(room, record, owner, { only: points, holdsAll: true });
  for (const mount of ready.mounts) {
    const source = ready.held.get(mount.destination);
    await launchInside(room, record, planAttach(mount), `mount ${JSON.stringify(mount.destination)}`, source === undefined ? [] : [[heldSlot(mount.destination), source.number]]);
    undo?.defer(async () => launchInside(room, record, planDetach(mount.destination), `take ${JSON.stringify(mount.destination)} away`));
  }
  ready.keep();
}

let launches = 0;

/** By the supervisor: a child of the daemon would hold it up where the container's file systems are slow. @throws `conflict` saying what could not be done */
async function launchInside(room: Room, record: ContainerRecord, steps: readonly Step[], what: string, lent: readonly (readonly [string, number])[] = []): Promise<void> {
  const image = assemble(steps, hostArchitecture());
  const task = `${record.id}-mount-${process.pid}-${launches++}`;
  const answer = await room.supervisor.launch({ task, terminal: false, stdin: false, within: record.id, ...(lent.length === 0 ? {} : { lent: { lender: process.pid, slots: lent } }) }, image);
  if ('launched' in answer) return;
  const reason = 'failed' in answer ? describeLaunchFailure(image, answer.failed) : `code ${answer.declined}`;
  const errno = 'failed' in answer ? errnoName(answer.failed.errno) : '';
  throw new EstivaError('conflict', `Cannot ${what} in container ${record.name}: ${reason}`, errno === 'EROFS' ? { hint: 'Its root is read-only and has no such place: mount on a directory that is there' } : {});
}

/** HostConfig says of mounts what it would say, had the container been made so. */
function askedAfter({ Binds, Mounts }: HostConfig, gone: readonly MountPoint[], added: readonly MountRequest[]): Pick<HostConfig, 'Binds' | 'Mounts'> {
  const isGone = (path: string): boolean => gone.some(({ destination }) => destination === safeDestination(path));
  const mounts = [...(Mounts ?? []).filter(({ Target = '' }) => !isGone(Target)), ...added];
  const binds = Binds?.filter((text) => { const [first = '', second = first] = text.split(':'); return !isGone(second); }) ?? null;
  return { Binds: binds, ...(mounts.length === 0 && Mounts === undefined ? {} : { Mounts: mounts }) };
}

function safeDestination(path: string): string | undefined {
  try {
    return parseDestination(path);
  } catch (error) {
    if (!isFail(error)) throw error;
    return undefined;
  }
}
