// A command's flags as a typed table: `{ detach: flag.on('d', 'Run …'), name: flag.text('', 'string', '…') }`. The table yields the parser
// (parse.ts), the help (help.ts) and the type of the values that the command's `run` receives.

/** A switch takes no value (`--tty`, `--tty=false`); a value flag keeps the last, a list keeps all. */
export interface Flag<T> {
  readonly kind: 'switch' | 'value' | 'list';
  /** One letter, or '' for none. */
  readonly short: string;
  /** The value's name in help: `string`, `list`, `bytes`. */
  readonly value: string;
  readonly help: string;
  /** Whether a switch is on when it is not given. */
  readonly onByDefault: boolean;
  /** Reads one given text. @throws FlagError */
  readonly check: (text: string) => void;
  /** Reads all given texts (for a switch: 'true' or 'false'). */
  readonly read: (texts: readonly string[]) => T;
}

export type Flags = Readonly<Record<string, Flag<unknown>>>;

/** What the flags of a table come to. */
export type Values<F extends Flags> = { readonly [Name in keyof F]: F[Name] extends Flag<infer T> ? T : never };

/** A value that a flag cannot take; the message is the reason alone: `invalid size: 'x'`. */
export class FlagError extends Error {
  override readonly name = 'FlagError';
}

const accept = (): void => undefined;

function value<T>(short: string, name: string, help: string, parse: (text: string) => T): Flag<T | undefined> {
  const read = (texts: readonly string[]): T | undefined => { const last = texts.at(-1); return last === undefined ? undefined : parse(last); };
  return { kind: 'value', short, value: name, help, onByDefault: false, check: (text) => { parse(text); }, read };
}

function list<T>(short: string, name: string, help: string, parse: (text: string) => T): Flag<readonly T[]> {
  return { kind: 'list', short, value: name, help, onByDefault: false, check: (text) => { parse(text); }, read: (texts) => texts.map((text) => parse(text)) };
}

function onOff(short: string, help: string, onByDefault: boolean): Flag<boolean> {
  const read = (texts: readonly string[]): boolean => { const last = texts.at(-1); return last === undefined ? onByDefault : last === 'true'; };
  return { kind: 'switch', short, value: '', help, onByDefault, check: accept, read };
}

function optionalSwitch(short: string, help: string): Flag<boolean | undefined> {
  const read = (texts: readonly string[]): boolean | undefined => { const last = texts.at(-1); return last === undefined ? undefined : last === 'true'; };
  return { kind: 'switch', short, value: '', help, onByDefault: false, check: accept, read };
}

export const flag = {
  /** A switch that is off unless given. */
  on: (short: string, help: string) => onOff(short, help, false),
  /** A switch that is on unless `--x=false`. */
  off: (short: string, help: string) => onOff(short, help, true),
  /** A switch that makes a difference between "not given" and `--x=false`. */
  choice: (short: string, help: string) => optionalSwitch(short, help),
  text: (short: string, name: string, help: string) => value(short, name, help, (text) => text),
  texts: (short: string, name: string, help: string) => list(short, name, help, (text) => text),
  integer: (short: string, name: string, help: string) => value(short, name, help, parseInteger),
  value,
  list,
} as const;

/** A whole number as Go's strconv reads it. */
export function parseInteger(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw new FlagError(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  const number = Number(text);
  if (!Number.isSafeInteger(number)) throw new FlagError(`strconv.ParseInt: parsing ${JSON.stringify(text)}: value out of range`);
  return number;
}

/** Flags that Docker has and Estiva does not have yet: name (with its letter, `publish|p`) → why, or what to do. */
export type LaterFlags = Readonly<Record<string, string>>;
