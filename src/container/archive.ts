// Files of a container, in and out as tars: what `cp` and `export` are made of.
import { close } from 'node:fs';
import { posix } from 'node:path';
import { fail } from '../base/index.ts';
import { O, openIn, readFileIn, S, statFd, type Fd } from '../kernel/index.ts';
import { decompress } from '../spec/compression.ts';
import { byteString } from '../spec/tar/index.ts';
import { pack, unpackInto, type PackedTar } from '../storage/index.ts';
import type { ContainerRecord } from './container.ts';
import { until } from './copies.ts';
import type { PathArchive, PathStat, WriteArchiveOptions } from './file-verbs.ts';
import { absolutePath, findPath, openPath } from './path-in-root.ts';
import { openRootView } from './root-view.ts';
import type { Room } from './room.ts';
import { resolveUser } from './user.ts';

const directoryFlags = O.RDONLY | O.DIRECTORY;
const passwdBytesMax = 4 << 20;

export async function statPath(room: Room, record: ContainerRecord, path: string, asked: string): Promise<PathStat> {
  using root = await openRootView(room, record, { access: 'read', mounts: true });
  return findPath(root, path, asked).stat;
}

export async function readArchive(room: Room, record: ContainerRecord, path: string, asked: string): Promise<PathArchive> {
  using opened = new DisposableStack();
  const copy = opened.use(room.copies.begin(record.id, 'read'));
  const root = opened.use(await openRootView(room, record, { access: 'read', mounts: true }));
  const found = findPath(root, path, asked);
  const tar = found.isDirectory ? packDirectory(root, found.path, found.stat.name, asked) : packEntry(root, found.path, asked);
  return { stat: found.stat, ...held(tar, opened.move(), copy.removed) };
}

/** The members are named after the directory: `etc/`, `etc/passwd`; `./` and so on for a path that ends in "/.". */
function packDirectory(root: Fd, path: string, name: string, asked: string): PackedTar {
  const as = byteString(name === '/' ? '/' : `${name}/`);
  return pack({ what: 'directory', dir: openPath(root, path, directoryFlags, asked), as, form: 'tree' });
}

function packEntry(root: Fd, path: string, asked: string): PackedTar {
  const name = byteString(posix.basename(path));
  return pack({ what: 'entry', dir: openPath(root, posix.dirname(path), directoryFlags, asked), name, as: name });
}

export async function exportRoot(room: Room, record: ContainerRecord): Promise<PackedTar> {
  using opened = new DisposableStack();
  const copy = opened.use(room.copies.begin(record.id, 'read'));
  const root = opened.use(await openRootView(room, record, { access: 'read', mounts: false }));
  const tar = pack({ what: 'directory', dir: openIn(root, '.', directoryFlags, 'plain'), as: undefined, form: 'tree' });
  return held(tar, opened.move(), copy.removed);
}

/** The tar, with what must stay open as long as it is read. */
function held(tar: PackedTar, opened: DisposableStack, removed: AbortSignal): PackedTar {
  return {
    bytes: until(tar.bytes, removed),
    async [Symbol.asyncDispose]() {
      using _opened = opened;
      await tar[Symbol.asyncDispose]();
    },
  };
}

/** Disposing closes it in the background: unmounting the root of a container that does not run writes everything to disk first. A start waits for that. */
export interface Destination extends Disposable {
  readonly dir: Fd;
  readonly removed: AbortSignal;
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
}

/** Runs inside the container's queue: a start that comes after it waits for the copy's end. */
export async function openDestination(room: Room, record: ContainerRecord, path: string, asUser: boolean, asked: string): Promise<Destination> {
  using undo = new DisposableStack();
  const copy = undo.use(room.copies.begin(record.id, 'write'));
  const root = undo.use(await openRootView(room, record, { access: record.hostConfig.ReadonlyRootfs ? 'read' : 'write', mounts: true }));
  using found = openPath(root, path, O.PATH, asked);
  if ((statFd(found).mode & S.IFMT) !== S.IFDIR) throw fail('invalid', 'extraction point is not a directory');
  refuseReadOnly(record, path, statFd(found).mountId === statFd(root).mountId);
  const owner = asUser && record.config.User !== '' ? resolveUser(record.config.User, [], (file) => readFileIn(root, file, passwdBytesMax, 'inside')) : undefined;
  const dir = openIn(found, '.', directoryFlags, 'plain');
  undo.move();
  return {
    dir, removed: copy.removed, owner: owner === undefined ? undefined : { uid: owner.uid, gid: owner.gid },
    [Symbol.dispose]: () => void closeLater(dir, root).catch((error: unknown) => room.log.warn({ container: record.id, err: error }, 'a tree was not closed')).finally(() => copy[Symbol.dispose]()),
  };
}

function refuseReadOnly({ hostConfig, mounts }: ContainerRecord, path: string, isInRoot: boolean): void {
  if (isInRoot && hostConfig.ReadonlyRootfs) throw fail('invalid', 'container rootfs is marked read-only');
  const place = absolutePath(path);
  const [holding] = mounts.filter(({ destination }) => place === destination || place.startsWith(`${destination}/`)).toSorted((a, b) => b.destination.length - a.destination.length);
  if (!isInRoot && holding?.rw === false) throw fail('invalid', 'mounted volume is marked read-only');
}

/** By a thread of Node's pool: the last close may take as long as the disk wants. */
async function closeLater(...fds: readonly Fd[]): Promise<void> {
  for (const fd of fds) await new Promise<void>((resolve, reject) => { close(fd.release(), (error) => (error === null || error === undefined ? resolve() : reject(error))); });
}

/** Outside the queue: it takes as long as its client does. */
export async function writeArchive(room: Room, destination: Destination, tar: AsyncIterable<Uint8Array>, { keepsKinds, signal }: WriteArchiveOptions): Promise<void> {
  using to = destination;
  const { owner, removed } = to;
  await unpackInto(openIn(to.dir, '.', directoryFlags, 'plain'), until(decompress(tar), removed), { keepsKinds, owner }, room.storage.rootDir, signal);
}
