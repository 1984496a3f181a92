// The time of a log entry: RFC 3339 with nine digits.
import { rfc3339Ns, wallClockNs } from '../../base/index.ts';

export function timeOfEntry(): string {
  return rfc3339Ns(wallClockNs());
}
