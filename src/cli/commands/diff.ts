import { containerChanges } from '../../client/index.ts';
import { defineCommand } from '../command.ts';
import { Exit } from '../errors.ts';
import { say } from '../session.ts';

const letters = ['C', 'A', 'D'] as const;

export const command = defineCommand({
  usage: 'CONTAINER',
  summary: "Inspect changes to files or directories on a container's filesystem",
  aliases: ['container diff', 'diff'],
  flags: {},
  operands: { min: 1, max: 1 },
  async run({ operands: [container = ''], session }) {
    if (container === '') throw new Exit(1, 'Container name cannot be empty');
    for (const { Kind, Path } of await containerChanges(session.docker, container) ?? []) say(session, `${letters[Kind]} ${Path}`);
    return 0;
  },
});
