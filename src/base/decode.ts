// From JSON to types, at the edge, once. A decoder looks at one value and returns it typed, or fails with the path of what is wrong:
// `HostConfig.Memory: expected an integer`. The manner is that of Go's encoding/json, which Docker's clients are written against: keys match
// without regard to case, null and absence mean the zero value, unknown keys are ignored.
import { fail, messageOf, type EstivaError } from './errors.ts';

/** Looks at `value`, found at `path` (empty: the whole text). @throws `invalid` naming the path. */
export type Decode<T> = (value: unknown, path: string) => T;

/** Parses `text` as one JSON value and decodes it. @throws `invalid` for text that is not JSON, or has more after it. */
export function decodeJson<T>(text: string, decode: Decode<T>): T {
  return decode(parseJson(text), '');
}

/** @throws `invalid` for text that is not exactly one JSON value. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw fail('invalid', `invalid JSON: ${messageOf(error)}`, { cause: error });
  }
}

/** An object with these fields. A decoder that returns undefined leaves its field away. */
export function object<T extends object>(fields: { readonly [K in keyof Required<T>]: Decode<T[K]> }): Decode<T> {
  const entries = Object.entries<Decode<unknown>>(fields);
  const canonical = new Map(entries.map(([key]) => [key.toLowerCase(), key]));
  return (value, path) => {
    const given = new Map(Object.entries(asObject(value, path)).map(([key, item]) => [canonical.get(key.toLowerCase()), item]));
    const decoded = entries.map(([key, decode]) => [key, decode(given.get(key), joinPath(path, key))] as const);
    return Object.fromEntries(decoded.filter(([, item]) => item !== undefined)) as T;
  };
}

/** A string; absent: empty. */
export const text: Decode<string> = (value, path) => absent(value) ? '' : typeof value === 'string' ? value : wrong(path, 'a string');

/** A boolean; absent: false. */
export const flag: Decode<boolean> = (value, path) => absent(value) ? false : typeof value === 'boolean' ? value : wrong(path, 'true or false');

/** Exactly true or false, or not given at all. */
export const boolean: Decode<boolean> = (value, path) => typeof value === 'boolean' ? value : wrong(path, 'true or false');

/** A whole number from `min` to `max`; absent: 0. */
export function wholeNumber(min: number, max: number): Decode<number> {
  return (value, path) => {
    if (absent(value)) return 0;
    if (typeof value !== 'number' || !Number.isInteger(value)) throw mismatch(path, 'an integer');
    return value >= min && value <= max ? value : wrong(path, `a number from ${min} to ${max}`);
  };
}

/** One of `words`. */
export function word<const T extends string>(words: readonly T[]): Decode<T> {
  return (value, path) => words.includes(value as T) ? value as T : wrong(path, `one of ${words.map((each) => JSON.stringify(each)).join(', ')}`);
}

/** Must be there. */
export function required<T>(decode: Decode<T>): Decode<T> {
  return (value, path) => absent(value) ? wrong(path, 'a value: it is required') : decode(value, path);
}

/** A whole number in the range of a signed 64-bit integer (beyond 2^53 with the precision of a double); absent: 0. */
export const integer: Decode<number> = (value, path) => {
  if (absent(value)) return 0;
  return typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= 2 ** 63 ? value : wrong(path, 'an integer');
};

/** A list; absent: empty. */
export function list<T>(item: Decode<T>): Decode<readonly T[]> {
  return (value, path) => {
    if (absent(value)) return [];
    if (!Array.isArray(value)) throw mismatch(path, 'a list');
    return value.map((element: unknown, index) => item(element, `${path}[${index}]`));
  };
}

/** An object whose keys are data, kept as they are; absent: empty. */
export function dictionary<T>(item: Decode<T>): Decode<Readonly<Record<string, T>>> {
  return (value, path) => Object.fromEntries(Object.entries(asObject(value, path)).map(([key, element]) => [key, item(element, joinPath(path, key))]));
}

/** An object that is only there or not: what is in it does not matter. */
export const presence: Decode<object> = (value, path) => asObject(value, path);

/** null when absent, instead of the zero value. */
export function nullable<T>(decode: Decode<T>): Decode<T | null> {
  return (value, path) => absent(value) ? null : decode(value, path);
}

/** Left away when absent, instead of the zero value. */
export function optional<T>(decode: Decode<T>): Decode<T | undefined> {
  return (value, path) => absent(value) ? undefined : decode(value, path);
}

/** `decode`, and `fallback` where that gives the zero value (`0` or an empty string). */
export function withDefault<T extends string | number>(decode: Decode<T>, fallback: T): Decode<T> {
  return (value, path) => {
    const decoded = decode(value, path);
    return decoded === '' || decoded === 0 ? fallback : decoded;
  };
}

/** The same value as another type, or a failure of the caller's own. */
export function mapped<T, U>(decode: Decode<T>, map: (value: T, path: string) => U): Decode<U> {
  return (value, path) => map(decode(value, path), path);
}

/** The value of `key`, whatever its case; undefined when there is none. */
export function fieldOf(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  const wanted = key.toLowerCase();
  return Object.entries(value).findLast(([name]) => name.toLowerCase() === wanted)?.[1] as unknown;
}

function asObject(value: unknown, path: string): object {
  if (absent(value)) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw mismatch(path, 'an object');
  return value;
}

function absent(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}

function joinPath(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

function wrong(path: string, expected: string): never {
  throw mismatch(path, expected);
}

function mismatch(path: string, expected: string): EstivaError {
  return fail('invalid', `${path === '' ? 'invalid JSON' : path}: expected ${expected}`);
}
