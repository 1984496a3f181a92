import { stopContainer } from '../../client/index.ts';
import { defineCommand } from '../command.ts';
import { forEach } from '../each.ts';
import { flag } from '../flags.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  summary: 'Stop one or more running containers',
  examples: [
    ['stop -t 1 web', 'ask, and kill after a second'],
  ],
  aliases: ['container stop', 'stop'],
  flags: {
    signal: flag.text('s', 'string', 'Signal that asks to stop'),
    timeout: flag.integer('t', 'int', 'Seconds to wait before killing'),
    // Docker's older name of --timeout.
    time: flag.integer('', 'int', ''),
  },
  operands: { min: 1 },
  run({ values, operands, session }) {
    const options = { signal: values.signal, timeoutSeconds: values.timeout ?? values.time };
    return forEach(session, operands, {}, async (container) => {
      await stopContainer(session.docker, container, options);
      return container;
    });
  },
});
