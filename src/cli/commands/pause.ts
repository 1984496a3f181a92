import { pauseContainer } from '../../client/index.ts';
import { defineCommand } from '../command.ts';
import { forEach } from '../each.ts';

export const command = defineCommand({
  usage: 'CONTAINER [CONTAINER...]',
  summary: 'Pause all processes within one or more containers',
  aliases: ['container pause', 'pause'],
  flags: {},
  operands: { min: 1 },
  run: ({ operands, session }) => forEach(session, operands, {}, async (container) => {
    await pauseContainer(session.docker, container);
    return container;
  }),
});
