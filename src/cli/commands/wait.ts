import { beginWait } from '../../client/index.ts';
import { defineCommand } from '../command.ts';
import { Exit } from '../errors.ts';
import { forEach } from '../each.ts';

export const command = defineCommand({
  usage: 'CONTAINER [CONTAINER...]',
  summary: 'Block until one or more containers stop, then print their exit codes',
  examples: [
    ['wait job', 'prints the exit code when it has ended'],
  ],
  aliases: ['container wait', 'wait'],
  flags: {},
  operands: { min: 1 },
  async run({ operands, session }) {
    let code = 0;
    // One after the other: the codes come in the order of the names.
    for (const operand of operands) {
      code = Math.max(code, await forEach(session, [operand], {}, async (container) => {
        const { exit } = await beginWait(session.docker, container, 'not-running');
        const { StatusCode, Error: failure } = await exit;
        if (failure?.Message) throw new Exit(1, failure.Message);
        return String(StatusCode);
      }));
    }
    return code;
  },
});
