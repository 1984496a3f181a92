// `--volumes-from container[:words]`: the mount points of another container, as they are in its record.
import { fail, isFail } from '../../base/index.ts';
import type { Room } from '../room.ts';
import type { MountPoint } from './point.ts';
import { parseMode } from './words.ts';

/** @throws `invalid` in dockerd's words, also for a container that is not there: clients read "not found" of a create as a missing image. */
export function pointsFrom(room: Room, text: string): readonly MountPoint[] {
  if (text === '') throw fail('invalid', 'volumes-from specification cannot be an empty string');
  const at = text.indexOf(':');
  const [name, words] = at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
  const mode = parseMode(words);
  const asksMore = mode === undefined || mode.propagation !== undefined || mode.nocopy || mode.chown || mode.overlay || mode.idMaps !== undefined;
  if (asksMore) throw fail('invalid', `invalid mode: ${words.slice(0, 200)}`, { hint: 'Of another container\'s volumes only ro or rw can be said' });
  return mountsOfOther(room, name).map((point): MountPoint => {
    const rw = point.rw && mode.rw;
    if (point.type === 'tmpfs' || point.type === 'image') return { ...point, mode: '', rw };
    const files = { mode: '', rw, readOnlyBelow: point.readOnlyBelow || !mode.rw };
    return point.type === 'volume' ? { ...point, ...files, copiesUp: false } : { ...point, ...files };
  });
}

function mountsOfOther(room: Room, name: string): readonly MountPoint[] {
  try {
    return room.shelf.get(name).mounts;
  } catch (error) {
    if (!isFail(error, 'not_found')) throw error;
    throw fail('invalid', error.message, { cause: error });
  }
}
