// Numbers in tar headers: octal text, or base-256 when the first bit is set (GNU: two's complement, big-endian, the first bit a flag).
// Source: GNU tar manual, "Extensions"; POSIX.1-2017 pax, ustar.

/** The value of a numeric field; undefined when it is not a number, or one beyond 2^53. */
export function parseNumber(field: Buffer): number | undefined {
  return (field[0]! & 0x80) !== 0 ? parseBase256(field) : parseOctal(field);
}

function parseOctal(field: Buffer): number | undefined {
  let at = 0;
  let end = field.length;
  while (at < end && isPadding(field[at]!)) at++;
  while (end > at && isPadding(field[end - 1]!)) end--;
  let value = 0;
  for (; at < end; at++) {
    const digit = field[at]! - 0x30;
    if (digit < 0 || digit > 7) return undefined;
    value = value * 8 + digit;
  }
  return Number.isSafeInteger(value) ? value : undefined;
}

function isPadding(byte: number): boolean {
  return byte === 0x20 || byte === 0;
}

function parseBase256(field: Buffer): number | undefined {
  const sign = (field[0]! & 0x40) === 0 ? 0 : -1;
  let value = sign * 64 + (field[0]! & 0x3f);
  for (let i = 1; i < field.length; i++) {
    value = value * 256 + field[i]!;
    if (!Number.isSafeInteger(value)) return undefined;
  }
  return value;
}

/** Writes `value` as octal digits and a NUL; false when it does not fit. */
export function writeOctal(field: Buffer, value: number): boolean {
  const digits = field.length - 1;
  if (value < 0 || value >= 8 ** digits) return false;
  field.write(value.toString(8).padStart(digits, '0'), 'latin1');
  field[digits] = 0;
  return true;
}

/** A decimal of a PAX record or a sparse map: digits only, within 2^53. */
export function parseDecimal(text: string): number | undefined {
  if (!/^\d{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** `-1.5` → [-2, 500000000]: seconds rounded down, and nanoseconds after them. */
export function parsePaxTime(text: string): [seconds: number, nanoseconds: number] | undefined {
  const parts = /^(-?)(\d{1,15})(?:\.(\d*))?$/.exec(text);
  if (parts === null) return undefined;
  const whole = Number(parts[2]);
  const nanoseconds = Number((parts[3] ?? '').slice(0, 9).padEnd(9, '0'));
  if (parts[1] === '') return [whole, nanoseconds];
  return nanoseconds === 0 ? [0 - whole, 0] : [-whole - 1, 1e9 - nanoseconds];
}

/** The inverse of parsePaxTime. */
export function formatPaxTime(seconds: number, nanoseconds: number): string {
  const isNegative = seconds < 0;
  const whole = isNegative && nanoseconds > 0 ? -seconds - 1 : Math.abs(seconds);
  const rest = isNegative && nanoseconds > 0 ? 1e9 - nanoseconds : nanoseconds;
  const fraction = rest === 0 ? '' : `.${String(rest).padStart(9, '0').replace(/0+$/, '')}`;
  return `${isNegative ? '-' : ''}${whole}${fraction}`;
}
