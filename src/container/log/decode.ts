// From a line of the json-file log to an entry. Lines that we wrote end in a part of known length; others (dockerd's, with trimmed times) are read as JSON.
import { withNanoseconds } from '../../base/index.ts';
import type { LogEntry, StreamName } from '../container.ts';
import { entryEnd, entryStart } from './encode.ts';

const sampleTime = '2026-11-24T04:31:16.123456789Z';
/** Without the newline. */
const endLength = entryEnd('stdout', sampleTime).length - 1;
const streamMark = '","stream":"std';
const timeMark = '","time":"';

/** `line` is latin1, without its newline. Undefined for what is no entry: a torn line. */
export function decodeEntry(line: string): LogEntry | undefined {
  const textEnd = line.length - endLength;
  if (textEnd < entryStart.length || !line.startsWith(entryStart) || !line.startsWith(streamMark, textEnd) || !line.startsWith(timeMark, textEnd + 17) || !line.endsWith('Z"}')) return decodeJson(line);
  const stream = line.charCodeAt(textEnd + streamMark.length) === 0x6f ? 'stdout' : 'stderr';
  const time = line.slice(-2 - sampleTime.length, -2);
  const escape = line.indexOf('\\');
  if (escape < 0 || escape >= textEnd) return { stream, time, bytes: Buffer.from(line.slice(entryStart.length, textEnd), 'latin1') };
  if (escape === textEnd - 2 && line.charCodeAt(escape + 1) === 0x6e) return { stream, time, bytes: Buffer.from(`${line.slice(entryStart.length, escape)}\n`, 'latin1') };
  return decodeJson(line);
}

function decodeJson(line: string): LogEntry | undefined {
  const value = parse(Buffer.from(line, 'latin1').toString('utf8'));
  if (value === null || typeof value !== 'object') return undefined;
  const { log = '', stream = 'stdout', time, attrs } = value as { log?: unknown; stream?: unknown; time?: unknown; attrs?: unknown };
  if (typeof log !== 'string' || (stream !== 'stdout' && stream !== 'stderr') || typeof time !== 'string') return undefined;
  return { stream: stream satisfies StreamName, time: withNanoseconds(time), bytes: Buffer.from(log, 'utf8'), ...(isTexts(attrs) ? { details: attrs } : {}) };
}

function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  return typeof value === 'object' && value !== null && Object.values(value).every((item) => typeof item === 'string');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Torn by a crash or a full disk: not an entry.
    return undefined;
  }
}
