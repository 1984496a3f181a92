import { createExec, inspectExec, resizeExec, startExec, startExecDetached } from '../../client/index.ts';
import type { ExecConfig } from '../../spec/docker/container.ts';
import { readEnvironmentFile } from '../create/files.ts';
import { environmentEntry } from '../create/values.ts';
import { defineCommand } from '../command.ts';
import { detachKeysOf } from '../detach-keys.ts';
import { Exit } from '../errors.ts';
import { flag } from '../flags.ts';
import type { Session } from '../session.ts';
import { joinStreams } from '../streams.ts';
import { followSize, rawMode, terminalSize } from '../terminal.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER COMMAND [ARG...]',
  summary: 'Execute a command in a running container',
  examples: [
    ['exec -it web sh', 'a shell in a running container'],
    ['exec -e MODE=check -w /srv web ./check', 'one command, with its environment and directory'],
  ],
  aliases: ['container exec', 'exec'],
  flags: {
    detach: flag.on('d', 'Run in the background'),
    'detach-keys': flag.text('', 'string', 'Keys that leave the command running'),
    env: flag.list('e', 'list', 'Set an environment variable (NAME=value, or NAME from here)', environmentEntry),
    'env-file': flag.texts('', 'list', 'Read environment variables from a file'),
    interactive: flag.on('i', 'Keep stdin open'),
    privileged: flag.on('', 'All capabilities'),
    tty: flag.on('t', 'Give the command a terminal'),
    user: flag.text('u', 'string', 'User and group (name|uid[:group|gid])'),
    workdir: flag.text('w', 'string', 'Working directory inside the container'),
  },
  stopsAtOperand: true,
  operands: { min: 2 },
  async run({ values, operands: [container = '', ...command], session }) {
    const { tty, detach, interactive } = values;
    if (tty && interactive && !detach && session.stdin.isTTY !== true) throw new Exit(1, 'the input device is not a TTY');
    const consoleSize = tty ? terminalSize(session) : undefined;
    const files = values['env-file'].flatMap((path) => readEnvironmentFile(path, session.environment));
    const detachKeys = detachKeysOf(session, values['detach-keys']);
    const config: ExecConfig = {
      AttachStdin: interactive && !detach, AttachStdout: !detach, AttachStderr: !detach, Tty: tty, ConsoleSize: consoleSize, Cmd: command,
      Env: [...files, ...values.env.map((entry) => fromHere(entry, session))], Privileged: values.privileged, User: values.user ?? '', WorkingDir: values.workdir ?? '',
      ...(detachKeys === undefined ? {} : { DetachKeys: detachKeys }),
    };
    const id = await createExec(session.docker, container, config);
    if (!detach) return execAttached(session, id, config);
    await startExecDetached(session.docker, id, { tty });
    return 0;
  },
});

function fromHere(entry: string, { environment }: Session): string {
  const value = entry.includes('=') ? undefined : environment[entry];
  return value === undefined ? entry : `${entry}=${value}`;
}

async function execAttached(session: Session, id: string, { Tty: isTty, AttachStdin: withStdin, ConsoleSize: consoleSize, DetachKeys: detachKeys }: ExecConfig): Promise<number> {
  using _raw = isTty && withStdin ? rawMode(session) : undefined;
  const hijacked = await startExec(session.docker, id, { tty: isTty, consoleSize });
  const joined = joinStreams(session, hijacked, { isTty, withStdin, detachKeys });
  using _size = isTty ? followSize(session, (rows, columns) => resizeExec(session.docker, id, rows, columns)) : undefined;
  await joined.ended;
  if (joined.isDetached()) return 0;
  return (await inspectExec(session.docker, id)).ExitCode ?? 0;
}
