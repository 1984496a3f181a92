import { searchRegistry } from '../../client/index.ts';
import { defineCommand } from '../command.ts';
import { filtersOf, parseFilter } from '../filters.ts';
import { flag } from '../flags.ts';
import { printRows, type Listing } from '../format.ts';
import { authHeaders } from '../credentials/kept.ts';

const listing: Listing = {
  columns: '{{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.IsOfficial}}',
  heads: { Description: 'DESCRIPTION', IsAutomated: 'AUTOMATED', IsOfficial: 'OFFICIAL', Name: 'NAME', StarCount: 'STARS' },
  typeName: '*search.searchContext',
};
const descriptionLengthMax = 45;

export const command = defineCommand({
  usage: '[OPTIONS] TERM',
  summary: 'Search Docker Hub for images',
  examples: [['search --filter is-official=true --limit 5 redis', 'only those that Docker looks after']],
  flags: {
    filter: flag.list('f', 'filter', 'Only those that match (is-official=true, stars=10)', parseFilter),
    format: flag.text('', 'string', 'Template for each row, \'table TEMPLATE\', or \'json\''),
    limit: flag.integer('', 'int', 'At most so many results'),
    'no-trunc': flag.on('', 'Do not shorten'),
  },
  operands: { min: 1, max: 1 },
  async run({ values, operands: [term = ''], session }) {
    const slash = term.indexOf('/');
    const registry = slash > 0 && /[.:]|^localhost$/.test(term.slice(0, slash)) ? term.slice(0, slash) : '';
    const found = await searchRegistry(session.docker, term, { limit: values.limit, filters: filtersOf(values.filter), headers: await authHeaders(session, registry) });
    const rows = [...found].sort((a, b) => b.star_count - a.star_count).map((item) => ({
      Description: shortened(item.description, values['no-trunc']), IsAutomated: item.is_automated ? '[OK]' : '', IsOfficial: item.is_official ? '[OK]' : '', Name: item.name, StarCount: String(item.star_count),
    }));
    printRows(session, values.format, listing, rows);
    return 0;
  },
});

function shortened(description: string, isWhole: boolean): string {
  const line = description.replaceAll(/[\r\n]+/g, ' ');
  return isWhole || line.length <= descriptionLengthMax ? line : `${line.slice(0, descriptionLengthMax - 1)}…`;
}
