// The wall clock in nanoseconds, never running backwards from one call to the next unless the machine's clock was set.
const millisecond = 1_000_000n;
/** Wall clock minus monotonic clock, both in nanoseconds. */
let difference = 0n;

/** Nanoseconds since 1970. */
export function wallClockNs(): bigint {
  const monotonic = process.hrtime.bigint();
  const wall = BigInt(Date.now()) * millisecond;
  const error = monotonic + difference - wall;
  // Date.now() is cut down to the millisecond: the finer time may be up to one ahead, more means that the clock was set.
  if (error < -2n * millisecond || error > 3n * millisecond) difference = wall - monotonic;
  return monotonic + difference;
}

/** RFC 3339 in UTC with nine digits of fraction. */
export function rfc3339Ns(timeNs: bigint): string {
  return `${new Date(Number(timeNs / millisecond)).toISOString().slice(0, -1)}${String(timeNs % millisecond).padStart(6, '0')}Z`;
}
