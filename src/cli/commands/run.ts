// run: create, attach, wait, start. Attach and wait go out together before start, so that no output and no exit is missed and the daemon is
// asked in three rounds only.
import { setTimeout as sleep } from 'node:timers/promises';
import { attachContainer, beginWait, killContainer, resizeContainer, startContainer, type Hijacked } from '../../client/index.ts';
import { attachedStreams, createBody, type CreateValues } from '../create/body.ts';
import { create } from '../create/create.ts';
import { createFlags, createLater } from '../create/flags.ts';
import { defineCommand } from '../command.ts';
import { detachKeysOf } from '../detach-keys.ts';
import { Complaint, Exit, textOfError } from '../errors.ts';
import type { Explainer } from '../explain.ts';
import { flag } from '../flags.ts';
import { say, type Session } from '../session.ts';
import { proxySignals } from '../signals.ts';
import { startFailureCode } from '../start-failure.ts';
import { joinStreams } from '../streams.ts';
import { followSize, rawMode, terminalSize } from '../terminal.ts';

const flags = {
  ...createFlags,
  detach: flag.on('d', 'Run in the background and print the container\'s id'),
  'detach-keys': flag.text('', 'string', 'Keys that leave the container running'),
  explain: flag.on('', 'Print the program of system calls that makes the container'),
  'sig-proxy': flag.off('', 'Send signals on to the container\'s program'),
} as const;

type RunValues = CreateValues & { readonly 'detach-keys': string | undefined; readonly 'sig-proxy': boolean; readonly explain: boolean };

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  summary: 'Create and run a new container from an image',
  examples: [
    ['run -it --rm busybox sh', 'a shell in a new container that is gone afterwards'],
    ['run -d --name web -m 256m --cpus 0.5 app', 'in the background, with limits'],
    ['run --rm --read-only --tmpfs /tmp --user 1000:1000 --cap-drop ALL app', 'with as few rights as it needs'],
    ['run --rm --explain estiva/hello', 'every system call by which the container is made'],
  ],
  aliases: ['container run', 'run'],
  flags,
  later: createLater,
  stopsAtOperand: true,
  operands: { min: 1 },
  async run({ values, operands: [image = '', ...command], session }) {
    if (values.detach && values.attach.length > 0) throw new Exit(1, 'conflicting options: cannot specify both --attach and --detach');
    const isInput = attachedStreams(values, values.detach).stdin;
    if (values.tty && isInput && session.stdin.isTTY !== true) throw new Exit(1, 'the input device is not a TTY');
    const body = createBody(values, {
      image, command, isDetached: values.detach, environment: session.environment, proxies: session.config.proxies(session.docker.host.text), consoleSize: values.tty ? terminalSize(session) : [0, 0],
    });
    const id = await complaining(create(session, values, body));
    const explain = values.explain ? (await import('../explain.ts')).explainer(session, id) : undefined;
    await explain?.before();
    if (!values.detach) {
      const code = await runAttached(session, id, values, explain);
      explain?.after();
      return code;
    }
    const started = startContainer(session.docker, id);
    await complaining(explain?.time(started) ?? started);
    explain?.after();
    say(session, id);
    return 0;
  },
});

async function runAttached(session: Session, id: string, values: RunValues, explain: Explainer | undefined): Promise<number> {
  const streams = attachedStreams(values, false);
  const detachKeys = detachKeysOf(session, values['detach-keys']);
  const [wait, hijacked] = await complaining(Promise.all([
    beginWait(session.docker, id, values.rm ? 'removed' : 'next-exit'),
    attachContainer(session.docker, id, { ...streams, detachKeys }),
  ]));
  // Should start fail, nobody looks at the wait any more.
  wait.exit.catch(() => undefined);
  using _signals = values['sig-proxy'] && !values.tty ? proxySignals((signal) => killContainer(session.docker, id, signal)) : undefined;
  using _raw = values.tty && streams.stdin ? rawMode(session) : undefined;
  const joined = joinStreams(session, hijacked, { isTty: values.tty, withStdin: streams.stdin, detachKeys });
  const started = start(session, id, hijacked, values.rm ? wait.exit : undefined);
  await (explain?.time(started) ?? started);
  using _size = values.tty ? followSize(session, (rows, columns) => resizeContainer(session.docker, id, rows, columns)) : undefined;
  await joined.ended;
  if (joined.isDetached()) return 0;
  const { StatusCode, Error: failure } = await complaining(wait.exit);
  // dockerd writes null for no failure, other daemons leave the field out.
  if (failure?.Message) throw new Complaint(failure.Message);
  return StatusCode;
}

/** A daemon that does not remove what never ran must not hold us for ever. */
const removalMsMax = 2000;

/** With --rm the daemon removes a container that could not be started: its end is awaited, so that it is gone when we are. */
async function start(session: Session, id: string, { socket }: Hijacked, removal: Promise<unknown> | undefined): Promise<void> {
  try {
    await startContainer(session.docker, id);
  } catch (error) {
    socket.destroy();
    await Promise.race([removal?.catch(() => undefined), sleep(removalMsMax, undefined, { ref: false })]);
    throw new Complaint(textOfError(error), startFailureCode(error));
  }
}

/** The daemon's refusals as complaints with the code that scripts know. */
async function complaining<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof Complaint || error instanceof Exit) throw error;
    throw new Complaint(textOfError(error), startFailureCode(error));
  }
}
