// `HostConfig.Binds`: `source:destination:words`, as -v writes it. Pure. The rules and the words of refusals are dockerd's.
import { posix } from 'node:path';
import { fail, isFail } from '../../base/index.ts';
import { parseDestination } from './destination.ts';
import type { MountWish } from './wish.ts';
import { parseMode, type Mode } from './words.ts';

/** `driver`: for volumes. @throws `invalid` */
export function parseBind(text: string, driver: string): MountWish {
  const [source, destination, words] = split(text);
  const mode = parseMode(words);
  if (mode === undefined) throw fail('invalid', `invalid mode: ${words.slice(0, 200)}`);
  const type = source.startsWith('/') ? 'bind' : 'volume';
  try {
    return type === 'bind' ? bindWish(source, parseDestination(destination), words, mode) : volumeWish(source, parseDestination(destination), { words, mode, driver });
  } catch (error) {
    if (!isFail(error, 'invalid')) throw error;
    throw fail('invalid', `invalid volume specification: '${text.slice(0, 400)}': invalid mount config for type "${type}": ${error.message}`, { cause: error });
  }
}

function split(text: string): readonly [source: string, destination: string, words: string] {
  const parts = text.split(':');
  const [first = '', second, third = ''] = parts;
  const isWrong = parts.length > 3 || first === '' || (parts.length === 2 && parseMode(second ?? '') !== undefined);
  if (isWrong) throw fail('invalid', `invalid volume specification: '${text.slice(0, 400)}'`, { hint: 'Write [source:]destination[:words], like /srv/data:/data:ro' });
  return second === undefined ? ['', first, ''] : [first, second, third];
}

function bindWish(source: string, destination: string, words: string, mode: Mode): MountWish {
  if (mode.nocopy) throw fail('invalid', 'field VolumeOptions must not be specified');
  return {
    point: {
      type: 'bind', source: cleanSource(source), destination, mode: words, isRecursive: true, createsSource: true,
      propagation: mode.propagation ?? 'rprivate', propagationAsked: mode.propagation !== undefined, ...filesOf(mode),
    },
  };
}

function volumeWish(name: string, destination: string, { words, mode, driver }: { readonly words: string; readonly mode: Mode; readonly driver: string }): MountWish {
  if (mode.propagation !== undefined) throw fail('invalid', 'field BindOptions must not be specified');
  return {
    point: { type: 'volume', name, source: '', destination, mode: words === '' ? 'z' : words, isAnonymous: name === '', copiesUp: !mode.nocopy, subpath: '', ...filesOf(mode) },
    volume: { name, driver, options: null, labels: null },
  };
}

function filesOf({ rw, chown, overlay, idMaps }: Mode) {
  return { rw, readOnlyBelow: !rw, chown, overlay, ...(idMaps === undefined ? {} : { idMaps }) };
}

/** `/a/../b/` → `/b`. */
export function cleanSource(path: string): string {
  return posix.normalize(path).replace(/(?<=.)\/$/, '');
}
