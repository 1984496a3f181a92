import { removeContainer, removeLink } from '../../client/index.ts';
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
    link: flag.on('l', 'Remove the link CONTAINER/ALIAS, and neither of the two'),
  },
  operands: { min: 1 },
  run: ({ values, operands, session }) => forEach(session, operands, values, async (container) => {
    const name = container.replace(/^\/+/, '');
    if (values.link) await removeLink(session.docker, name);
    else await removeContainer(session.docker, name, values);
    return container;
  }),
});
