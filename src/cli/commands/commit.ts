import { commitContainer } from '../../client/index.ts';
import { defineCommand } from '../command.ts';
import { flag } from '../flags.ts';
import { splitReference } from '../reference.ts';
import { say } from '../session.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [REPOSITORY[:TAG]]',
  summary: "Create a new image from a container's changes",
  aliases: ['container commit', 'commit'],
  flags: {
    author: flag.text('a', 'string', 'Who made it (for example "Ana <ana@example.org>")'),
    change: flag.texts('c', 'list', 'Apply a Dockerfile instruction to the image'),
    message: flag.text('m', 'string', "Message of the image's history"),
    pause: flag.off('p', 'The container stands still meanwhile'),
  },
  operands: { min: 1, max: 2 },
  async run({ values: { author, change: changes, message: comment, pause }, operands: [container = '', target], session }) {
    const { name: repo, tag } = target === undefined ? { name: undefined, tag: undefined } : splitReference(target);
    const { Id: id } = await commitContainer(session.docker, container, { repo, tag, author, comment, pause, changes });
    say(session, id);
    return 0;
  },
});
