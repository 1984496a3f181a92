// Points in time and lengths of time as users write them, for --since and --until, filters and health checks.

/** RFC 3339 with or without its parts, Unix seconds, or a duration before `now`. As seconds since 1970 with a fraction; undefined when it is none. */
export function unixTimeOf(text: string, now: Date): string | undefined {
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

/** Go's durations: `10s`, `1m30s`, `1.5h`, in milliseconds. undefined when it is not one. */
export function parseDuration(text: string): number | undefined {
  if (!/^(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  const unitMs: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  let ms = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)/g)) ms += Number(number) * (unitMs[unit ?? ''] ?? 0);
  return ms;
}
