// A command: its words for help, its table of flags, and what it does. `defineCommand` ties the table's type to `run`.
import type { Word } from './completion/words.ts';
import { Complaint, UsageError } from './errors.ts';
import type { Flags, LaterFlags, Values } from './flags.ts';
import { commandHelp, type Examples } from './help.ts';
import { parseArguments } from './parse.ts';
import { say, warn, type Session } from './session.ts';

export interface CommandTable<F extends Flags> {
  /** What follows the command's name: `[OPTIONS] IMAGE [COMMAND] [ARG...]`. */
  readonly usage: string;
  readonly summary: string;
  /** All names, for help: `container rm`, `container remove`, `rm`. */
  readonly aliases?: readonly string[];
  /** Command lines without the program's name, and what they are for. */
  readonly examples?: Examples;
  readonly flags: F;
  readonly later?: LaterFlags;
  readonly stopsAtOperand?: boolean;
  readonly operands: { readonly min: number; readonly max?: number };
  /** Resolves with the exit code. */
  readonly run: (call: { readonly values: Values<F>; readonly operands: readonly string[]; readonly session: Session }) => Promise<number>;
}

/** A command as the catalog calls it; `path` is how the user named it: `container ls`. */
export interface Command {
  /** With their dashes, and what follows the command's name: for completion. */
  readonly flags: readonly Word[];
  readonly usage: string;
  readonly execute: (path: string, argv: readonly string[], session: Session) => Promise<number>;
}

export function defineCommand<F extends Flags>(table: CommandTable<F>): Command {
  return {
    flags: Object.entries(table.flags).filter(([, { help }]) => help !== '').map(([name, { help }]) => ({ word: `--${name}`, what: help })),
    usage: table.usage,
    async execute(path, argv, session) {
      const name = `${session.program} ${path}`;
      try {
        return await runTable(name, argv, session, table);
      } catch (error) {
        const more = `'${name} --help' for more information`;
        if (error instanceof UsageError) warn(session, `${error.message}\n\nUsage:  ${name}${table.usage === '' ? '' : ` ${table.usage}`}\n\n${error.pointer} ${more}`);
        else if (error instanceof Complaint) warn(session, `${session.program}: ${error.message}\n\nRun ${more}`);
        else throw error;
        return error.code;
      }
    },
  };
}

async function runTable<F extends Flags>(name: string, argv: readonly string[], session: Session, table: CommandTable<F>): Promise<number> {
  const { values, operands, isHelp } = parseArguments(argv, { flags: table.flags, later: table.later ?? {}, stopsAtOperand: table.stopsAtOperand ?? false });
  if (isHelp) {
    say(session, commandHelp(name, session, table));
    return 0;
  }
  const complaint = operandComplaint(operands.length, table.operands);
  if (complaint !== undefined) throw new UsageError(`${session.program}: '${name}' ${complaint}`, { code: 1, pointer: complaint.includes('at least') ? 'See' : 'Run' });
  return table.run({ values, operands, session });
}

function operandComplaint(count: number, { min, max }: { readonly min: number; readonly max?: number }): string | undefined {
  const words = (number: number): string => `${number} argument${number === 1 ? '' : 's'}`;
  if (max === 0 && count > 0) return 'accepts no arguments';
  if (min === max && count !== min) return `requires ${words(min)}`;
  if (count < min) return `requires at least ${words(min)}`;
  if (max !== undefined && count > max) return `requires at most ${words(max)}`;
  return undefined;
}
