import { exportContainer } from '../../client/index.ts';
import { openArchiveOutput } from '../archive-output.ts';
import { defineCommand } from '../command.ts';
import { flag } from '../flags.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER',
  summary: "Export a container's filesystem as a tar archive",
  aliases: ['container export', 'export'],
  flags: { output: flag.text('o', 'string', 'Write to this file instead of stdout') },
  operands: { min: 1, max: 1 },
  async run({ values, operands: [container = ''], session }) {
    using output = openArchiveOutput(session, values.output, 'export container');
    const answer = await exportContainer(session.docker, container);
    await answer.read((bytes) => output.write(bytes));
    output.finish();
    return 0;
  },
});
