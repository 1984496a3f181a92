// Help above the single command: all of them, those of a group, and what somebody may have meant who mistyped one.
import { commands, groups, type Catalog, type Entry } from './catalog.ts';
import type { Flags } from './flags.ts';
import { flagHelp } from './help.ts';
import { program } from './product.ts';

export function programHelp(globalFlags: Flags): string {
  const groupEntries = Object.entries(groups).map(([name, { summary }]) => [name, summary] as const);
  return [`Usage:  ${program} [OPTIONS] COMMAND`, 'A complete container engine with Docker\'s commands', `Management Commands:\n${entryLines(groupEntries)}`,
    `Commands:\n${entryLines(entriesOf(commands))}`, `Global Options:\n${flagHelp(globalFlags, 80)}`,
    `Run '${program} COMMAND --help' for more information on a command.`].join('\n\n');
}

export function groupHelp(name: string, summary: string, catalog: Catalog): string {
  return [`Usage:  ${program} ${name} COMMAND`, summary, `Commands:\n${entryLines(entriesOf(catalog))}`,
    `Run '${program} ${name} COMMAND --help' for more information on a command.`].join('\n\n');
}

function entriesOf(catalog: Catalog): (readonly [name: string, summary: string])[] {
  const listed = Object.entries<Entry>(catalog).filter(([, { isAlias }]) => isAlias !== true);
  return listed.map(([name, { summary }]) => [name, summary] as const).sort(([a], [b]) => (a < b ? -1 : 1));
}

function entryLines(entries: readonly (readonly [name: string, summary: string])[]): string {
  return entries.map(([name, summary]) => `  ${name.padEnd(12)}${summary}`).join('\n');
}

/** The command that is nearest to `name`: at most two letters away, and no more than half of its own. */
export function nearestCommand(name: string, catalog: Catalog): string | undefined {
  const near = Object.keys(catalog).map((known) => [known, distance(name, known)] as const).filter(([known, letters]) => letters <= 2 && letters * 2 <= known.length);
  return near.toSorted(([, a], [, b]) => a - b)[0]?.[0];
}

/** Letters to add, leave out, change or swap with their neighbour (optimal string alignment). */
function distance(a: string, b: string): number {
  const rows: number[][] = Array.from({ length: a.length + 1 }, (_, i) => [i]);
  const at = (i: number, j: number): number => rows[i]?.[j] ?? j;
  for (let i = 1; i <= a.length; i += 1) {
    for (let j = 1; j <= b.length; j += 1) {
      const change = at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      rows[i]![j] = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, change, ...isSwap ? [at(i - 2, j - 2) + 1] : []);
    }
  }
  return at(a.length, b.length);
}
