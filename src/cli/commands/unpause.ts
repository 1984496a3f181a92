import { unpauseContainer } from '../../client/index.ts';
import { defineCommand } from '../command.ts';
import { forEach } from '../each.ts';

export const command = defineCommand({
  usage: 'CONTAINER [CONTAINER...]',
  summary: 'Unpause all processes within one or more containers',
  aliases: ['container unpause', 'unpause'],
  flags: {},
  operands: { min: 1 },
  run: ({ operands, session }) => forEach(session, operands, {}, async (container) => {
    await unpauseContainer(session.docker, container);
    return container;
  }),
});
