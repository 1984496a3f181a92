// Sources that a path alone does not say, taken hold of as mounts that are nowhere yet.
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { fail } from '../../base/index.ts';
import { cloneMount, errnoSentence, Fd, idmapMount, isKernelError, KernelError, O, openIn, makeSlave, openUserNamespace } from '../../kernel/index.ts';
import type { ContainerRecord } from '../container.ts';
import type { Room } from '../room.ts';
import type { BindPoint, ImagePoint, MountPoint, VolumePoint } from './point.ts';
import { spreads } from './shared.ts';

export function isHeld(point: MountPoint): point is BindPoint | VolumePoint | ImagePoint {
  if (point.type === 'tmpfs') return false;
  if (point.type === 'image') return true;
  const isSpecial = point.idMaps !== undefined || point.overlay;
  return isSpecial || (point.type === 'volume' ? point.subpath !== '' : /shared|slave/.test(point.propagation));
}

/** `path`: where the source is on the host. @throws `invalid` for what is not there, or lies outside of its volume or image */
export function holdSource(room: Room, record: ContainerRecord, point: BindPoint | VolumePoint | ImagePoint, path: string): Fd {
  if (point.type === 'image') return holdImage(room, point);
  using undo = new DisposableStack();
  const tree = undo.use(point.overlay ? overlayOf(room, record, point, path) : treeOf(point, path));
  if (point.idMaps !== undefined) {
    using ids = openUserNamespace(point.idMaps);
    mapIds(tree, ids, path);
  }
  undo.move();
  return tree;
}

function holdImage(room: Room, { layers, subpath, name }: ImagePoint): Fd {
  return within(`image ${name}`, subpath, () => room.storage.snapshots.openImage(layers, subpath));
}

function treeOf(point: BindPoint | VolumePoint, path: string): Fd {
  using top = Fd.open(path, O.PATH);
  if (point.type === 'volume') return point.subpath === '' ? cloneMount(top, true) : beneath(top, point.subpath, `volume ${point.name}`);
  const tree = cloneMount(top, point.isRecursive);
  // What nobody asked for is not promised: a source whose mount does not spread stays as it is.
  if (point.propagation.endsWith('slave') && (point.propagationAsked || spreads(path))) makeSlave(tree);
  return tree;
}

/** Links in it are followed as long as they stay in it; the kernel looks, in one go, whatever others do there meanwhile. */
function beneath(top: Fd, subpath: string, what: string): Fd {
  return within(what, subpath, () => {
    using found = openIn(top, subpath, O.PATH, 'beneath');
    return cloneMount(found, true);
  });
}

/** @throws `invalid`, much in dockerd's words, for a subpath that is not there or leads out */
function within(what: string, subpath: string, open: () => Fd): Fd {
  try {
    return open();
  } catch (error) {
    if (!(error instanceof KernelError) || subpath === '') throw error;
    const isOutside = ['EXDEV', 'ELOOP'].includes(error.code);
    throw fail('invalid', isOutside ? `path concatenation escapes the base directory, base: ${what}, subpath: ${subpath}` : `cannot access path ${subpath} of ${what}: ${errnoSentence(error.code)}`, { cause: error });
  }
}

/** What is written lies in the container's own directory, begun anew at each start, as in Podman. */
function overlayOf(room: Room, record: ContainerRecord, point: BindPoint | VolumePoint, path: string): Fd {
  if (point.type === 'volume' && point.subpath !== '') throw fail('unsupported', `Cannot lay changes of ${point.destination} upon a part of volume ${point.name}`, { hint: 'Use O with the whole volume' });
  const source = statSync(path);
  if (!source.isDirectory()) throw fail('invalid', `Changes can be laid upon a directory, and ${path} is none`, { hint: 'Leave out O, or mount the directory that has it' });
  const dir = `${room.storage.containerDir(record.id)}/upon/${createHash('sha256').update(point.destination).digest('hex').slice(0, 32)}`;
  rmSync(dir, { recursive: true, force: true });
  for (const name of ['upper', 'work']) mkdirSync(`${dir}/${name}`, { recursive: true, mode: 0o755 });
  // An overlay shows the owner and mode of its upper directory.
  chownSync(`${dir}/upper`, source.uid, source.gid);
  chmodSync(`${dir}/upper`, source.mode & 0o7777);
  return room.storage.snapshots.openUpon(path, { upperDir: `${dir}/upper`, workDir: `${dir}/work` });
}

function mapIds(tree: Fd, ids: Fd, path: string): void {
  try {
    idmapMount(tree, ids);
  } catch (error) {
    if (!isKernelError(error, 'EINVAL', 'EPERM')) throw error;
    throw fail('unsupported', `The ids of ${path} cannot be shown as others: its file system does not know how`, { cause: error, hint: 'ext4, xfs, btrfs and (since Linux 6.3) tmpfs do' });
  }
}
