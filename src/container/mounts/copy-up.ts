// Copy-up: what the image has where a volume is mounted becomes the content of the volume, as long as that is empty.
import { fail } from '../../base/index.ts';
import type { Digest } from '../../base/index.ts';
import { Fd, KernelError, O, S, statFd, tryOpenIn } from '../../kernel/index.ts';
import type { Room } from '../room.ts';
import type { MountPoint, VolumePoint } from './point.ts';

const ENOENT = -2;
const ENOTDIR = -20;

/** `layers`: the image's, lowest first. @throws `invalid` for a file at the place of a volume, and for a place whose links lead around in circles */
export async function copyUp(room: Room, layers: readonly Digest[], points: readonly MountPoint[]): Promise<void> {
  const volumes = points.filter((point): point is VolumePoint => point.type === 'volume' && point.subpath === '');
  if (volumes.length === 0) return;
  using image = room.storage.snapshots.openLayers(layers);
  for (const point of volumes) {
    using found = openPlace(image, point.destination);
    if (found !== undefined && point.copiesUp) await room.volumes.populate(point.name, found);
  }
}

/** The directory at this place of the image, wherever a link of the image leads within it; undefined where there is nothing. */
function openPlace(image: Fd, destination: string): Fd | undefined {
  const number = tryOpenIn(image, `.${destination}`, O.PATH, 'inside');
  if (number === ENOENT || number === ENOTDIR) return undefined;
  if (number < 0) throw fail('invalid', `Cannot mount a volume on ${JSON.stringify(destination)}: the image has a link there that leads nowhere`, { cause: new KernelError('openat2', destination, -number) });
  using place = new Fd(number);
  if ((statFd(place).mode & S.IFMT) !== S.IFDIR) throw fail('invalid', `cannot mount volume over existing file, file exists ${destination}`);
  return Fd.open('.', O.RDONLY | O.DIRECTORY, 0, place);
}
