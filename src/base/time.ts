// Times as Docker's people and programs write them: RFC 3339, Unix seconds with a fraction, and "About an hour".
import { fail } from './errors.ts';

/** What Go prints for a time that has not come: Docker's clients compare with it. */
export const zeroTime = '0001-01-01T00:00:00Z';

/** RFC 3339 in UTC, `zeroTime` when there is none. */
export function rfc3339(time: Date | undefined): string {
  return time === undefined ? zeroTime : time.toISOString();
}

/** Nine digits of fraction, so that columns of times line up: `2026-01-02T03:04:05.6Z` becomes `…05.600000000Z`. */
export function withNanoseconds(time: string): string {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(time);
  return match === null ? time : `${match[1]}.${(match[2] ?? '').padEnd(9, '0')}${match[3]}`;
}

/** Seconds since 1970, with or without a fraction, as Docker's API takes times: nanoseconds since 1970. @throws `invalid` naming `label`. */
export function parseUnixNs(text: string, label: string): bigint {
  const match = /^(\d{1,12})(?:\.(\d{1,9}))?$/.exec(text);
  if (match === null) throw fail('invalid', `Invalid ${label}: ${JSON.stringify(text.slice(0, 100))}`, { hint: 'Give seconds since 1970' });
  return BigInt(match[1]!) * 1_000_000_000n + BigInt((match[2] ?? '').padEnd(9, '0'));
}

/** A length of time as people say it: `Less than a second`, `5 minutes`, `About an hour`, `2 weeks`. */
export function durationInWords(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(seconds / 3600 + 0.5);
  if (seconds < 1) return 'Less than a second';
  if (seconds === 1) return '1 second';
  if (seconds < 60) return `${seconds} seconds`;
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.floor(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.floor(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.floor(hours / 24 / 30)} months`;
  return `${Math.floor(hours / 24 / 365)} years`;
}
