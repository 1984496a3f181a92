// The flag parser: commander, taught Docker's habits by a flag table. Commander knows `-it`, `-eA=b`, `--name=x` and stopping at the first
// operand; what it does not know, `--tty=false` and `-d=false`, is met where it fails: the switch is noted, taken out, and the line is
// parsed again. Errors carry the words of Docker's client.
import { Command, CommanderError, Option } from 'commander';
import { UsageError } from './errors.ts';
import { FlagError, type Flags, type LaterFlags, type Values } from './flags.ts';

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
export function parseArguments<F extends Flags>(argv: readonly string[], options: ParseOptions<F>): Parsed<F> {
  const given = new Map<string, string[]>();
  if (hasNoFlags(argv, options.stopsAtOperand)) return finish(options.flags, argv, given, given);
  let words = [...argv];
  for (;;) {
    const attempt = new Map<string, string[]>();
    try {
      return finish(options.flags, parseOnce(words, options, attempt), attempt, given);
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error;
      const rest = error.code === 'commander.unknownOption' ? withoutSetSwitch(words, options.flags, given) : undefined;
      if (rest === undefined) throw new UsageError(wordsOf(error, words, options), { cause: error });
      words = rest;
    }
  }
}

/** Nothing to parse: no flag stands where one counts. */
function hasNoFlags(argv: readonly string[], stopsAtOperand: boolean): boolean {
  return stopsAtOperand ? argv[0]?.startsWith('-') !== true : !argv.some((word) => word.startsWith('-'));
}

function parseOnce<F extends Flags>(words: readonly string[], { flags, stopsAtOperand }: ParseOptions<F>, given: Map<string, string[]>): readonly string[] {
  const note = (name: string, text: string): void => { given.set(name, [...given.get(name) ?? [], text]); };
  const silent = { writeErr: () => undefined, writeOut: () => undefined };
  const command = new Command().argument('[operands...]').helpOption(false).exitOverride().configureOutput(silent)
    .showSuggestionAfterError(false).passThroughOptions(stopsAtOperand);
  command.option('--help').on('option:help', () => note('help', 'true'));
  const isMentioned = mentionedIn(words);
  for (const [name, flag] of Object.entries(flags)) {
    if (!isMentioned(name, flag.short)) continue;
    const letters = flag.short === '' ? '' : `-${flag.short}, `;
    command.addOption(new Option(`${letters}--${name}${flag.kind === 'switch' ? '' : ' <value>'}`));
    command.on(`option:${name}`, (text: string | undefined) => {
      const value = text === undefined ? 'true' : withoutEquals(text, flag.short, words);
      checkValue(name, flag, value);
      note(name, value);
    });
  }
  return command.parse(words, { from: 'user' }).args;
}

/** Whether a flag can be meant by any of the words. Only those are built: the whole table of `run` would cost 4 ms at each start. */
function mentionedIn(words: readonly string[]): (name: string, short: string) => boolean {
  const long = new Set<string>();
  let letters = '';
  for (const word of words) {
    if (word.startsWith('--')) long.add(word.slice(2).split('=', 1)[0] ?? '');
    else if (word.startsWith('-')) letters += word;
  }
  return (name, short) => long.has(name) || (short !== '' && letters.includes(short));
}

/** `-n=1` means 1, where commander says `=1`. */
function withoutEquals(text: string, short: string, words: readonly string[]): string {
  const isGlued = text.startsWith('=') && short !== '' && words.some((word) => /^-[^-]/.test(word) && word.endsWith(short + text));
  return isGlued ? text.slice(1) : text;
}

function checkValue(name: string, flag: Flags[string], text: string): void {
  try {
    flag.check(text);
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
    throw invalidArgument(name, flag.short, text, error.message);
  }
}

function invalidArgument(name: string, short: string, text: string, reason: string): UsageError {
  return new UsageError(`invalid argument ${JSON.stringify(text)} for "${short === '' ? '' : `-${short}, `}--${name}" flag: ${reason}`);
}

