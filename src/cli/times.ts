// Times as users give them to --since and --until, as the API wants them: seconds since 1970, with a fraction.
import { parseDuration } from './units.ts';

/** RFC 3339 with or without its parts, Unix seconds, or a duration before `now`. undefined when it is none. */
export function apiTime(text: string, now: Date): string | undefined {
  if (/^\d+(\.\d{1,9})?$/.test(text)) return text;
  const ago = parseDuration(text);
  if (ago !== undefined) return seconds(now.getTime() - ago);
  const date = /^\d{4}-\d\d-\d\d(T\d\d(:\d\d(:\d\d(\.\d{1,9})?)?)?)?(Z|[+-]\d\d:\d\d)?$/.exec(text);
  if (date === null) return undefined;
  const [, clock, minutes, secondsPart, fraction, zone = ''] = date;
  const full = text.slice(0, 10) + (clock === undefined ? 'T00:00:00' : clock + (minutes === undefined ? ':00:00' : secondsPart === undefined ? ':00' : '')) + zone;
  const time = Date.parse(full.replace(/\.\d+/, ''));
  return Number.isNaN(time) ? undefined : `${time / 1000}${fraction === undefined ? '.000000000' : fraction.padEnd(10, '0')}`;
}

function seconds(ms: number): string {
  return `${Math.floor(ms / 1000)}.${String(Math.floor(ms % 1000)).padStart(3, '0')}000000`;
}

/** RFC 3339 with nine digits in the user's time zone: `2026-01-02T03:04:05.678901234+01:00`, `…Z` for UTC. */
export function localTimeNs(timeNs: bigint): string {
  const date = new Date(Number(timeNs / 1_000_000n));
  const offset = -date.getTimezoneOffset();
  const two = (number: number): string => String(Math.abs(number)).padStart(2, '0');
  const zone = offset === 0 ? 'Z' : `${offset < 0 ? '-' : '+'}${two(Math.trunc(offset / 60))}:${two(offset % 60)}`;
  const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, 19);
  return `${local}.${String(timeNs % 1_000_000_000n).padStart(9, '0')}${zone}`;
}
