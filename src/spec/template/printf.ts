// Go's fmt verbs as far as formats use them: %v %s %d %q %t %x %X %o %b %c %f %e %g %%, with flags, width and precision.
import { show, toJson } from './value.ts';

const verb = /%([-+# 0]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])/g;

export function printf(format: string, values: readonly unknown[]): string {
  let next = 0;
  const text = format.replace(verb, (_, flags: string, width: string | undefined, precision: string | undefined, letter: string) => {
    if (letter === '%') return '%';
    if (next >= values.length) return `%!${letter}(MISSING)`;
    const value = values[next];
    next += 1;
    return pad(written(value, letter, flags, precision), flags, Number(width ?? 0), typeof value === 'number');
  });
  const extra = values.slice(next).map((value) => `${goType(value)}=${show(value)}`);
  return extra.length === 0 ? text : `${text}%!(EXTRA ${extra.join(', ')})`;
}

function pad(text: string, flags: string, width: number, isNumber: boolean): string {
  if (flags.includes('-')) return text.padEnd(width);
  if (!flags.includes('0') || !isNumber) return text.padStart(width);
  const sign = /^[+-]/.exec(text)?.[0] ?? '';
  return sign + text.slice(sign.length).padStart(width - sign.length, '0');
}

function written(value: unknown, letter: string, flags: string, precision: string | undefined): string {
  if (typeof value === 'number') return writtenNumber(value, letter, flags, precision);
  if (letter === 't' && typeof value === 'boolean') return String(value);
  if (letter === 'q' && typeof value === 'string') return toJson(value);
  if (letter === 'q' && Array.isArray(value)) return `[${value.map((item) => toJson(item)).join(' ')}]`;
  if (letter === 'x' && typeof value === 'string') return Buffer.from(value).toString('hex');
  if (letter === 'v' || letter === 's') {
    if (typeof value === 'boolean' && letter === 's') return `%!s(bool=${value})`;
    return precision === undefined || typeof value !== 'string' ? show(value) : Array.from(value).slice(0, Number(precision)).join('');
  }
  return `%!${letter}(${goType(value)}=${show(value)})`;
}

function writtenNumber(value: number, letter: string, flags: string, precision: string | undefined): string {
  const sign = flags.includes('+') && value >= 0 ? '+' : '';
  const isWhole = Number.isInteger(value);
  switch (letter) {
    case 'v': return sign + show(value);
    case 'f': return isWhole && precision === undefined ? `%!f(int=${value})` : sign + value.toFixed(Number(precision ?? 6));
    case 'd': if (isWhole) return sign + String(value); break;
    case 'x': if (isWhole) return sign + value.toString(16); break;
    case 'X': if (isWhole) return sign + value.toString(16).toUpperCase(); break;
    case 'o': if (isWhole) return sign + value.toString(8); break;
    case 'b': if (isWhole) return sign + value.toString(2); break;
    case 'c': if (isWhole) return String.fromCodePoint(value); break;
    case 'e': return sign + value.toExponential(Number(precision ?? 6)).replace(/e([+-])(\d)$/, 'e$10$2');
    case 'g': return sign + show(value);
    default: break;
  }
  return `%!${letter}(${goType(value)}=${show(value)})`;
}

function goType(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float64';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'string' ? 'string' : Array.isArray(value) ? '[]string' : '<nil>';
}
