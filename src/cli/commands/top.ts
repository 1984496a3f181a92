import { topContainer } from '../../client/index.ts';
import { defineCommand } from '../command.ts';
import { say } from '../session.ts';
import { alignColumns } from '../table.ts';

export const command = defineCommand({
  usage: 'CONTAINER [ps OPTIONS]',
  summary: 'Display the running processes of a container',
  aliases: ['container top', 'top'],
  flags: {},
  stopsAtOperand: true,
  operands: { min: 1 },
  async run({ operands: [container = '', ...words], session }) {
    const { Titles, Processes } = await topContainer(session.docker, container, words.join(' '));
    for (const line of alignColumns([Titles, ...Processes ?? []].map((cells) => cells.join('\t')), { widthMin: 20 })) say(session, line);
    return 0;
  },
});
