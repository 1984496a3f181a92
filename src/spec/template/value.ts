// What a template works on. A Go struct is a plain record (an unknown field is an error), a Go map is a Map (an unknown key is
// `<no value>`), a slice is an array; a nil slice or map is a TypedNil, so that it prints as Go prints it and is `null` in JSON.
// A record's function is a method: `{{.Label "key"}}`.

export class TypedNil {
  readonly kind: 'list' | 'map';

  constructor(kind: 'list' | 'map') {
    this.kind = kind;
  }
}

/** What a missing map key gives. */
export const noValue = Symbol('<no value>');

/** Marks a row of a table: its JSON escapes < > & as Docker's formatters do. */
export const rowMark = Symbol('row');

export type Method = (...values: readonly unknown[]) => unknown;

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Map) && !(value instanceof TypedNil);
}

/** Go's truth: not the zero value, not empty. */
export function isTrue(value: unknown): boolean {
  if (value === noValue || value instanceof TypedNil) return false;
  if (Array.isArray(value)) return value.length > 0;
  if (value instanceof Map) return value.size > 0;
  return Boolean(value);
}

/** As `fmt.Sprint` writes it (the verb %v). */
export function show(value: unknown): string {
  if (value === noValue) return '<no value>';
  if (value === null || value === undefined) return '<nil>';
  if (value instanceof TypedNil) return value.kind === 'list' ? '[]' : 'map[]';
  if (Array.isArray(value)) return `[${value.map(show).join(' ')}]`;
  if (value instanceof Map) return `map[${sortedEntries(value).map(([key, entry]) => `${show(key)}:${show(entry)}`).join(' ')}]`;
  if (isRecord(value)) return `{${Object.values(value).filter((entry) => typeof entry !== 'function').map(show).join(' ')}}`;
  return typeof value === 'object' ? JSON.stringify(value) : `${value as string | number | boolean}`;
}

/** A map's entries in the order in which Go's templates range over it. */
export function sortedEntries(map: ReadonlyMap<unknown, unknown>): [unknown, unknown][] {
  return [...map].sort(([a], [b]) => (typeof a === 'number' && typeof b === 'number' ? a - b : String(a) < String(b) ? -1 : 1));
}

/** Without line breaks, the way docker's `json` function writes. */
export function toJson(value: unknown): string {
  const plain = (_: string, entry: unknown): unknown => {
    if (entry instanceof TypedNil || entry === noValue) return null;
    if (typeof entry === 'bigint') return rawJson(entry);
    if (entry instanceof Map) return Object.fromEntries(sortedEntries(entry).map(([key, item]) => [String(key), item]));
    return entry;
  };
  const text = JSON.stringify(value, plain) ?? 'null';
  if (!isRecord(value) || !(rowMark in value)) return text;
  return text.replace(/[<>&]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`);
}

/** A whole number to the last digit. TypeScript does not know JSON.rawJSON yet. */
function rawJson(value: bigint): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(String(value));
}

/** The daemon's fields that are maps in Go, so that a missing key is no error. */
const mapFields = new Set(['Labels', 'Annotations', 'Ports', 'PortBindings', 'ExposedPorts', 'Volumes', 'Networks', 'Sysctls', 'Tmpfs', 'Data', 'Options',
  'StorageOpt', 'DriverOpts', 'Attributes', 'Details', 'Runtimes', 'IndexConfigs']);
/** The daemon's fields that are pointers in Go: their null is `<nil>`. All other nulls are lists. */
const pointerFields = new Set(['Health', 'Healthcheck', 'MemorySwappiness', 'OomKillDisable', 'PidsLimit', 'Init', 'IPAMConfig', 'StopTimeout', 'Authorization', 'RootFS', 'Config']);

/** The daemon's JSON as the Go values that Docker's client would have made of it. `name` is the field it stands in. */
export function fromJson(json: unknown, name = ''): unknown {
  if (json === null) return mapFields.has(name) ? new TypedNil('map') : pointerFields.has(name) ? null : new TypedNil('list');
  if (Array.isArray(json)) return json.map((entry) => fromJson(entry));
  if (typeof json !== 'object') return json;
  const entries = Object.entries(json).map(([key, entry]) => [key, fromJson(entry, key)] as const);
  return mapFields.has(name) ? new Map(entries) : Object.fromEntries(entries);
}
