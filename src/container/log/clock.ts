// The time of a log entry: RFC 3339 with nine digits, never running backwards from one call to the next unless the machine's clock was set.
const millisecond = 1_000_000n;
/** Wall clock minus monotonic clock, both in nanoseconds. */
let difference = 0n;

export function timeOfEntry(): string {
  const monotonic = process.hrtime.bigint();
  const wall = BigInt(Date.now()) * millisecond;
  const error = monotonic + difference - wall;
  // Date.now() is cut down to the millisecond: the finer time may be up to one ahead, more means that the clock was set.
  if (error < -2n * millisecond || error > 3n * millisecond) difference = wall - monotonic;
  const now = monotonic + difference;
  return `${new Date(Number(now / millisecond)).toISOString().slice(0, -1)}${String(now % millisecond).padStart(6, '0')}Z`;
}
