// Sizes and times as Docker's people read and write them.

/** `1.98MB`: powers of 1000, three digits (four: `1.984MB`). */
export function humanSize(bytes: number, digits = 3): string {
  return scaled(bytes, 1000, ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'], digits);
}

/** `23.54GiB`: powers of 1024, four digits. */
export function binarySize(bytes: number): string {
  return scaled(bytes, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'], 4);
}

function scaled(bytes: number, base: number, units: readonly string[], digits: number): string {
  let size = bytes;
  let unit = 0;
  while (size >= base && unit < units.length - 1) {
    size /= base;
    unit += 1;
  }
  // Like Go's %.3g: that many digits in all, without zeros at the end, and with an exponent when they do not suffice.
  const text = size.toPrecision(digits);
  return (text.includes('e') ? exponent(text) : String(Number(text))) + (units[unit] ?? '');
}

function exponent(text: string): string {
  return text.replace(/\.?0*e\+(\d)$/, 'e+0$1');
}

/** Bytes from `512m`, `1.5g`, `64kb`: powers of 1024. undefined when it is not a size. */
export function parseBinarySize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp])?i?b?$/i.exec(text);
  if (match === null) return undefined;
  const bytes = Number(match[1]) * 1024 ** ' kmgtp'.indexOf((match[2] ?? ' ').toLowerCase());
  return Number.isSafeInteger(Math.trunc(bytes)) ? Math.trunc(bytes) : undefined;
}

/** As Go prints a local time: `2026-11-24 04:51:49 +0000 UTC`. */
export function localTime(time: Date): string {
  const two = (number: number): string => String(Math.abs(number)).padStart(2, '0');
  const offset = -time.getTimezoneOffset();
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.trunc(offset / 60))}${two(offset % 60)}`;
  return `${day} ${clock} ${zone} ${zoneName(time, zone)}`;
}

/** The zone's abbreviation; a zone without one shows its offset, as in Go. */
function zoneName(time: Date, zone: string): string {
  if (zone === '+0000') return 'UTC';
  const name = new Intl.DateTimeFormat('en-US', { timeZoneName: 'short' }).formatToParts(time).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  return name === '' || name.startsWith('GMT') ? zone.replace(/00$/, '') : name;
}
