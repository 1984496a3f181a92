// The command line, in the manner that engines call it: global flags, a command, its flags, and words. `--flag value`, `--flag=value`, `-f value`;
// one or two dashes are the same; flags end at the first word, so that the words of an exec's command are its own.
import { fail } from '../base/index.ts';

/** `text` takes a value, `many` collects several, `flag` is there or not. */
export interface FlagSpec {
  readonly name: string;
  readonly short?: string;
  readonly kind: 'text' | 'many' | 'flag';
  readonly what: string;
}

export interface Parsed {
  text(name: string): string | undefined;
  many(name: string): readonly string[];
  flag(name: string): boolean;
  readonly words: readonly string[];
}

/** @throws EstivaError `invalid` for a flag that is not in `specs`, or has no value. */
export function parseFlags(args: readonly string[], specs: readonly FlagSpec[]): Parsed {
  const given = new Map<string, string[]>();
  let at = 0;
  for (; at < args.length; at++) {
    const argument = args[at]!;
    if (argument === '--') {
      at++;
      break;
    }
    if (!/^--?[a-zA-Z]/.test(argument)) break;
    const [, name = '', value] = /^--?([^=]+)(?:=(.*))?$/s.exec(argument) ?? [];
    const spec = specs.find((each) => each.name === name || each.short === name);
    if (spec === undefined) throw fail('invalid', `flag provided but not defined: -${name}`, { hint: 'See --help' });
    if (spec.kind === 'flag') given.set(spec.name, [value ?? 'true']);
    else given.set(spec.name, [...given.get(spec.name) ?? [], value ?? args[++at] ?? needsValue(name)]);
  }
  return {
    text: (name) => given.get(name)?.at(-1),
    many: (name) => given.get(name) ?? [],
    flag: (name) => ['true', '1', 't', 'T', 'TRUE', 'True'].includes(given.get(name)?.at(-1) ?? ''),
    words: args.slice(at),
  };
}

function needsValue(name: string): never {
  throw fail('invalid', `flag needs an argument: -${name}`);
}

/** Lines of help: `   --bundle value, -b value   what it is`. */
export function describeFlags(specs: readonly FlagSpec[]): string {
  const rows = specs.map(({ name, short, kind, what }) => {
    const value = kind === 'flag' ? '' : ' value';
    return [`--${name}${value}${short === undefined ? '' : `, -${short}${value}`}`, what] as const;
  });
  const width = Math.max(0, ...rows.map(([left]) => left.length));
  return rows.map(([left, what]) => `   ${left.padEnd(width)}  ${what}\n`).join('');
}
