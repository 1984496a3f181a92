// From a program's bytes to lines of the json-file log: {"log":"…\n","stream":"stdout","time":"…Z"}
//
// The escapes are the ones dockerd writes, byte for byte (seen in its files): \n and \r, \" and \\, \u00XX for the other control characters (a tab is
// \u0009), \u003c \u003e \u0026 for < > &, \u2028 and \u2029, and \ufffd for each byte that is not part of valid UTF-8.
//
// The slow way, which knows everything (json-lines.ts is the quick one). Text is handled as latin1 strings, one character a byte, so that UTF-8 passes through untouched; a run of many lines is
// turned over with a few passes of V8's own string code, and all its lines carry the same time.
import { isUtf8 } from 'node:buffer';
import type { StreamName } from '../container.ts';

/** A longer line is cut into entries of this many bytes; only the last of them has the newline. */
export const entryBytesMax = 16 * 1024;

/** What follows the text of an entry; see decode.ts, which knows its length where there are no details. */
export function entryEnd(stream: StreamName, time: string, details = ''): string {
  return `","stream":"${stream}"${details},"time":"${time}"}\n`;
}

/** Of `logs --details`, as a part of each entry: latin1, or empty. */
export function encodeDetails(details: Readonly<Record<string, string>>): string {
  const names = Object.keys(details).sort();
  if (names.length === 0) return '';
  const json = JSON.stringify(Object.fromEntries(names.map((name) => [name, details[name]]))).replaceAll(/[<>&\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return `,"attrs":${Buffer.from(json).toString('latin1')}`;
}

export const entryStart = '{"log":"';

/** Entries, as latin1, for `raw`: whole lines, or one piece without its newline. */
export function encodeEntries(raw: Buffer, stream: StreamName, time: string, details = ''): string {
  const end = entryEnd(stream, time, details);
  const text = escapeText(raw);
  if (!text.endsWith('\n')) return entryStart + text + end;
  const lineEnd = `\\n${end}`;
  return entryStart + text.slice(0, -1).replaceAll('\n', lineEnd + entryStart) + lineEnd;
}

/** Where the entry that begins at `start` is cut when it has no newline within the limit: never inside a UTF-8 character. */
export function cutBefore(raw: Uint8Array, start: number): number {
  const end = start + entryBytesMax;
  for (let back = 0; back < 4; back++) if ((raw[end - back]! & 0xc0) !== 0x80) return end - back;
  return end;
}

const anythingSpecial = /[^\n !#-%'-;=?-[\]-~\x7f]/;
// eslint-disable-next-line no-control-regex
const special = /["\\<>&\x00-\x09\x0b-\x1f]|\xe2\x80[\xa8\xa9]/g;
const valid2 = '[\\xc2-\\xdf][\\x80-\\xbf]';
const valid3 = '\\xe0[\\xa0-\\xbf][\\x80-\\xbf]|[\\xe1-\\xec\\xee\\xef][\\x80-\\xbf]{2}|\\xed[\\x80-\\x9f][\\x80-\\xbf]';
const valid4 = '\\xf0[\\x90-\\xbf][\\x80-\\xbf]{2}|[\\xf1-\\xf3][\\x80-\\xbf]{3}|\\xf4[\\x80-\\x8f][\\x80-\\xbf]{2}';
/** A whole character of valid UTF-8, or else one byte that is none. Source: the Unicode standard, table 3-7. */
const beyondAscii = new RegExp(`${valid2}|${valid3}|${valid4}|[\\x80-\\xff]`, 'g');

/** Everything but newlines escaped. */
function escapeText(raw: Buffer): string {
  const text = raw.toString('latin1');
  if (!anythingSpecial.test(text)) return text;
  const escaped = text.replace(special, escapeOne);
  return isUtf8(raw) ? escaped : escaped.replace(beyondAscii, (character) => (character.length > 1 ? character : '\\ufffd'));
}

function escapeOne(character: string): string {
  if (character === '"') return '\\"';
  if (character === '\\') return '\\\\';
  if (character === '\r') return '\\r';
  if (character.length === 3) return character.endsWith('\xa8') ? '\\u2028' : '\\u2029';
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
