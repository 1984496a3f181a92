// The flags of an instruction: `--name=value` in front of its arguments.
import { wrong } from './source.ts';
import { didYouMean } from './suggest.ts';

/** What an instruction's flag takes: one text, true or false, or any number of texts. */
export type FlagKind = 'text' | 'flag' | 'list';

export interface FlagValues<Name extends string> {
  /** The value of a text, undefined when it is not given. */
  text(name: Name): string | undefined;
  /** Undefined when it is not given. */
  flag(name: Name): boolean | undefined;
  list(name: Name): readonly string[];
}

/** @throws for a flag that is not among `known`, comes twice, or has no value */
export function readFlags<Name extends string>(given: readonly string[], known: Readonly<Record<Name, FlagKind>>): FlagValues<Name> {
  const values = new Map<string, string[]>();
  for (const flag of given) {
    const [name, value] = cut(flag.slice(2));
    const kind = Object.hasOwn(known, name) ? known[name as Name] : undefined;
    if (kind === undefined) throw wrong(`unknown flag: --${name}${didYouMean(name, Object.keys(known))}`, Object.keys(known).length === 0 ? 'The instruction has no flags' : `It has ${Object.keys(known).map((one) => `--${one}`).join(', ')}`);
    if (values.has(name) && kind !== 'list') throw wrong(`duplicate flag specified: --${name}`);
    values.set(name, [...values.get(name) ?? [], kind === 'flag' ? truth(name, value) : present(name, value)]);
  }
  return {
    text: (name) => values.get(name)?.[0],
    flag: (name) => values.has(name) ? values.get(name)![0] === 'true' : undefined,
    list: (name) => values.get(name) ?? [],
  };
}

function cut(text: string): readonly [name: string, value: string | undefined] {
  const at = text.indexOf('=');
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function present(name: string, value: string | undefined): string {
  if (value === undefined) throw wrong(`missing a value on flag: --${name}`);
  return value;
}

function truth(name: string, value: string | undefined): string {
  if (value === '') throw wrong(`missing a value on flag: --${name}`);
  const lower = (value ?? 'true').toLowerCase();
  if (lower !== 'true' && lower !== 'false') throw wrong(`expecting boolean value for flag --${name}, not: ${value}`);
  return lower;
}