function finish<F extends Flags>(flags: F, operands: readonly string[], attempt: ReadonlyMap<string, readonly string[]>, set: ReadonlyMap<string, readonly string[]>): Parsed<F> {
  const texts = (name: string): readonly string[] => [...attempt.get(name) ?? [], ...set.get(name) ?? []];
  const values = Object.fromEntries(Object.entries(flags).map(([name, flag]) => [name, flag.read(texts(name))]));
  // Each value was read by its own flag: the record has the table's types by construction.
  return { values: values as Values<F>, operands, isHelp: texts('help').at(-1) === 'true' };
}

const booleans = new Map<string, boolean>([
  ...['1', 't', 'T', 'true', 'TRUE', 'True'].map((text) => [text, true] as const),
  ...['0', 'f', 'F', 'false', 'FALSE', 'False'].map((text) => [text, false] as const),
]);

/** The words without the first `--switch=bool` or `-abc=bool`, which is noted in `set`; undefined when there is none. */
function withoutSetSwitch(words: readonly string[], flags: Flags, set: Map<string, string[]>): string[] | undefined {
  for (const [index, word] of words.entries()) {
    if (word === '--') return undefined;
    const match = /^(?:--([^=]+)|-([^-=]+))=(.*)$/.exec(word);
    if (match === null) continue;
    const [, long, letters = '', text = ''] = match;
    const name = long ?? nameOfShort(flags, letters.at(-1) ?? '');
    if (name === undefined || flags[name]?.kind !== 'switch') continue;
    const isOn = booleans.get(text);
    if (isOn === undefined) {
      throw invalidArgument(name, flags[name].short, text, `strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
    }
    set.set(name, [...set.get(name) ?? [], String(isOn)]);
    const before = long === undefined && letters.length > 1 ? [`-${letters.slice(0, -1)}`] : [];
    return [...words.slice(0, index), ...before, ...words.slice(index + 1)];
  }
  return undefined;
}

function nameOfShort(flags: Flags, letter: string): string | undefined {
  return Object.keys(flags).find((name) => letter !== '' && flags[name]?.short === letter);
}

/** Commander's failure in the words of Docker's client. The code decides; the quoted flag is read from the message for showing only. */
function wordsOf<F extends Flags>(error: CommanderError, words: readonly string[], { later }: ParseOptions<F>): string {
  const quoted = /'([^']*)'/.exec(error.message)?.[1] ?? '';
  if (error.code === 'commander.optionMissingArgument') {
    const long = /--[^ ,]+/.exec(quoted)?.[0] ?? quoted;
    const short = /^-([^-])/.exec(quoted)?.[1];
    const last = words.at(-1) ?? '';
    return short !== undefined && last.startsWith('-') && !last.startsWith('--') ? `flag needs an argument: '${short}' in ${last}` : `flag needs an argument: ${long}`;
  }
  if (error.code !== 'commander.unknownOption') return error.message.replace(/^error: /, '');
  return quoted.startsWith('--') ? unknownLong(quoted.replace(/=.*$/s, ''), later) : unknownShort(quoted, words, later);
}

function unknownLong(flag: string, later: LaterFlags): string {
  const key = Object.keys(later).find((name) => name.split('|')[0] === flag.slice(2));
  return key === undefined ? `unknown flag: ${flag}` : notYet(flag, later[key] ?? '');
}

function unknownShort(flag: string, words: readonly string[], later: LaterFlags): string {
  const letter = flag[1] ?? '';
  const key = Object.keys(later).find((name) => name.split('|')[1] === letter);
  if (key !== undefined) return notYet(`-${letter}`, later[key] ?? '');
  const word = words.find((candidate) => /^-[^-]/.test(candidate) && candidate.endsWith(flag.slice(1))) ?? flag;
  return `unknown shorthand flag: '${letter}' in ${word}`;
}

function notYet(flag: string, reason: string): string {
  return `${flag} is not there yet in Estiva${reason === '' ? '' : `: ${reason}`}`;
}
