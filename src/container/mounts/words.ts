// The words of a mount's mode: the third part of `-v source:destination:words`, and what follows the name in `--volumes-from`. Pure.
// Docker's words, at most one of a kind, and Podman's `U`, `O` and `idmap=…` besides.
import { fail } from '../../base/index.ts';
import type { IdMapping } from '../../spec/oci/runtime.ts';
import { propagations, type IdMaps, type Propagation } from './point.ts';

const kinds: Readonly<Record<string, readonly string[]>> = {
  access: ['rw', 'ro'],
  // SELinux's: without it in the kernel they say nothing.
  label: ['z', 'Z'],
  propagation: propagations,
  copy: ['nocopy'],
  // Of Docker for other systems: on Linux all are the same.
  consistency: ['consistent', 'cached', 'delegated'],
  chown: ['U'],
  overlay: ['O'],
};

export interface Mode {
  readonly rw: boolean;
  readonly propagation: Propagation | undefined;
  readonly nocopy: boolean;
  readonly chown: boolean;
  readonly overlay: boolean;
  readonly idMaps: IdMaps | undefined;
}

/** Undefined for words that are none, or of which two contradict each other. @throws `invalid` for a map of ids that is none */
export function parseMode(mode: string): Mode | undefined {
  const words = mode === '' ? [] : mode.split(',');
  const found = new Map<string, string>();
  for (const word of words) {
    const kind = /^idmap(=|$)/.test(word) ? 'idmap' : Object.keys(kinds).find((name) => kinds[name]!.includes(word));
    if (kind === undefined || found.has(kind)) return undefined;
    found.set(kind, word);
  }
  const idmap = found.get('idmap');
  return {
    rw: found.get('access') !== 'ro', propagation: found.get('propagation') as Propagation | undefined, nocopy: found.has('copy'), chown: found.has('chown'), overlay: found.has('overlay'),
    idMaps: idmap === undefined ? undefined : parseIdMaps(idmap.slice('idmap='.length)),
  };
}

/** `uids=0-1000-1#1-2000-10;gids=0-1000-1`: from the file system's first id to the one that it shows as, and how many. One of both says it for both. */
export function parseIdMaps(text: string): IdMaps {
  const sides = new Map(text.split(';').filter((part) => part !== '').map((part) => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)]));
  const [uids, gids] = [sides.get('uids') ?? sides.get('gids'), sides.get('gids') ?? sides.get('uids')];
  if (uids === undefined || gids === undefined || [...sides.keys()].some((side) => side !== 'uids' && side !== 'gids')) throw notAMap(text);
  return { uidMappings: parseRanges(uids, text), gidMappings: parseRanges(gids, text) };
}

const idsMax = 2 ** 32 - 1;

function parseRanges(ranges: string, whole: string): readonly IdMapping[] {
  return ranges.split('#').map((range) => {
    const [, from, to, count] = /^(\d{1,10})-(\d{1,10})-(\d{1,10})$/.exec(range) ?? [];
    if (count === undefined) throw notAMap(whole);
    const [containerID, hostID, size] = [Number(from), Number(to), Number(count)];
    if (size === 0 || containerID + size > idsMax || hostID + size > idsMax) throw notAMap(whole);
    return { containerID, hostID, size };
  });
}

function notAMap(text: string): Error {
  return fail('invalid', `invalid map of ids: ${JSON.stringify(text.slice(0, 200))}`, { hint: 'Say which ids of the files are shown as which, and how many: idmap=uids=0-1000-1;gids=0-1000-1 (more ranges after "#")' });
}
