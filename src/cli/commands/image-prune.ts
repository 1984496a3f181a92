import { pruneImages } from '../../client/index.ts';
import { defineCommand } from '../command.ts';
import { confirms } from '../confirm.ts';
import { filtersOf, parseFilter } from '../filters.ts';
import { flag } from '../flags.ts';
import { removalLine } from './rmi.ts';
import { say } from '../session.ts';
import { humanSize } from '../units.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  summary: 'Remove unused images',
  aliases: ['image prune'],
  examples: [
    ['image prune -a --filter until=240h', 'all that no container has, and that are older than ten days'],
  ],
  flags: {
    all: flag.on('a', 'Also those that have a tag, when no container uses them'),
    filter: flag.list('', 'filter', 'Only those that match (until=24h, label=key, label!=key=value)', parseFilter),
    force: flag.on('f', 'Do not ask'),
  },
  operands: { min: 0, max: 0 },
  async run({ values, session }) {
    const what = values.all ? 'all images without at least one container associated to them' : 'all dangling images';
    if (!values.force && !await confirms(session, `WARNING! This will remove ${what}.`)) return 0;
    const { ImagesDeleted, SpaceReclaimed } = await pruneImages(session.docker, filtersOf([...values.filter, ['dangling', String(!values.all)]]));
    const deleted = ImagesDeleted ?? [];
    if (deleted.length > 0) say(session, `Deleted Images:\n${deleted.map((item) => removalLine(item).replace(/^./, (letter) => letter.toLowerCase())).join('\n')}\n`);
    say(session, `Total reclaimed space: ${humanSize(SpaceReclaimed)}`);
    return 0;
  },
});
