import { listImages } from '../../client/index.ts';
import { defineCommand } from '../command.ts';
import { filtersOf, parseFilter } from '../filters.ts';
import { flag } from '../flags.ts';
import { printRows } from '../format.ts';
import { imageListing, imageRows } from '../image-rows.ts';
import { printTree } from '../image-tree.ts';

export const command = defineCommand({
  usage: '[OPTIONS] [REPOSITORY[:TAG]]',
  summary: 'List images',
  examples: [
    ['images --filter dangling=true', 'those without a name'],
    ['images --tree', 'which platforms of each are here'],
    ['images --format \'{{.Repository}}:{{.Tag}} {{.Size}}\'', 'your own columns'],
  ],
  aliases: ['image ls', 'image list', 'images'],
  flags: {
    all: flag.on('a', 'Also intermediate images'),
    digests: flag.on('', 'Show digests'),
    filter: flag.list('f', 'filter', 'Only those that match (dangling=true, reference=name, …)', parseFilter),
    format: flag.text('', 'string', 'Template for each row, \'table TEMPLATE\', or \'json\''),
    'no-trunc': flag.on('', 'Do not shorten'),
    quiet: flag.on('q', 'Only ids'),
    tree: flag.on('', 'With the platforms of each'),
  },
  operands: { min: 0, max: 1 },
  async run({ values, operands: [reference], session }) {
    const filters = filtersOf([...values.filter, ...(reference === undefined ? [] : [['reference', reference] as const])]);
    const images = await listImages(session.docker, { all: values.all, digests: values.digests, manifests: values.tree, filters });
    if (values.tree) return printTree(session, images, values);
    const format = values.format ?? (values.quiet ? undefined : session.config.setting('imagesFormat'));
    const isTable = (format ?? 'table').startsWith('table');
    const isQuiet = values.quiet && (format ?? 'table') === 'table';
    const showsDigests = values.digests || (format ?? '').includes('.Digest');
    const options = { isTruncated: !values['no-trunc'], now: session.now(), showsDigests: showsDigests && !(isQuiet && isTable) };
    const rows = images.flatMap((image) => imageRows(image, options));
    printRows(session, isQuiet ? '{{.ID}}' : format, values.digests ? imageListing.withDigests : imageListing.plain, rows);
    return 0;
  },
});
