import { imageTree, listImages } from '../../client/index.ts';
import { formatPlatform } from '../../spec/oci/platform.ts';
import type { ImageTree, PlatformTree } from '../../spec/estiva/exploration.ts';
import { defineCommand } from '../command.ts';
import { jsonOnly } from '../explore/json-only.ts';
import { instructionOf, shortened } from '../explore/summary.ts';
import { flag } from '../flags.ts';
import { say } from '../session.ts';
import { alignColumns } from '../table.ts';
import { humanSize } from '../units.ts';

export const command = defineCommand({
  usage: '[OPTIONS] [IMAGE...]',
  summary: 'Show what image names lead to: platforms, and the layers of each',
  examples: [
    ['image tree debian', 'which platforms are here, what made each layer, and who else has it'],
    ['image tree --format json', 'all images, for a program'],
  ],
  flags: {
    format: jsonOnly,
    'no-trunc': flag.on('', 'Do not shorten'),
  },
  operands: { min: 0 },
  async run({ values, operands, session }) {
    const names = operands.length > 0 ? operands : (await listImages(session.docker, { all: false, digests: false, manifests: false, filters: {} })).map(({ Id }) => Id);
    const trees: ImageTree[] = [];
    for (const name of names) trees.push(await imageTree(session.docker, name));
    if (values.format !== undefined) say(session, JSON.stringify(trees));
    else for (const tree of trees) for (const line of linesOf(tree, values['no-trunc'])) say(session, line);
    return 0;
  },
});

function linesOf(tree: ImageTree, isWhole: boolean): readonly string[] {
  const digest = (text: string): string => (isWhole ? text : text.replace(/^sha256:/, '').slice(0, 12));
  const names = tree.tags.length === 0 ? '<untagged>' : tree.tags.join(', ');
  return [`${names}  ${digest(tree.target?.digest ?? tree.id)}`, ...branches(tree.platforms, (one) => platformLines(one, digest, isWhole))];
}

function platformLines({ platform, manifest, id, sizeBytes, layers }: PlatformTree, digest: (text: string) => string, isWhole: boolean): readonly string[] {
  const head = `${formatPlatform(platform)}  ${digest(manifest?.digest ?? id ?? '')}  `;
  if (id === undefined) return [`${head}not here`];
  const rows = layers.map((layer, i) => {
    const instruction = instructionOf(layer);
    const others = layer.otherImages === 0 ? '' : `also in ${layer.otherImages} other image${layer.otherImages === 1 ? '' : 's'}`;
    return [i + 1, digest(layer.diffId), humanSize(layer.sizeBytes), isWhole ? instruction : shortened(instruction), others].join('\t');
  });
  return [`${head}${humanSize(sizeBytes)}`, ...branches(alignColumns(rows, { widthMin: 0 }), (row) => [row.trimEnd()])];
}

/** Each of `items` as lines under one trunk. */
function branches<T>(items: readonly T[], linesOf: (item: T) => readonly string[]): readonly string[] {
  return items.flatMap((item, i) => {
    const isLast = i === items.length - 1;
    const [first, ...more] = linesOf(item);
    return [`${isLast ? '└─' : '├─'} ${first}`, ...more.map((line) => `${isLast ? '  ' : '│ '} ${line}`)];
  });
}
