import { pruneBuildCache } from '../../client/index.ts';
import { defineCommand } from '../command.ts';
import { confirms } from '../confirm.ts';
import { bytes } from '../create/values.ts';
import { filtersOf, parseFilter } from '../filters.ts';
import { flag } from '../flags.ts';
import { say } from '../session.ts';
import { humanSize } from '../units.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  summary: 'Remove build cache',
  aliases: ['builder prune'],
  examples: [
    ['builder prune -a --filter until=24h', 'all steps that were not of use for a day'],
    ['builder prune -a --keep-storage 1g', 'all but the last used ones, up to a gibibyte'],
  ],
  flags: {
    all: flag.on('a', 'Also steps whose layers images have'),
    filter: flag.list('', 'filter', 'Only those that match (until=24h, id=…, shared=true)', parseFilter),
    force: flag.on('f', 'Do not ask'),
    'keep-storage': flag.value('', 'bytes', 'So much of the cache stays, the last used steps', bytes),
  },
  operands: { min: 0, max: 0 },
  async run({ values, session }) {
    const what = values.all ? 'all build cache' : 'all dangling build cache';
    if (!values.force && !await confirms(session, `WARNING! This will remove ${what}.`)) return 0;
    const { CachesDeleted, SpaceReclaimed } = await pruneBuildCache(session.docker, { all: values.all, keepBytes: values['keep-storage'], filters: filtersOf(values.filter) });
    const deleted = CachesDeleted ?? [];
    if (deleted.length > 0) say(session, `Deleted build cache objects:\n${deleted.join('\n')}\n`);
    say(session, `Total reclaimed space: ${humanSize(SpaceReclaimed)}`);
    return 0;
  },
});
