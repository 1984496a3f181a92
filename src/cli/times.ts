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
