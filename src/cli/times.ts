// Times as people read them.

/** RFC 3339 with nine digits in the user's time zone: `2026-01-02T03:04:05.678901234+01:00`, `…Z` for UTC. */
export function localTimeNs(timeNs: bigint): string {
  const date = new Date(Number(timeNs / 1_000_000n));
  const offset = -date.getTimezoneOffset();
  const two = (number: number): string => String(Math.abs(number)).padStart(2, '0');
  const zone = offset === 0 ? 'Z' : `${offset < 0 ? '-' : '+'}${two(Math.trunc(offset / 60))}:${two(offset % 60)}`;
  const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, 19);
  return `${local}.${String(timeNs % 1_000_000_000n).padStart(9, '0')}${zone}`;
}
