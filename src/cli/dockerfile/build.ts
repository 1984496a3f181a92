// A build as the command line shows it: the daemon's messages as they come, at the end the image; for a step that failed, its lines in the Dockerfile and
// what its exit code means.
import { writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { buildImage, type BuildImageOptions } from '../../client/index.ts';
import type { ProgressMessage } from '../../spec/docker/image.ts';
import { excerpt } from '../../spec/dockerfile/index.ts';
import { openError } from '../create/files.ts';
import { Exit } from '../errors.ts';
import { say, warn, type Session } from '../session.ts';
import type { BuildContext } from './context.ts';

export interface RunOptions extends BuildImageOptions {
  readonly quiet: boolean;
  readonly idFile: string | undefined;
}

/** Gives the exit code: the step's, where one failed. */
export async function runBuild(session: Session, context: BuildContext, { quiet, idFile, ...options }: RunOptions): Promise<number> {
  let id: string | undefined;
  let failure: ProgressMessage | undefined;
  await buildImage(session.docker, context, options, (message) => {
    if (message.error !== undefined) failure = message;
    else if (message.stream !== undefined && !quiet) session.stdout.write(message.stream);
    else if (message.status !== undefined && !quiet) say(session, message.status);
    id = idIn(message.aux) ?? id;
  });
  if (failure !== undefined) return showFailure(session, failure, context);
  if (id === undefined) throw new Exit(1, 'ERROR: the daemon did not say which image it has built');
  if (quiet) say(session, id);
  if (idFile !== undefined) writeId(idFile, id);
  return 0;
}

function idIn(aux: unknown): string | undefined {
  return typeof aux === 'object' && aux !== null && 'ID' in aux && typeof aux.ID === 'string' ? aux.ID : undefined;
}

function writeId(path: string, id: string): void {
  try {
    writeFileSync(path, id);
  } catch (error) {
    throw new Exit(1, `ERROR: the image is built, but its id could not be written: ${openError(path, error)}`);
  }
}

function showFailure(session: Session, { error = '', errorDetail }: ProgressMessage, { shown }: BuildContext): number {
  const lines = (errorDetail?.lines ?? []).map(([start, end]) => ({ start, end }));
  warn(session, `ERROR: ${errorDetail?.message ?? error}`);
  for (const line of shown === undefined ? [] : excerpt(shown.name, shown.text, lines)) warn(session, line);
  const code = errorDetail?.code ?? 1;
  const meaning = meaningOf(code);
  if (errorDetail?.code !== undefined && meaning !== undefined) warn(session, `Exit code ${code}: ${meaning}`);
  return code;
}

/** What shells and the kernel mean by it. */
function meaningOf(code: number): string | undefined {
  if (code === 126) return 'the program is there, and cannot be run';
  if (code === 127) return 'the program was not found';
  const signal = Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0];
  return signal === undefined ? undefined : `it was ended by ${signal}${signal === 'SIGKILL' ? ', as it is when memory runs out' : ''}`;
}
