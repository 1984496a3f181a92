// The flag parser, with the habits that Docker's people have in their fingers: `-it`, `-eA=b`, `--name=x`, `--tty=false`, flags behind
// operands, and for `run` and `exec` no flags behind the first. Errors carry the words of Docker's client.
import { UsageError } from './errors.ts';
import { flag, FlagError, type Flag, type Flags, type LaterFlags, type Values } from './flags.ts';

export interface ParseOptions<F extends Flags> {
  readonly flags: F;
  readonly later: LaterFlags;
  /** Flags end at the first operand: what follows belongs to the container. */
  readonly stopsAtOperand: boolean;
}

export interface Parsed<F extends Flags> {
  readonly values: Values<F>;
  readonly operands: readonly string[];
  readonly isHelp: boolean;
}

/** @throws UsageError in Docker's words. */
export function parseArguments<F extends Flags>(argv: readonly string[], { flags, later, stopsAtOperand }: ParseOptions<F>): Parsed<F> {
  const line: Line = { flags: { ...flags, help: helpFlag }, later, rest: [...argv], given: new Map() };
  const operands: string[] = [];
  for (let word = line.rest.shift(); word !== undefined; word = line.rest.shift()) {
    if (word === '--') operands.push(...line.rest.splice(0));
    else if (word.startsWith('--')) readLong(word, line);
    else if (word.startsWith('-') && word !== '-') readShorts(word, line);
    else operands.push(word, ...(stopsAtOperand ? line.rest.splice(0) : []));
  }
  const read = (name: string, flag: Flag<unknown>): unknown => flag.read(line.given.get(name) ?? []);
  const values = Object.fromEntries(Object.entries(flags).map(([name, flag]) => [name, read(name, flag)]));
  // Each value was read by its own flag: the record has the table's types by construction.
  return { values: values as Values<F>, operands, isHelp: read('help', helpFlag) === true };
}

interface Line {
  readonly flags: Flags;
  readonly later: LaterFlags;
  /** The words that are not read yet. */
  readonly rest: string[];
  /** Flag → the texts that it was given. */
  readonly given: Map<string, string[]>;
}

/** -h too, where no flag of the command has that letter. */
const helpFlag = flag.on('h', '');

/** `--name`, `--name=text`, `--name text`. */
function readLong(word: string, line: Line): void {
  const [, name = '', text] = /^--([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
  if (name === '' || name.startsWith('-')) throw new UsageError(`bad flag syntax: ${word}`);
  const found = Object.hasOwn(line.flags, name) ? line.flags[name] : undefined;
  if (found === undefined) throw new UsageError(unknownLong(name, line.later));
  const value = text ?? (found.kind === 'switch' ? 'true' : line.rest.shift());
  if (value === undefined) throw new UsageError(`flag needs an argument: --${name}`);
  note(name, found, value, line);
}

/** `-it`, `-n5`, `-n=5`, `-n 5`, `-it=false`: the first letter with a value takes the rest of the word. */
function readShorts(word: string, line: Line): void {
  for (let at = 1; at < word.length; at += 1) {
    const letter = word[at] ?? '';
    const [name, found] = Object.entries(line.flags).find(([, { short }]) => short === letter) ?? [];
    if (name === undefined || found === undefined) throw new UsageError(unknownShort(letter, word, line.later));
    const glued = word.slice(at + 1);
    const isSet = glued.length > 1 && glued.startsWith('=');
    if (found.kind === 'switch' && !isSet) {
      note(name, found, 'true', line);
      continue;
    }
    const value = isSet ? glued.slice(1) : glued || line.rest.shift();
    if (value === undefined) throw new UsageError(`flag needs an argument: '${letter}' in ${word}`);
    note(name, found, value, line);
    return;
  }
}

const booleans: Readonly<Record<string, string>> = {
  ...Object.fromEntries(['1', 't', 'T', 'true', 'TRUE', 'True'].map((text) => [text, 'true'])),
  ...Object.fromEntries(['0', 'f', 'F', 'false', 'FALSE', 'False'].map((text) => [text, 'false'])),
};

function note(name: string, found: Flag<unknown>, text: string, { given }: Line): void {
  const refuse = (reason: string): UsageError => {
    return new UsageError(`invalid argument ${JSON.stringify(text)} for "${found.short === '' ? '' : `-${found.short}, `}--${name}" flag: ${reason}`);
  };
  const value = found.kind === 'switch' ? booleans[text] : text;
  if (value === undefined) throw refuse(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
  try {
    found.check(value);
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
    throw refuse(error.message);
  }
  given.set(name, [...given.get(name) ?? [], value]);
}

function unknownLong(name: string, later: LaterFlags): string {
  const key = Object.keys(later).find((candidate) => candidate.split('|')[0] === name);
  return key === undefined ? `unknown flag: --${name}` : notYet(`--${name}`, later[key] ?? '');
}

function unknownShort(letter: string, word: string, later: LaterFlags): string {
  const key = Object.keys(later).find((name) => name.split('|')[1] === letter);
  return key === undefined ? `unknown shorthand flag: '${letter}' in ${word}` : notYet(`-${letter}`, later[key] ?? '');
}

function notYet(name: string, reason: string): string {
  return `${name} is not there yet in Estiva${reason === '' ? '' : `: ${reason}`}`;
}
