// A build as the command line shows it: the daemon's messages as they come, at the end the image; for a step that failed, its lines in the Dockerfile and
// what its exit code means.
import { writeFileSync } from 'node:fs';
import { buildImage, type BuildImageOptions } from '../../client/index.ts';
import type { ProgressMessage } from '../../spec/docker/image.ts';
import { canonicalReference, parseReference, withDefaultTag } from '../../spec/reference.ts';
import { openError } from '../create/files.ts';
import { Exit } from '../errors.ts';
import { warn, type Session } from '../session.ts';
import type { BuildContext } from './context.ts';
import { failureLines } from './failure.ts';
import { openSink, type OutputChoice } from './output.ts';

/** Of a failed step's output. */
const linesMax = 20;

export interface RunOptions extends BuildImageOptions {
  readonly quiet: boolean;
  readonly idFile: string | undefined;
  /** buildx's fields of what came out. */
  readonly metadataFile: string | undefined;
  readonly output: OutputChoice | undefined;
}

/** Gives the exit code: the step's, where one failed. */
export async function runBuild(session: Session, context: BuildContext, { quiet, idFile, metadataFile, output, ...options }: RunOptions): Promise<number> {
  using sink = output?.dest === undefined ? undefined : openSink(session, output);
  // Where stdout is the archive, what is said about the build goes elsewhere.
  const progress = output?.dest === '-' ? session.stderr : session.stdout;
  let id: string | undefined;
  let manifest: string | undefined;
  let failure: ProgressMessage | undefined;
  const onBytes = sink === undefined ? undefined : (bytes: Buffer) => sink.write(bytes);
  await buildImage(session.docker, context, { ...options, onBytes }, (message) => {
    if (message.error !== undefined) failure = message;
    else if (message.stream !== undefined && !quiet) progress.write(message.stream);
    else if (message.status !== undefined && !quiet) progress.write(`${message.status}\n`);
    id = textIn(message.aux, 'ID') ?? id;
    manifest = textIn(message.aux, 'estiva.manifest') ?? textIn(message.aux, 'Digest') ?? manifest;
  });
  if (failure !== undefined) return showFailure(session, failure, context, quiet);
  if (id === undefined) throw new Exit(1, 'ERROR: the daemon did not say which image it has built');
  await sink?.finish();
  if (quiet) progress.write(`${id}\n`);
  if (idFile !== undefined) writeResult(idFile, id, 'its id');
  if (metadataFile !== undefined) writeResult(metadataFile, metadataText({ id, manifest: manifest ?? id, names: options.tags }), 'what is to be said of it');
  return 0;
}

function textIn(aux: unknown, name: string): string | undefined {
  const value: unknown = typeof aux === 'object' && aux !== null ? (aux as Readonly<Record<string, unknown>>)[name] : undefined;
  return typeof value === 'string' ? value : undefined;
}

/** What has no manifest here is known by its id, as with buildx's driver "docker". */
function metadataText({ id, manifest, names }: { readonly id: string; readonly manifest: string; readonly names: readonly string[] }): string {
  const name = names.map((one) => canonicalReference(withDefaultTag(parseReference(one)))).join(',');
  return `${JSON.stringify({ 'containerimage.config.digest': id, 'containerimage.digest': manifest, ...name === '' ? {} : { 'image.name': name } }, undefined, 2)}\n`;
}

function writeResult(path: string, text: string, what: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new Exit(1, `ERROR: the image is built, but ${what} could not be written: ${openError(path, error)}`);
  }
}

function showFailure(session: Session, { error = '', errorDetail }: ProgressMessage, { shown }: BuildContext, quiet: boolean): number {
  const { message = error, code, lines = [], output = '' } = errorDetail ?? {};
  // Who wanted to hear nothing has not seen it yet.
  if (quiet) for (const line of output.trimEnd().split('\n').slice(-linesMax)) warn(session, line);
  for (const line of failureLines({ message, code, lines }, shown)) warn(session, line);
  return code ?? 1;
}
