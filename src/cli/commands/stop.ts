import { stopContainer } from '../../client/index.ts';
import { defineCommand } from '../command.ts';
import { forEach } from '../each.ts';
import { stopFlags, stopOptionsOf } from '../stop-flags.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  summary: 'Stop one or more running containers',
  examples: [
    ['stop -t 1 web', 'ask, and kill after a second'],
  ],
  aliases: ['container stop', 'stop'],
  flags: stopFlags,
  operands: { min: 1 },
  run({ values, operands, session }) {
    const options = stopOptionsOf(values);
    return forEach(session, operands, {}, async (container) => {
      await stopContainer(session.docker, container, options);
      return container;
    });
  },
});
