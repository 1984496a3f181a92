import { loadImages } from '../../client/index.ts';
import { openArchive } from '../create/files.ts';
import { defineCommand } from '../command.ts';
import { Exit } from '../errors.ts';
import { flag } from '../flags.ts';
import { platform } from '../platform.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  summary: 'Load an image from a tar archive or STDIN',
  examples: [
    ['load -i image.tar', 'from a file'],
    ['load < image.tar.gz', 'from stdin; gzip and zstd are recognized'],
  ],
  aliases: ['image load', 'load'],
  flags: {
    input: flag.text('i', 'string', 'Read this file instead of stdin'),
    platform: flag.list('', 'string', 'Only this platform (os/arch) of an image for several', platform),
    quiet: flag.on('q', 'Only say what was loaded'),
  },
  operands: { min: 0, max: 0 },
  async run({ values: { input, platform: platforms, quiet }, session }) {
    if (input === undefined && session.stdin.isTTY === true) throw new Exit(1, 'requested load from stdin, but stdin is empty');
    const archive: AsyncIterable<Uint8Array> = input === undefined ? session.stdin : openArchive(input);
    await loadImages(session.docker, archive, { quiet: quiet || session.stdout.isTTY !== true, platforms }, ({ stream }) => {
      if (stream !== undefined) session.stdout.write(stream);
    });
    return 0;
  },
});
