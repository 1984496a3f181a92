import { createBody } from '../create/body.ts';
import { create } from '../create/create.ts';
import { createFlags, createLater } from '../create/flags.ts';
import { defineCommand } from '../command.ts';
import { say } from '../session.ts';

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  summary: 'Create a new container',
  examples: [
    ['create --name job busybox sh -c \'echo done\'', 'start it later with start'],
  ],
  aliases: ['container create', 'create'],
  flags: createFlags,
  later: createLater,
  stopsAtOperand: true,
  operands: { min: 1 },
  async run({ values, operands: [image = '', ...command], session }) {
    const body = createBody(values, { image, command, isDetached: false, consoleSize: [0, 0], environment: session.environment, proxies: session.config.proxies(session.docker.host.text) });
    say(session, await create(session, values, body));
    return 0;
  },
});
