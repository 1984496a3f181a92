// The format of the `local` log: short to write, quick to read, for nobody else's eyes.
//
//   o68f1a2b33b9aca00hello\n     o or e: stdout or stderr; O or E: the program wrote no newline here
//                                8 hexadecimal digits of seconds since 1970, 8 of nanoseconds; then the program's own bytes, unchanged
//
// A line of the program has no newline inside, so its bytes need no escapes.
import type { LogEntry, StreamName } from '../container.ts';
import type { LogFormat } from './log.ts';
import { encodeInPieces } from './pieces.ts';

const secondsLength = 'YYYY-MM-DDTHH:MM:SS'.length;
const headLength = 17;
const head = /^[oeOE][0-9a-f]{16}/;

export const localFormat: LogFormat = { encode: (raw, stream, time) => encodeInPieces(raw, (piece) => encode(piece, stream, time)), decode };

function encode(raw: Buffer, stream: StreamName, time: string): string {
  const stamp = hex(Date.parse(`${time.slice(0, secondsLength)}Z`) / 1000) + hex(Number(time.slice(secondsLength + 1, -1)));
  const text = raw.toString('latin1');
  const letter = stream === 'stdout' ? 'o' : 'e';
  if (!text.endsWith('\n')) return `${letter.toUpperCase()}${stamp}${text}\n`;
  const start = letter + stamp;
  return `${start}${text.slice(0, -1).replaceAll('\n', `\n${start}`)}\n`;
}

function decode(line: string): LogEntry | undefined {
  if (!head.test(line)) return undefined;
  const letter = line.charAt(0);
  const isWhole = letter === 'o' || letter === 'e';
  return {
    stream: letter.toLowerCase() === 'o' ? 'stdout' : 'stderr',
    time: timeOf(line.slice(1, headLength)),
    bytes: Buffer.from(isWhole ? `${line.slice(headLength)}\n` : line.slice(headLength), 'latin1'),
  };
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}

/** Neighbours in a log mostly bear the same second. */
let last = { digits: '', text: '' };

function timeOf(stamp: string): string {
  const digits = stamp.slice(0, 8);
  if (digits !== last.digits) last = { digits, text: new Date(Number.parseInt(digits, 16) * 1000).toISOString().slice(0, secondsLength) };
  return `${last.text}.${String(Number.parseInt(stamp.slice(8), 16)).padStart(9, '0')}Z`;
}
