import { killContainer } from '../../client/index.ts';
import { defineCommand } from '../command.ts';
import { forEach } from '../each.ts';
import { flag } from '../flags.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  summary: 'Kill one or more running containers',
  examples: [
    ['kill -s HUP web', 'a signal that many programs take for \'read your configuration again\''],
  ],
  aliases: ['container kill', 'kill'],
  flags: { signal: flag.text('s', 'string', 'Signal to send (KILL unless given)') },
  operands: { min: 1 },
  run: ({ values, operands, session }) => forEach(session, operands, {}, async (container) => {
    await killContainer(session.docker, container, values.signal);
    return container;
  }),
});
