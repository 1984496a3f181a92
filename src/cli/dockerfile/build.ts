// A build as the command line shows it: the daemon's messages as they come, at the end the image; for a step that failed, its lines in the Dockerfile and
// what its exit code means.
import { writeFileSync } from 'node:fs';
import { buildImage, type BuildImageOptions } from '../../client/index.ts';
import type { ProgressMessage } from '../../spec/docker/image.ts';
import { openError } from '../create/files.ts';
import { Exit } from '../errors.ts';
import { say, warn, type Session } from '../session.ts';
import type { BuildContext } from './context.ts';
import { failureLines } from './failure.ts';

/** Of a failed step's output. */
const linesMax = 20;

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
  if (failure !== undefined) return showFailure(session, failure, context, quiet);
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

function showFailure(session: Session, { error = '', errorDetail }: ProgressMessage, { shown }: BuildContext, quiet: boolean): number {
  const { message = error, code, lines = [], output = '' } = errorDetail ?? {};
  // Who wanted to hear nothing has not seen it yet.
  if (quiet) for (const line of output.trimEnd().split('\n').slice(-linesMax)) warn(session, line);
  for (const line of failureLines({ message, code, lines }, shown)) warn(session, line);
  return code ?? 1;
}
