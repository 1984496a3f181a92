import { writeFileSync } from 'node:fs';
import { exploreImage } from '../../client/index.ts';
import { defineCommand } from '../command.ts';
import { Exit } from '../errors.ts';
import { pageOf } from '../explore/page.ts';
import { instructionOf, summaryLines } from '../explore/summary.ts';
import { treeLines } from '../explore/tree.ts';
import { flag } from '../flags.ts';
import { printValue } from '../format.ts';
import { say, type Session } from '../session.ts';
import { humanSize } from '../units.ts';
import type { Exploration, ExploredLayer } from '../../spec/estiva/exploration.ts';

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE',
  summary: 'Show what each layer of an image added, changed and removed',
  examples: [
    ['image layers debian', 'the layers, what is wasted, what is there twice'],
    ['image layers --layer 3 debian', 'the files of the third layer, as a tree'],
    ['image layers --html debian.html debian', 'one page to look around in, for a browser'],
  ],
  flags: {
    files: flag.on('', 'The files of every layer, as trees'),
    format: flag.text('', 'string', "'json', or a template"),
    html: flag.text('', 'file', 'Write a page for a browser'),
    layer: flag.integer('', 'number', 'The files of this layer, as a tree'),
    'no-trunc': flag.on('', 'Do not shorten'),
  },
  operands: { min: 1, max: 1 },
  async run({ values, operands: [image = ''], session }) {
    const wantsFiles = values.files || values.layer !== undefined || values.format !== undefined || values.html !== undefined;
    const exploration = await exploreImage(session.docker, image, { files: wantsFiles, duplicates: values.layer === undefined && !values.files });
    if (values.html !== undefined) writePage(values.html, exploration);
    else if (values.format !== undefined) printValue(session, values.format, exploration, 'Exploration');
    else if (wantsFiles) for (const layer of chosen(exploration, values.layer)) showFiles(session, layer);
    else for (const line of summaryLines(exploration, { isTruncated: !values['no-trunc'] })) say(session, line);
    return 0;
  },
});

function chosen({ layers }: Exploration, number: number | undefined): readonly ExploredLayer[] {
  if (number === undefined) return layers;
  const layer = layers[number - 1];
  if (layer === undefined) throw new Exit(1, `There is no layer ${number}: the image has layers 1 to ${layers.length}`);
  return [layer];
}

function showFiles(session: Session, layer: ExploredLayer): void {
  const colour = session.stdout.isTTY === true && (session.environment['NO_COLOR'] ?? '') === '';
  say(session, `Layer ${layer.number}, ${humanSize(layer.sizeBytes)}: ${instructionOf(layer)}`);
  for (const line of treeLines(layer.files ?? [], { colour })) say(session, line);
}

function writePage(path: string, exploration: Exploration): void {
  try {
    writeFileSync(path, pageOf(exploration));
  } catch (error) {
    throw new Exit(1, `Cannot write the page to ${JSON.stringify(path)}: ${(error as Error).message}`);
  }
}
