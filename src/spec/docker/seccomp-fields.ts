// Reading the fields of a seccomp profile: each function returns a value of the type that its name says, or fails with the field's path.
import { type EstivaError, fail } from '../../base/index.ts';

const unsigned64Max = 2n ** 64n - 1n;

export function wrong(at: string, problem: string): EstivaError {
  return fail('invalid', `Cannot read seccomp profile: ${at === '' ? problem : `${at}: ${problem}`}`);
}

export function join(at: string, name: string): string {
  return at === '' ? name : `${at}.${name}`;
}

/** For JSON.parse: an integer that a number cannot hold exactly becomes a bigint. */
export function exactInteger(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || context?.source === undefined) return value;
  return /^-?\d+$/.test(context.source) ? BigInt(context.source) : value;
}

/** An object with no field besides `names`. */
export function object<Name extends string>(value: unknown, at: string, names: readonly Name[]): Readonly<Record<Name, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(at, 'expected an object');
  const stranger = Object.keys(value).find((key) => !(names as readonly string[]).includes(key));
  if (stranger !== undefined) throw wrong(join(at, stranger), 'unknown field');
  return value as Readonly<Record<Name, unknown>>;
}

/** `{ [name]: value }`, or nothing where the field is absent or null, as Go writes absent ones. */
export function optional<Name extends string, T>(name: Name, value: unknown, read: (value: unknown, at: string) => T, at: string = name): { readonly [K in Name]?: T } {
  if (value === undefined || value === null) return {};
  return { [name]: read(value, at) } as { readonly [K in Name]: T };
}

export function list<T>(value: unknown, at: string, read: (value: unknown, at: string) => T): readonly T[] {
  if (!Array.isArray(value)) throw wrong(at, 'expected a list');
  return value.map((item, index) => read(item, `${at}[${index}]`));
}

export function string(value: unknown, at: string): string {
  if (typeof value !== 'string') throw wrong(at, 'expected a string');
  return value;
}

export function strings(value: unknown, at: string): readonly string[] {
  return list(value, at, string);
}

export function oneOf<T extends string>(value: unknown, at: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw wrong(at, `expected one of ${choices.join(', ')}, not ${JSON.stringify(value) ?? 'nothing'}`);
  return found;
}

export function integer(value: unknown, at: string, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > max) throw wrong(at, `expected an integer from 0 to ${max}`);
  return value;
}

export function unsigned64(value: unknown, at: string): number | bigint {
  const isExact = (typeof value === 'number' && Number.isSafeInteger(value)) || typeof value === 'bigint';
  if (!isExact || value < 0 || value > unsigned64Max) throw wrong(at, `expected an integer from 0 to ${unsigned64Max}`);
  return value;
}
