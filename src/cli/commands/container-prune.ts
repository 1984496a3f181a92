import { pruneContainers } from '../../client/index.ts';
import { defineCommand } from '../command.ts';
import { confirms } from '../confirm.ts';
import { filtersOf, parseFilter } from '../filters.ts';
import { flag } from '../flags.ts';
import { say } from '../session.ts';
import { humanSize } from '../units.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  summary: 'Remove all stopped containers',
  aliases: ['container prune'],
  flags: {
    filter: flag.list('', 'filter', 'Only those that match (until=24h, label=key, label!=key=value)', parseFilter),
    force: flag.on('f', 'Do not ask'),
  },
  operands: { min: 0, max: 0 },
  async run({ values, session }) {
    if (!values.force && !await confirms(session, 'WARNING! This will remove all stopped containers.')) return 0;
    const { ContainersDeleted, SpaceReclaimed } = await pruneContainers(session.docker, filtersOf(values.filter));
    const deleted = ContainersDeleted ?? [];
    if (deleted.length > 0) say(session, `Deleted Containers:\n${deleted.join('\n')}\n`);
    say(session, `Total reclaimed space: ${humanSize(SpaceReclaimed)}`);
    return 0;
  },
});
