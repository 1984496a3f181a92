import { renameContainer } from '../../client/index.ts';
import { defineCommand } from '../command.ts';
import { Exit } from '../errors.ts';

export const command = defineCommand({
  usage: 'CONTAINER NEW_NAME',
  summary: 'Rename a container',
  aliases: ['container rename', 'rename'],
  flags: {},
  operands: { min: 2, max: 2 },
  async run({ operands: [container = '', name = ''], session }) {
    if (container.trim() === '' || name.trim() === '') throw new Exit(1, 'Error: Neither old nor new names may be empty');
    await renameContainer(session.docker, container.trim(), name.trim());
    return 0;
  },
});
