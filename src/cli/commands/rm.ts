import { removeContainer } from '../../client/index.ts';
import { defineCommand } from '../command.ts';
import { forEach } from '../each.ts';
import { flag } from '../flags.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  summary: 'Remove one or more containers',
  examples: [
    ['rm -f web', 'also when it runs'],
  ],
  aliases: ['container rm', 'container remove', 'rm'],
  flags: {
    force: flag.on('f', 'Kill it first when it runs'),
    volumes: flag.on('v', 'Remove its anonymous volumes too'),
  },
  later: { 'link|l': 'networks come later' },
  operands: { min: 1 },
  run: ({ values, operands, session }) => forEach(session, operands, values, async (container) => {
    await removeContainer(session.docker, container.replace(/^\/+/, ''), values);
    return container;
  }),
});
