// Help in Docker's layout: usage, summary, aliases, and the flags sorted by name in two columns, wrapped to the terminal.
import type { Flag, Flags } from './flags.ts';
import type { Session } from './session.ts';

interface Helped {
  readonly usage: string;
  readonly summary: string;
  readonly aliases?: readonly string[];
  readonly examples?: Examples;
  readonly flags: Flags;
}

export type Examples = readonly (readonly [line: string, what: string])[];

const widthDefault = 80;

export function commandHelp(name: string, session: Session, { usage, summary, aliases = [], examples = [], flags }: Helped): string {
  const parts = [`Usage:  ${name}${usage === '' ? '' : ` ${usage}`}`, summary];
  if (aliases.length > 1) parts.push(`Aliases:\n  ${aliases.map((alias) => `${session.program} ${alias}`).join(', ')}`);
  if (Object.keys(flags).length > 0) parts.push(`Options:\n${flagHelp(flags, session.stdout.columns ?? widthDefault)}`);
  if (examples.length > 0) parts.push(`Examples:\n${exampleLines(session.program, examples)}`);
  return parts.join('\n\n');
}

function exampleLines(program: string, examples: Examples): string {
  return examples.map(([line, what]) => `  # ${what}\n  ${program} ${line}`).join('\n');
}

/** The two columns of the flags; Docker does not list --help unless it is the only company a flag has, and neither do we. */
export function flagHelp(flags: Flags, width: number): string {
  const rows = Object.entries(flags).filter(([, flag]) => flag.help !== '').sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, flag]) => [flagWords(name, flag), flag] as const);
  const left = Math.max(...rows.map(([words]) => words.length)) + 3;
  return rows.map(([words, flag]) => {
    const lines = wrap(flag.onByDefault ? `${flag.help} (default true)` : flag.help, Math.max(24, width - left - 1));
    return words.padEnd(left) + lines.join(`\n${' '.repeat(left)}`);
  }).join('\n');
}

function flagWords(name: string, flag: Flag<unknown>): string {
  const short = flag.short === '' ? '      ' : `  -${flag.short}, `;
  return `${short}--${name}${flag.value === '' ? '' : ` ${flag.value}`}`;
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line !== '' && line.length + 1 + word.length > width) {
        lines.push(line);
        line = word;
      } else line = line === '' ? word : `${line} ${word}`;
    }
    lines.push(line);
  }
  return lines;
}
