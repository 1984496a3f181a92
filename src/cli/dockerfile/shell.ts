// A step has failed, and the daemon offers a look into it: what went wrong is shown, the user asked, and the terminal joined to a shell in the step as it was.
import type { Channel, ShellOffer } from '../../spec/estiva/build-session.ts';
import type { BuildFile } from '../../spec/estiva/build-check.ts';
import { agrees } from '../confirm.ts';
import { warn, type Session } from '../session.ts';
import { joinStreams } from '../streams.ts';
import { followSize, rawMode, terminalSize } from '../terminal.ts';
import { failureLines } from './failure.ts';

export interface ShellChoice {
  /** Without asking. */
  readonly always: boolean;
  /** The Dockerfile, for its lines. */
  readonly shown: BuildFile | undefined;
}

const plainSize = [24, 80] as const;

export async function answerShell(session: Session, { message, exitCode, lines }: ShellOffer, channel: Channel, { always, shown }: ShellChoice): Promise<void> {
  for (const line of failureLines({ message, code: exitCode, lines }, shown)) warn(session, line);
  if (!always && !await agrees(session, 'Open a shell in the step as it is now?')) return channel.refuse('The user does not want to');
  const [rows, columns] = session.stdout.isTTY === true ? terminalSize(session) : plainSize;
  channel.resize({ rows, columns });
  using _raw = rawMode(session);
  using _size = followSize(session, (nowRows, nowColumns) => Promise.resolve(channel.resize({ rows: nowRows, columns: nowColumns })));
  await joinStreams(session, { socket: channel, early: Buffer.alloc(0) }, { isTty: true, withStdin: true, detachKeys: undefined }).ended;
}
