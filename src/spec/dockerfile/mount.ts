// RUN --mount: what a step sees besides its own files. Read when variables are known; `mountSource` tells before that which stage or image it
// reads from, because that is part of the graph. Source: Dockerfile reference, "RUN --mount".
import { wrong } from './source.ts';
import { didYouMean } from './suggest.ts';

export const mountTypes = ['bind', 'cache', 'tmpfs', 'secret', 'ssh'] as const;
export type MountType = typeof mountTypes[number];
export const sharings = ['shared', 'private', 'locked'] as const;

export interface Mount {
  readonly type: MountType;
  readonly from: string | undefined;
  readonly source: string | undefined;
  readonly target: string | undefined;
  readonly readOnly: boolean;
  readonly id: string | undefined;
  /** Of a secret: the variable of the environment that has it. */
  readonly env: string | undefined;
  readonly required: boolean;
  readonly sharing: typeof sharings[number] | undefined;
  readonly sizeBytes: number | undefined;
  readonly mode: number | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
}

type Draft = { -readonly [K in keyof Mount]: Mount[K] | (K extends 'readOnly' ? undefined : never) };

const keyAliases: Readonly<Record<string, string>> = { src: 'source', dst: 'target', destination: 'target', ro: 'readonly', rw: 'readwrite' };

const keys: Readonly<Record<string, (draft: Draft, value: string, key: string) => void>> = {
  type: (draft, value) => { draft.type = oneOf('mount type', value, mountTypes); },
  from: (draft, value) => { draft.from = value || undefined; },
  source: (draft, value) => { draft.source = value || undefined; },
  target: (draft, value) => { draft.target = value || undefined; },
  readonly: (draft, value, key) => { draft.readOnly = truth(key, value); },
  readwrite: (draft, value, key) => { draft.readOnly = !truth(key, value); },
  required: (draft, value, key) => { demand(draft, key, ['secret', 'ssh']); draft.required = truth(key, value); },
  size: (draft, value, key) => { demand(draft, key, ['tmpfs']); draft.sizeBytes = sizeOf(key, value); },
  id: (draft, value) => { draft.id = value || undefined; },
  sharing: (draft, value) => { draft.sharing = oneOf('sharing value', value, sharings); },
  mode: (draft, value) => { draft.mode = numberOf('mode', value, 8); },
  uid: (draft, value) => { draft.uid = numberOf('uid', value, 10); },
  gid: (draft, value) => { draft.gid = numberOf('gid', value, 10); },
  env: (draft, value, key) => { demand(draft, key, ['secret']); draft.env = value || undefined; },
};

/** @throws for unknown keys and values, and for what does not go together, in the words of BuildKit */
export function readMount(text: string, expand: (text: string) => string): Mount {
  const draft: Draft = { type: 'bind', from: undefined, source: undefined, target: undefined, readOnly: undefined, id: undefined, env: undefined, required: false, sharing: undefined, sizeBytes: undefined, mode: undefined, uid: undefined, gid: undefined };
  for (const field of splitFields(text)) {
    const { key, name, value } = parseField(field);
    const set = Object.hasOwn(keys, name) ? keys[name] : undefined;
    if (value === undefined && !['readonly', 'readwrite', 'required'].includes(name)) throw wrong(`invalid field '${field}' must be a key=value pair`);
    if (set === undefined) throw wrong(`unexpected key '${key}' in '${field}'${didYouMean(key, [...Object.keys(keys), ...Object.keys(keyAliases)])}`);
    set(draft, value === undefined ? 'true' : expand(value), key);
  }
  check(draft);
  return { ...draft, readOnly: draft.readOnly ?? !['cache', 'tmpfs'].includes(draft.type) };
}

