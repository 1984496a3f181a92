// A Dockerfile: arguments for all of it, then stages. `parseDockerfile` either gives the whole or throws; `readDockerfile` gives what was read
// before the first mistake together with that, for whoever reports on a file.
import type { Directives } from './directives.ts';
import type { Arg, Command, From } from './instruction.ts';
import { isCommand, readInstruction } from './read.ts';
import { DockerfileError, type LineRange, locate, wrong } from './source.ts';
import { readStatements, type Statements } from './statements.ts';

export interface Stage {
  readonly from: From;
  readonly commands: readonly Command[];
}

export interface Dockerfile {
  readonly directives: Directives;
  /** ARG before the first FROM. */
  readonly globals: readonly Arg[];
  readonly stages: readonly Stage[];
  /** Where an empty line stands inside an instruction. */
  readonly emptyContinuations: readonly LineRange[];
}

export interface ReadDockerfile {
  readonly dockerfile: Dockerfile;
  /** The first mistake; what stands before it has been read. */
  readonly failure: DockerfileError | undefined;
}

/** @throws a DockerfileError with the lines of the first mistake */
export function parseDockerfile(text: string): Dockerfile {
  const { dockerfile, failure } = readDockerfile(text);
  if (failure !== undefined) throw failure;
  return dockerfile;
}

export function readDockerfile(text: string): ReadDockerfile {
  const parts: Parts = { globals: [], stages: [] };
  let read: Statements = { directives: { escape: '\\', syntax: undefined, check: undefined }, statements: [], emptyContinuations: [] };
  const failure = failureOf(() => {
    read = readStatements(text);
    arrange(read, parts);
  });
  const { directives, emptyContinuations } = read;
  return { dockerfile: { directives, emptyContinuations, ...parts }, failure };
}

/** The one instruction of an ONBUILD trigger, at the lines of the FROM that set it off. */
export function parseTrigger(text: string, lines: LineRange): Command {
  const { directives, statements } = readStatements(text);
  const [statement, ...more] = statements;
  if (statement === undefined || more.length > 0) throw new DockerfileError('onbuild trigger should be a single expression', [lines]);
  const instruction = readInstruction({ ...statement, lines }, directives.escape);
  if (!isCommand(instruction)) throw new DockerfileError("FROM isn't allowed as an ONBUILD trigger", [lines]);
  return instruction;
}

/** Instructions without a FROM, as `--change` has them. `keywords`: those that it may have, in capital letters. */
export function parseChanges(text: string, keywords: readonly string[]): readonly Command[] {
  const { directives, statements } = readStatements(text);
  return statements.map((statement) => {
    if (!keywords.includes(statement.keyword.toUpperCase())) throw wrong(`${statement.keyword} is not a valid change command`, `Use one of ${keywords.join(', ')}`);
    const instruction = readInstruction(statement, directives.escape);
    if (!isCommand(instruction)) throw wrong('FROM is not a valid change command');
    return instruction;
  });
}

interface Parts {
  readonly globals: Arg[];
  readonly stages: { readonly from: From; readonly commands: Command[] }[];
}

function arrange({ directives, statements }: Statements, { globals, stages }: Parts): void {
  for (const statement of statements) {
    const instruction = located(statement.lines, `dockerfile parse error on line ${statement.lines.start}: `, () => readInstruction(statement, directives.escape));
    if (instruction.kind === 'FROM') stages.push({ from: instruction, commands: [] });
    else if (stages.length > 0) stages.at(-1)!.commands.push(instruction);
    else if (instruction.kind === 'ARG') globals.push(instruction);
    else throw new DockerfileError('no build stage in current context', [statement.lines], 'Begin with FROM IMAGE; only ARG may stand before it');
  }
  if (stages.length === 0) throw wrong('dockerfile contains no stages to build', 'Add FROM IMAGE');
}

function located<T>(lines: LineRange, prefix: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw locate(error, lines, prefix);
  }
}

function failureOf(read: () => void): DockerfileError | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (error instanceof DockerfileError) return error;
    throw error;
  }
}
