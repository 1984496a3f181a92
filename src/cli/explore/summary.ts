// An image's layers in a table, and what is wasted in it or there twice.
import type { Duplicate, Exploration, ExploredLayer } from '../../spec/estiva/exploration.ts';
import { alignColumns } from '../table.ts';
import { humanSize } from '../units.ts';
import { printable } from './tree.ts';

const shownMax = 10;
const instructionMax = 60;

export function summaryLines(exploration: Exploration, { isTruncated }: { readonly isTruncated: boolean }): readonly string[] {
  return [
    `${titleOf(exploration)}: ${humanSize(exploration.sizeBytes)} in ${counted(exploration.layers.length, 'layer')}, ${scoreOf(exploration)}`, '',
    ...alignColumns(['LAYER\tSIZE\tWASTED\tADDED\tCHANGED\tREMOVED\tMADE BY', ...exploration.layers.map((layer) => rowOf(layer, isTruncated))], { widthMin: 0 }),
    ...sectionOf('Wasted: overwritten or removed by a later layer', wastedRows(exploration), isTruncated),
    ...sectionOf('More than once in the finished image', duplicateRows(exploration.duplicates), isTruncated),
  ];
}

/** "efficiency 98.2 %, 4.5MB wasted" */
export function scoreOf({ efficiency, wastedBytes }: Exploration): string {
  // Rounded down: 100 % means nothing is wasted.
  return `efficiency ${(Math.floor(efficiency * 1000) / 10).toFixed(1)} %, ${humanSize(wastedBytes)} wasted`;
}

export function wastedRows({ wasted }: Exploration): readonly string[] {
  return wasted.map(({ path, wastedBytes, layers }) => `${humanSize(wastedBytes)}\tlayers ${layers.join(', ')}\t${printable(path)}`);
}

export function titleOf({ id, tags }: Exploration): string {
  return tags[0] ?? id;
}

export function shortened(instruction: string): string {
  return instruction.length > instructionMax ? `${instruction.slice(0, instructionMax - 1)}…` : instruction;
}

export function instructionOf({ createdBy }: Pick<ExploredLayer, 'createdBy'>): string {
  const text = createdBy.replace(/^\/bin\/sh -c (#\(nop\)\s+)?/, (_, isNoRun: string | undefined) => (isNoRun === undefined ? 'RUN ' : '')).replaceAll(/\s+/g, ' ').trim();
  return text === '' ? '-' : printable(text);
}

function rowOf(layer: ExploredLayer, isTruncated: boolean): string {
  const instruction = instructionOf(layer);
  const shown = isTruncated ? shortened(instruction) : instruction;
  return [layer.number, humanSize(layer.sizeBytes), humanSize(layer.wastedBytes), layer.added, layer.changed, layer.removed, shown].join('\t');
}

function duplicateRows(duplicates: readonly Duplicate[]): readonly string[] {
  return duplicates.map(({ sizeBytes, files }) => `${humanSize(sizeBytes)}\t${files.length} times\t${files.map(({ path }) => printable(path)).join(' ')}`);
}

function sectionOf(title: string, rows: readonly string[], isTruncated: boolean): readonly string[] {
  if (rows.length === 0) return [];
  const shown = isTruncated ? rows.slice(0, shownMax) : rows;
  return ['', `${title}:`, ...alignColumns(shown, { widthMin: 0 }).map((line) => `  ${line}`), ...shown.length < rows.length ? [`  … and ${rows.length - shown.length} more (--no-trunc)`] : []];
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
