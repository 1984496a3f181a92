import { messageOf } from '../../base/index.ts';
import { tagImage } from '../../client/index.ts';
import { defineCommand } from '../command.ts';
import { Exit } from '../errors.ts';
import { parseReference } from '../../spec/reference.ts';
import { splitReference } from '../reference.ts';

export const command = defineCommand({
  usage: 'SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]',
  summary: 'Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE',
  examples: [
    ['tag busybox tools/box:1', 'one more name for the same image'],
  ],
  aliases: ['image tag', 'tag'],
  flags: {},
  operands: { min: 2, max: 2 },
  async run({ operands: [source = '', target = ''], session }) {
    const { name, tag, digest } = splitReference(target);
    if (digest !== undefined) throw new Exit(1, 'refusing to create a tag with a digest reference');
    checkReference(target);
    await tagImage(session.docker, source, name, tag ?? 'latest');
    return 0;
  },
});

/** As Docker's client does, before the daemon is asked. */
function checkReference(target: string): void {
  try {
    parseReference(target);
  } catch (error) {
    throw new Exit(1, `Error parsing reference: ${JSON.stringify(target)} is not a valid repository/tag: ${messageOf(error)}`);
  }
}
