import { removeImage } from '../../client/index.ts';
import type { ImageDeleteItem } from '../../spec/docker/image.ts';
import { defineCommand } from '../command.ts';
import { forEach } from '../each.ts';
import { flag } from '../flags.ts';
import { platform } from '../platform.ts';

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  summary: 'Remove one or more images',
  examples: [
    ['rmi tools/box:1', 'takes the name away, and the image with its last name'],
  ],
  aliases: ['image rm', 'image remove', 'rmi'],
  flags: {
    force: flag.on('f', 'Remove it even when a stopped container uses it'),
    'no-prune': flag.on('', 'Keep parents without a tag'),
    platform: flag.list('', 'string', 'Only this platform (os/arch) of an image for several', platform),
  },
  operands: { min: 1 },
  async run({ values, operands, session }) {
    let code = 0;
    // One after the other: two names may be one image, and the lines of one removal stay together.
    for (const operand of operands) {
      code = Math.max(code, await forEach(session, [operand], values, async (image) => {
        const items = await removeImage(session.docker, image, { force: values.force, noPrune: values['no-prune'], platforms: values.platform });
        return items.map(removalLine).join('\n');
      }));
    }
    return code;
  },
});

export function removalLine(item: ImageDeleteItem): string {
  return 'Deleted' in item ? `Deleted: ${item.Deleted}` : `Untagged: ${item.Untagged}`;
}
