import { attachContainer, beginWait, inspectContainer, isDaemonError, killContainer, resizeContainer, startContainer } from '../../client/index.ts';
import { defineCommand } from '../command.ts';
import { detachKeysOf } from '../detach-keys.ts';
import { Exit, textOfError } from '../errors.ts';
import { flag } from '../flags.ts';
import { say, warn, type Session } from '../session.ts';
import { proxySignals } from '../signals.ts';
import { joinStreams } from '../streams.ts';
import { followSize, rawMode } from '../terminal.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  summary: 'Start one or more stopped containers',
  examples: [
    ['start -ai box', 'start it again and be in it'],
  ],
  aliases: ['container start', 'start'],
  flags: {
    attach: flag.on('a', 'Attach to its output, and send signals on'),
    'detach-keys': flag.text('', 'string', 'Keys that leave the container running'),
    interactive: flag.on('i', 'Attach stdin too'),
  },
  later: { checkpoint: 'checkpoints come later', 'checkpoint-dir': 'checkpoints come later' },
  operands: { min: 1 },
  async run({ values, operands, session }) {
    if (!values.attach && !values.interactive) return startAll(session, operands);
    const [container = ''] = operands;
    if (operands.length > 1) throw new Exit(1, 'you cannot start and attach multiple containers at once');
    return startAttached(session, container, values.interactive, detachKeysOf(session, values['detach-keys']));
  },
});

async function startAll(session: Session, containers: readonly string[]): Promise<number> {
  const failed: string[] = [];
  for (const container of containers) {
    try {
      await startContainer(session.docker, container);
      say(session, container);
    } catch (error) {
      warn(session, textOfError(error));
      failed.push(container);
    }
  }
  if (failed.length === 0) return 0;
  warn(session, `Error: failed to start containers: ${failed.join(', ')}`);
  return 1;
}

async function startAttached(session: Session, container: string, isInteractive: boolean, detachKeys: string | undefined): Promise<number> {
  const { Id: id, Config: config, HostConfig: host } = await inspectContainer(session.docker, container);
  const stdin = isInteractive && config.OpenStdin;
  const [wait, hijacked] = await Promise.all([
    beginWait(session.docker, id, host.AutoRemove ? 'removed' : 'next-exit'),
    attachContainer(session.docker, id, { stdin, stdout: true, stderr: true, detachKeys }),
  ]);
  wait.exit.catch(() => undefined);
  using _signals = config.Tty ? undefined : proxySignals((signal) => killContainer(session.docker, id, signal));
  using _raw = config.Tty && stdin ? rawMode(session) : undefined;
  const joined = joinStreams(session, hijacked, { isTty: config.Tty, withStdin: stdin, detachKeys });
  try {
    await startContainer(session.docker, id, detachKeys);
  } catch (error) {
    joined.close();
    if (isDaemonError(error)) warn(session, textOfError(error));
    throw new Exit(1, `Error: failed to start containers: ${container}`);
  }
  using _size = config.Tty ? followSize(session, (rows, columns) => resizeContainer(session.docker, id, rows, columns)) : undefined;
  await joined.ended;
  return joined.isDetached() ? 0 : (await wait.exit).StatusCode;
}
