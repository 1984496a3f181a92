import { exploreImage } from '../../client/index.ts';
import { defineCommand } from '../command.ts';
import { jsonOnly } from '../explore/json-only.ts';
import { scoreOf, titleOf, wastedRows } from '../explore/summary.ts';
import { flag, FlagError } from '../flags.ts';
import { say, warn } from '../session.ts';
import { alignColumns } from '../table.ts';

const shownMax = 20;

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE',
  summary: 'Show how many bytes of an image can be seen in it; fail below a limit',
  examples: [['image efficiency --min 0.95 app', 'for CI: exit code 1 when more than 5 % is wasted']],
  flags: {
    format: jsonOnly,
    min: flag.value('', 'share', 'Exit with 1 when the efficiency (0 to 1) is below', parseShare),
  },
  operands: { min: 1, max: 1 },
  async run({ values, operands: [image = ''], session }) {
    const exploration = await exploreImage(session.docker, image, { files: false, duplicates: false });
    const { efficiency, sizeBytes, wastedBytes, wasted } = exploration;
    if (values.format !== undefined) say(session, JSON.stringify({ efficiency, sizeBytes, wastedBytes, wasted }));
    else {
      say(session, `${titleOf(exploration)}: ${scoreOf(exploration)}`);
      for (const line of alignColumns(wastedRows(exploration).slice(0, shownMax), { widthMin: 0 })) say(session, `  ${line}`);
    }
    if (values.min === undefined || efficiency >= values.min) return 0;
    warn(session, `The efficiency ${efficiency.toFixed(4)} is below ${values.min}: remove files in the layer that adds them, or write each file once`);
    return 1;
  },
});

function parseShare(text: string): number {
  if (!/^(0(\.\d+)?|1(\.0+)?|\.\d+)$/.test(text)) throw new FlagError(`not a number from 0 to 1: ${JSON.stringify(text)}`);
  return Number(text);
}
