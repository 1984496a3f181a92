// The functions that a template may call: Go's own and Docker's (json, split, join, title, lower, upper, pad, truncate, println).
import { printf } from './printf.ts';
import { isRecord, isTrue, noValue, show, toJson, TypedNil, type Method } from './value.ts';

/** A function's complaint; the evaluator adds where it was called. */
export class CallError extends Error {
  override readonly name = 'CallError';
}

const text = (value: unknown): string => {
  if (typeof value !== 'string') throw new CallError(`wrong type for value; expected string; got ${kindOf(value)}`);
  return value;
};
const integer = (value: unknown): number => {
  if (typeof value !== 'number') throw new CallError(`wrong type for value; expected int; got ${kindOf(value)}`);
  return value;
};

function kindOf(value: unknown): string {
  if (value === null || value === undefined || value === noValue) return 'nil';
  if (Array.isArray(value)) return '[]string';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float64';
  return typeof value === 'boolean' ? 'bool' : typeof value === 'string' ? 'string' : 'map';
}

function length(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.length;
  if (value instanceof Map) return value.size;
  if (value instanceof TypedNil) return 0;
  throw new CallError(`error calling len: len of type ${kindOf(value)}`);
}

function index(value: unknown, ...keys: readonly unknown[]): unknown {
  let item = value;
  for (const key of keys) {
    if (item instanceof Map) item = item.get(key) ?? '';
    else if (item instanceof TypedNil && item.kind === 'map') item = '';
    else if (Array.isArray(item) || item instanceof TypedNil || typeof item === 'string') item = indexed(item, integer(key));
    else if (isRecord(item)) throw new CallError("error calling index: can't index item of type struct");
    else throw new CallError('error calling index: index of untyped nil');
  }
  return item;
}

function indexed(items: readonly unknown[] | TypedNil | string, at: number): unknown {
  const size = length(items);
  if (at < 0 || at >= size || items instanceof TypedNil) throw new CallError(`error calling index: index out of range: ${at}`);
  return typeof items === 'string' ? Buffer.from(items)[at] : items[at];
}

function slice(value: unknown, from: unknown = 0, to?: unknown): unknown {
  const items = typeof value === 'string' || Array.isArray(value) ? value : [];
  const [start, end] = [integer(from), to === undefined ? items.length : integer(to)];
  if (start < 0 || end > items.length || start > end) throw new CallError(`error calling slice: index out of range: ${start > end ? start : end}`);
  return items.slice(start, end);
}

function compare(name: string, a: unknown, b: unknown): number {
  if (typeof a !== typeof b || a === null || b === null || typeof a === 'object') throw new CallError(`error calling ${name}: incompatible types for comparison`);
  if (a === b) return 0;
  return (a as string | number) < (b as string | number) ? -1 : 1;
}

function isEqual(name: string, a: unknown, ...others: readonly unknown[]): boolean {
  if (others.length === 0) throw new CallError(`error calling ${name}: missing argument for comparison`);
  return others.some((other) => (isNil(a) || isNil(other) ? isNil(a) === isNil(other) : compare(name, a, other) === 0));
}

function isNil(value: unknown): boolean {
  return value === null || value === undefined || value === noValue || value instanceof TypedNil;
}

/** As `fmt.Sprint`: a space between two values when neither is text. */
function print(...values: readonly unknown[]): string {
  return values.map((value, at) => (at > 0 && typeof value !== 'string' && typeof values[at - 1] !== 'string' ? ' ' : '') + show(value)).join('');
}

/** Where the first value stands that decides, else the last. */
function first(values: readonly unknown[], decides: (value: unknown) => boolean): number {
  const at = values.findIndex(decides);
  return at < 0 ? values.length - 1 : at;
}

const htmlEscapes: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&#34;', "'": '&#39;' };

export const functions: ReadonlyMap<string, Method> = new Map<string, Method>(Object.entries({
  json: toJson,
  split: (value: unknown, separator: unknown) => text(value).split(text(separator)),
  join: (values: unknown, separator: unknown) => (Array.isArray(values) ? values.map(show).join(text(separator)) : ''),
  title: (value: unknown) => text(value).replace(/(^|[^\p{L}\p{N}_'])(\p{L})/gu, (_, before: string, letter: string) => before + letter.toUpperCase()),
  lower: (value: unknown) => text(value).toLowerCase(),
  upper: (value: unknown) => text(value).toUpperCase(),
  pad: (value: unknown, before: unknown, after: unknown) => (text(value) === '' ? '' : ' '.repeat(integer(before)) + text(value) + ' '.repeat(integer(after))),
  truncate: (value: unknown, size: unknown) => Array.from(text(value)).slice(0, integer(size)).join(''),
  print,
  println: (...values: readonly unknown[]) => `${values.map(show).join(' ')}\n`,
  printf: (format: unknown, ...values: readonly unknown[]) => printf(text(format), values),
  len: length,
  index,
  slice,
  not: (value: unknown) => !isTrue(value),
  and: (...values: readonly unknown[]) => values[first(values, (value) => !isTrue(value))],
  or: (...values: readonly unknown[]) => values[first(values, isTrue)],
  eq: (a: unknown, ...others: readonly unknown[]) => isEqual('eq', a, ...others),
  ne: (a: unknown, b: unknown) => !isEqual('ne', a, b),
  lt: (a: unknown, b: unknown) => compare('lt', a, b) < 0,
  le: (a: unknown, b: unknown) => compare('le', a, b) <= 0,
  gt: (a: unknown, b: unknown) => compare('gt', a, b) > 0,
  ge: (a: unknown, b: unknown) => compare('ge', a, b) >= 0,
  html: (...values: readonly unknown[]) => print(...values).replace(/[<>&"']/g, (sign) => htmlEscapes[sign] ?? sign),
  js: (...values: readonly unknown[]) => print(...values).replace(/[\\'"<>&=\n]/g, (sign) => (/[\\'"]/.test(sign) ? `\\${sign}` : `\\u${sign.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`)),
  urlquery: (...values: readonly unknown[]) => encodeURIComponent(print(...values)).replaceAll('%20', '+'),
}));
