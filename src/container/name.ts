// Names for containers that were given none: an adjective and a thing of a harbour.
import { randomInt } from 'node:crypto';
import { fail } from '../base/index.ts';

const adjectives = ['amber', 'bold', 'brisk', 'calm', 'clear', 'deft', 'eager', 'fair', 'firm', 'fleet', 'fresh', 'gentle', 'glad', 'keen', 'kind', 'lively', 'lucky', 'mellow', 'merry', 'neat', 'noble', 'plucky', 'proud', 'quick', 'quiet', 'ready', 'sharp', 'snug', 'steady', 'sunny', 'swift', 'tidy', 'trusty', 'warm', 'wise', 'zesty'];
const things = ['anchor', 'barge', 'beacon', 'berth', 'boom', 'bow', 'bridge', 'buoy', 'cabin', 'capstan', 'cargo', 'chart', 'cleat', 'compass', 'crane', 'crate', 'deck', 'derrick', 'dock', 'ferry', 'gangway', 'hatch', 'hawser', 'helm', 'hold', 'hull', 'jetty', 'keel', 'lantern', 'mast', 'mooring', 'pallet', 'pier', 'pilot', 'quay', 'rigging', 'rudder', 'sail', 'stern', 'tide', 'tug', 'wharf', 'winch', 'windlass'];

/** `steady_winch`; with a number behind it once such names become rare. */
export function inventName(isTaken: (name: string) => boolean): string {
  for (let tries = 0; ; tries++) {
    const name = `${pick(adjectives)}_${pick(things)}${tries < 6 ? '' : randomInt(10 ** Math.min(tries, 9))}`;
    if (!isTaken(name)) return name;
  }
}

function pick(words: readonly string[]): string {
  return words[randomInt(words.length)]!;
}

/** @throws `invalid` with Docker's text. */
export function parseName(text: string): string {
  const name = text.replace(/^\//, '');
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) throw fail('invalid', `Invalid container name (${text}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
  return name;
}
