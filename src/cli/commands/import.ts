import { importImage } from '../../client/index.ts';
import { openArchive } from '../create/files.ts';
import { defineCommand } from '../command.ts';
import { flag } from '../flags.ts';
import { splitReference } from '../reference.ts';
import { say } from '../session.ts';

export const command = defineCommand({
  usage: '[OPTIONS] file|URL|- [REPOSITORY[:TAG]]',
  summary: 'Import the contents from a tarball to create a filesystem image',
  examples: [
    ['import -c \'CMD ["sh"]\' rootfs.tar mine:1', 'a directory packed with tar, and what it runs'],
    ['import - mine:1 < rootfs.tar', 'from stdin'],
  ],
  aliases: ['image import', 'import'],
  flags: {
    change: flag.texts('c', 'list', 'Apply a Dockerfile instruction to the image'),
    message: flag.text('m', 'string', 'Message of the image\'s history'),
    platform: flag.text('', 'string', 'Platform of the image (os/arch)'),
  },
  operands: { min: 1, max: 2 },
  async run({ values: { change: changes, message, platform }, operands: [source = '', target], session }) {
    const isUrl = /^(https?|ftp):\/\//.test(source);
    const { name: repo, tag } = target === undefined ? { name: undefined, tag: undefined } : splitReference(target);
    const archive = isUrl ? undefined : source === '-' ? session.stdin : openArchive(source);
    await importImage(session.docker, isUrl ? source : '-', archive, { repo, tag, message, platform, changes }, ({ status, stream }) => {
      const text = status ?? stream?.trimEnd();
      if (text !== undefined) say(session, text);
    });
    return 0;
  },
});
