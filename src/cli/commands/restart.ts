import { restartContainer } from '../../client/index.ts';
import { defineCommand } from '../command.ts';
import { forEach } from '../each.ts';
import { stopFlags, stopOptionsOf } from '../stop-flags.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  summary: 'Restart one or more containers',
  aliases: ['container restart', 'restart'],
  flags: stopFlags,
  operands: { min: 1 },
  run({ values, operands, session }) {
    const options = stopOptionsOf(values);
    return forEach(session, operands, {}, async (container) => {
      await restartContainer(session.docker, container, options);
      return container;
    });
  },
});
