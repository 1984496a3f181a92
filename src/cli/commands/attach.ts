import { attachContainer, beginWait, inspectContainer, killContainer, resizeContainer } from '../../client/index.ts';
import { defineCommand } from '../command.ts';
import { detachKeysOf } from '../detach-keys.ts';
import { Exit } from '../errors.ts';
import { flag } from '../flags.ts';
import { proxySignals } from '../signals.ts';
import { joinStreams } from '../streams.ts';
import { followSize, rawMode } from '../terminal.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER',
  summary: 'Attach the terminal to a running container',
  examples: [
    ['attach box', 'Ctrl-P Ctrl-Q leaves it running'],
  ],
  aliases: ['container attach', 'attach'],
  flags: {
    'detach-keys': flag.text('', 'string', 'Keys that leave the container running'),
    'no-stdin': flag.on('', 'Do not attach stdin'),
    'sig-proxy': flag.off('', 'Send signals on to the container\'s program'),
  },
  operands: { min: 1, max: 1 },
  async run({ values, operands: [container = ''], session }) {
    const { Id: id, Config: config, State: state } = await inspectContainer(session.docker, container);
    if (!state.Running) throw new Exit(1, 'You cannot attach to a stopped container, start it first');
    if (state.Paused) throw new Exit(1, 'You cannot attach to a paused container, unpause it first');
    if (state.Restarting) throw new Exit(1, 'You cannot attach to a restarting container, wait until it is running');
    const stdin = !values['no-stdin'] && config.OpenStdin;
    if (stdin && config.Tty && session.stdin.isTTY !== true) throw new Exit(1, 'the input device is not a TTY');
    const detachKeys = detachKeysOf(session, values['detach-keys']);
    const [wait, hijacked] = await Promise.all([
      beginWait(session.docker, id, 'not-running'),
      attachContainer(session.docker, id, { stdin, stdout: true, stderr: true, detachKeys }),
    ]);
    wait.exit.catch(() => undefined);
    using _signals = values['sig-proxy'] && !config.Tty ? proxySignals((signal) => killContainer(session.docker, id, signal)) : undefined;
    using _raw = config.Tty && stdin ? rawMode(session) : undefined;
    const joined = joinStreams(session, hijacked, { isTty: config.Tty, withStdin: stdin, detachKeys });
    using _size = config.Tty ? followSize(session, (rows, columns) => resizeContainer(session.docker, id, rows, columns)) : undefined;
    await joined.ended;
    return joined.isDetached() ? 0 : (await wait.exit).StatusCode;
  },
});
