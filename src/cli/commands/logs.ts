import { unixTimeOf } from '../../base/index.ts';
import { containerLogs, inspectContainer } from '../../client/index.ts';
import { defineCommand } from '../command.ts';
import { Exit } from '../errors.ts';
import { flag } from '../flags.ts';
import { outputSink } from '../streams.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER',
  summary: 'Fetch the logs of a container',
  examples: [
    ['logs -f --tail 20 web', 'the last 20 lines, and what comes'],
    ['logs --since 10m -t web', 'of the last ten minutes, with times'],
  ],
  aliases: ['container logs', 'logs'],
  flags: {
    details: flag.on('', 'Show labels, environment and tag that the log keeps'),
    follow: flag.on('f', 'Go on with what comes'),
    since: flag.text('', 'string', 'Only from this time on (RFC 3339, Unix seconds, or 42m: 42 minutes ago)'),
    tail: flag.text('n', 'string', 'Only the last lines: a number, or all'),
    timestamps: flag.on('t', 'Show when each line was written'),
    until: flag.text('', 'string', 'Only before this time'),
  },
  operands: { min: 1, max: 1 },
  async run({ values, operands: [container = ''], session }) {
    const time = (name: 'since' | 'until'): string | undefined => {
      const text = values[name];
      if (text === undefined) return undefined;
      const seconds = unixTimeOf(text, session.now());
      if (seconds === undefined) throw new Exit(1, `invalid value for "${name}": failed to parse value as time or duration: "${text}"`);
      return seconds;
    };
    const { Id: id, Config: config } = await inspectContainer(session.docker, container);
    const { details, follow, timestamps, tail } = values;
    const answer = await containerLogs(session.docker, id, { stdout: true, stderr: true, follow, timestamps, details, since: time('since'), until: time('until'), tail: tail ?? 'all' });
    await answer.read(outputSink(session, config.Tty));
    return 0;
  },
});
