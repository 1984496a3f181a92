// The options of the json-file log, as Docker's clients write them: --log-opt max-size=10m --log-opt max-file=3
import { fail } from '../../base/index.ts';

export interface LogLimits {
  /** The file is rotated once it is this long. */
  readonly sizeBytesMax: number;
  /** Files kept, the current one included. */
  readonly filesMax: number;
}

/** On by default, so that a container that talks for ever does not fill the disk. */
export const defaultLogLimits: LogLimits = { sizeBytesMax: 20_000_000, filesMax: 3 };

const known = ['max-size', 'max-file'];

/** @throws `invalid` with dockerd's own words where it has some. */
export function parseLogLimits(config: Readonly<Record<string, string>>): LogLimits {
  for (const name of Object.keys(config)) if (!known.includes(name)) throw fail('invalid', `unknown log opt '${name}' for json-file log driver`, { hint: `Known here: ${known.join(', ')}` });
  const { 'max-size': size, 'max-file': files } = config;
  return {
    sizeBytesMax: size === undefined || size === '' ? defaultLogLimits.sizeBytesMax : parseSize(size),
    filesMax: files === undefined || files === '' ? defaultLogLimits.filesMax : parseCount(files),
  };
}

/** Decimal units (10m is ten million bytes), as dockerd takes them here. `-1`: never rotated. */
function parseSize(text: string): number {
  if (text === '-1') return Number.POSITIVE_INFINITY;
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i.exec(text);
  if (match === null) throw fail('invalid', `invalid size: '${text.slice(0, 100)}'`, { hint: 'Write max-size as in 500k, 20m or 1g' });
  const bytes = Math.floor(Number(match[1]) * 1000 ** ' kmgtp'.indexOf(match[2]!.toLowerCase() || ' '));
  if (bytes < 1) throw fail('invalid', 'max-size must be a positive number');
  return bytes;
}

function parseCount(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw fail('invalid', `max-file: ${JSON.stringify(text.slice(0, 100))} is not a number of files`);
  if (Number(text) < 1) throw fail('invalid', 'max-file cannot be less than 1');
  return Number(text);
}
