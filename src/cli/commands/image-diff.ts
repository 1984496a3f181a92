import { imageDifferences } from '../../client/index.ts';
import { defineCommand } from '../command.ts';
import { printable } from '../explore/tree.ts';
import { say } from '../session.ts';
import { humanSize } from '../units.ts';
import type { ImageDifference } from '../../spec/estiva/exploration.ts';
import { jsonOnly } from '../explore/json-only.ts';

const letters = { added: 'A', changed: 'C', removed: 'D' } as const;

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE IMAGE',
  summary: 'Show the files in which the second image differs from the first',
  examples: [['image diff app:1 app:2', 'what the new version brings: A added, C changed, D removed']],
  flags: { format: jsonOnly },
  operands: { min: 2, max: 2 },
  async run({ values, operands: [before = '', after = ''], session }) {
    const differences = await imageDifferences(session.docker, before, after);
    if (values.format === undefined) for (const difference of differences) say(session, lineOf(difference));
    else say(session, JSON.stringify(differences));
    return 0;
  },
});

function lineOf({ path, change, kind, bytesBefore, bytesAfter }: ImageDifference): string {
  const name = `${letters[change]} ${printable(path)}${kind === 'directory' ? '/' : ''}`;
  if (kind !== 'file') return name;
  if (change !== 'changed') return `${name}  ${humanSize(change === 'added' ? bytesAfter : bytesBefore)}`;
  return `${name}  ${bytesBefore === bytesAfter ? humanSize(bytesAfter) : `${humanSize(bytesBefore)} -> ${humanSize(bytesAfter)}`}`;
}