/** The stage or image that a mount reads from. @throws when that depends on a variable, and for text that is no list of fields */
export function mountSource(text: string): string | undefined {
  const from = splitFields(text).map(parseField).findLast(({ name, value }) => name === 'from' && value !== undefined)?.value;
  if (from !== undefined && /\$./s.test(from)) throw wrong("'from' doesn't support variable expansion, define alias stage instead", 'Write FROM ${…} AS NAME above, and from=NAME here');
  return from || undefined;
}

function parseField(field: string): { readonly key: string; readonly name: string; readonly value: string | undefined } {
  const at = field.indexOf('=');
  const key = (at < 0 ? field : field.slice(0, at)).toLowerCase();
  return { key, name: Object.hasOwn(keyAliases, key) ? keyAliases[key]! : key, value: at < 0 ? undefined : field.slice(at + 1) };
}

/** Comma-separated values: a field in double quotes may have commas, and `""` for one quote. */
function splitFields(text: string): readonly string[] {
  const fields: string[] = [];
  for (let at = 0; at <= text.length;) {
    const isQuoted = text[at] === '"';
    const found = (isQuoted ? /"((?:[^"]|"")*)"(?=,|$)/y : /[^,"]*(?=,|$)/y);
    found.lastIndex = at;
    const match = found.exec(text);
    if (match === null) throw wrong(`failed to parse csv mounts: a quote in ${JSON.stringify(text.slice(0, 200))} does not stand around a whole field`);
    fields.push(isQuoted ? match[1]!.replaceAll('""', '"') : match[0]);
    at += match[0].length + 1;
  }
  return fields;
}

function check(draft: Draft): void {
  const { type } = draft;
  if (!['secret', 'ssh', 'cache'].includes(type)) for (const key of ['mode', 'uid', 'gid'] as const) if (draft[key] !== undefined) throw wrong(`${key} not allowed for ${JSON.stringify(type)} type mounts`);
  if (type === 'secret' && draft.from !== undefined) throw wrong('secret mount should not have a from');
  if (type === 'secret' && draft.sharing !== undefined) throw wrong('secret mount should not define sharing');
  if (type === 'secret' && [draft.source, draft.target, draft.id, draft.env].every((one) => one === undefined)) throw wrong('invalid secret mount. one of source, target required');
  if (type === 'secret' && draft.source !== undefined && draft.id !== undefined) throw wrong("both source and id can't be set");
  if (draft.sharing !== undefined && type !== 'cache') throw wrong(`invalid cache sharing set for ${type} mount`);
}

function demand({ type }: Draft, key: string, types: readonly MountType[]): void {
  if (!types.includes(type)) throw wrong(`unexpected key '${key}' for mount type '${type}'`);
}

function oneOf<const T extends string>(what: string, value: string, words: readonly T[]): T {
  const found = words.find((word) => word === value.toLowerCase());
  if (found === undefined) throw wrong(`unsupported ${what} ${JSON.stringify(value)}${didYouMean(value, words)}`, `It is one of ${words.join(', ')}`);
  return found;
}

function truth(key: string, value: string): boolean {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(value)) return true;
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(value)) return false;
  throw wrong(`invalid value for ${key}: ${value}`);
}

function numberOf(key: string, value: string, base: 8 | 10): number {
  const number = (base === 8 ? /^[0-7]{1,12}$/ : /^\d{1,10}$/).test(value) ? Number.parseInt(value, base) : Number.NaN;
  if (!(number < 2 ** 32)) throw wrong(`invalid value ${value} for ${key}`);
  return number;
}

/** `64m`, `1.5GiB`, `1024`: in powers of 1024. */
function sizeOf(key: string, value: string): number {
  const [, number, unit = ''] = /^(\d{1,15}(?:\.\d{1,15})?) ?([kmgtp]?)(?:i?b)?$/i.exec(value) ?? [];
  if (number === undefined) throw wrong(`invalid value for ${key}: ${value}`);
  return Math.floor(Number(number) * 1024 ** ' kmgtp'.indexOf(unit === '' ? ' ' : unit.toLowerCase()));
}
