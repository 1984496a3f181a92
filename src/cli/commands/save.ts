import { saveImages } from '../../client/index.ts';
import { openArchiveOutput } from '../archive-output.ts';
import { defineCommand } from '../command.ts';
import { flag } from '../flags.ts';
import { platform } from '../platform.ts';

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  summary: 'Save one or more images to a tar archive (streamed to STDOUT by default)',
  aliases: ['image save', 'save'],
  flags: {
    output: flag.text('o', 'string', 'Write to this file instead of stdout'),
    platform: flag.list('', 'string', 'Only this platform (os/arch) of an image for several', platform),
  },
  operands: { min: 1 },
  async run({ values, operands, session }) {
    using output = openArchiveOutput(session, values.output, 'save image');
    const answer = await saveImages(session.docker, operands, values.platform);
    await answer.read((bytes) => output.write(bytes));
    output.finish();
    return 0;
  },
});
