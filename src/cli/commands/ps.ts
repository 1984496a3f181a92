import { listContainers } from '../../client/index.ts';
import { defineCommand } from '../command.ts';
import { containerListing, containerRow } from '../container-rows.ts';
import { filtersOf, parseFilter } from '../filters.ts';
import { flag } from '../flags.ts';
import { printRows } from '../format.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  summary: 'List containers',
  examples: [
    ['ps -a --filter status=exited', 'those that have ended'],
    ['ps --format \'{{.Names}}: {{.Status}}\'', 'your own columns'],
    ['ps -aq --filter label=job', 'ids only, for other commands'],
  ],
  aliases: ['container ls', 'container list', 'container ps', 'ps'],
  flags: {
    all: flag.on('a', 'Also those that do not run'),
    filter: flag.list('f', 'filter', 'Only those that match (status=exited, name=web, label=key, …)', parseFilter),
    format: flag.text('', 'string', 'Template for each row, \'table TEMPLATE\', or \'json\''),
    last: flag.integer('n', 'int', 'The n newest, in any state'),
    latest: flag.on('l', 'The newest, in any state'),
    'no-trunc': flag.on('', 'Do not shorten'),
    quiet: flag.on('q', 'Only ids'),
    size: flag.on('s', 'Also what each takes on the disk'),
  },
  operands: { min: 0, max: 0 },
  async run({ values, session }) {
    const limit = values.latest && values.last === undefined ? 1 : values.last;
    const filters = filtersOf(values.filter);
    // A template that shows sizes asks for them.
    const size = values.size || /\.Size\b/.test(values.format ?? '');
    const containers = await listContainers(session.docker, { all: values.all, limit: limit === -1 ? undefined : limit, size, filters });
    const isTruncated = !values['no-trunc'];
    const rows = containers.map((container) => containerRow(container, { isTruncated, now: session.now() }));
    const asked = values.format ?? (values.quiet ? undefined : session.config.setting('psFormat'));
    const format = values.quiet && (asked ?? 'table') === 'table' ? '{{.ID}}' : asked;
    printRows(session, format, values.size ? containerListing.withSize : containerListing.plain, rows);
    return 0;
  },
});
