import { durationInWords } from '../../base/index.ts';
import { imageHistory } from '../../client/index.ts';
import type { HistoryItem } from '../../spec/docker/archive-view.ts';
import { defineCommand } from '../command.ts';
import { flag } from '../flags.ts';
import { printRows, type Listing, type Row } from '../format.ts';
import { platform } from '../platform.ts';
import { humanSize } from '../units.ts';

const listing: Listing = {
  columns: '{{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}',
  heads: { Comment: 'COMMENT', CreatedAt: 'CREATED AT', CreatedBy: 'CREATED BY', CreatedSince: 'CREATED', ID: 'IMAGE', Size: 'SIZE' },
  typeName: '*formatter.historyContext',
};

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE',
  summary: 'Show the history of an image',
  aliases: ['image history', 'history'],
  flags: {
    format: flag.text('', 'string', "Template for each row, 'table TEMPLATE', or 'json'"),
    human: flag.off('H', 'Sizes and dates in words'),
    'no-trunc': flag.on('', 'Do not shorten'),
    platform: flag.value('', 'string', 'That of this platform (os/arch)', platform),
    quiet: flag.on('q', 'Only ids'),
  },
  operands: { min: 1, max: 1 },
  async run({ values, operands: [image = ''], session }) {
    const items = await imageHistory(session.docker, image, values.platform);
    const options = { isTruncated: !values['no-trunc'], isHuman: values.human, now: session.now() };
    printRows(session, values.quiet && values.format === undefined ? '{{.ID}}' : values.format, listing, items.map((item) => rowOf(item, options)));
    return 0;
  },
});

const createdByMax = 45;

function rowOf({ Comment, Created, CreatedBy, Id, Size }: HistoryItem, { isHuman, isTruncated, now }: { readonly isTruncated: boolean; readonly isHuman: boolean; readonly now: Date }): Row {
  const createdAt = Created === 0 ? '' : new Date(Created * 1000).toISOString().replace('.000Z', 'Z');
  const text = CreatedBy.replaceAll('\t', ' ');
  const letters = Array.from(text);
  return {
    Comment, CreatedAt: createdAt,
    CreatedBy: isTruncated && letters.length > createdByMax ? `${letters.slice(0, createdByMax - 1).join('')}…` : text,
    CreatedSince: Created === 0 ? 'N/A' : isHuman ? `${durationInWords(now.getTime() - Created * 1000)} ago` : createdAt,
    ID: isTruncated && Id !== '<missing>' ? Id.replace(/^sha256:/, '').slice(0, 12) : Id,
    Size: isHuman ? humanSize(Size) : String(Size),
  };
}
