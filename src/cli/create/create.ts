// What run and create do alike: make the container, fetching the image when it is not there, and say the daemon's warnings.
import { closeSync, existsSync, openSync, writeSync } from 'node:fs';
import { createContainer, isDaemonError, pullImage, type CreateBody } from '../../client/index.ts';
import { parseReference } from '../../spec/reference.ts';
import { Complaint } from '../errors.ts';
import { progressView } from '../progress.ts';
import { splitReference } from '../reference.ts';
import { warn, type Session } from '../session.ts';
import type { CreateValues } from './body.ts';

/** Returns the id. */
export async function create(session: Session, values: CreateValues, body: CreateBody): Promise<string> {
  const { cidfile } = values;
  checkPull(values.pull);
  if (cidfile !== undefined && cidfile !== '' && existsSync(cidfile)) {
    throw new Complaint(`container ID file found, make sure the other container isn't running or delete ${cidfile}`);
  }
  const platform = values.platform ?? session.environment['DOCKER_DEFAULT_PLATFORM'];
  const options = { name: values.name, platform };
  const pulling = { platform, isQuiet: values.quiet };
  if (values.pull === 'always') await pull(session, body.Image ?? '', pulling);
  const { Id, Warnings } = await createContainer(session.docker, body, options).catch(async (error: unknown) => {
    if (!isDaemonError(error, 404) || values.pull === 'never' || !isImageMissing(error)) throw error;
    if (!values.quiet) warn(session, `Unable to find image '${nameOf(body.Image ?? '')}' locally`);
    await pull(session, body.Image ?? '', pulling);
    return createContainer(session.docker, body, options);
  });
  for (const warning of Warnings ?? []) warn(session, `WARNING: ${warning}`);
  if (cidfile !== undefined && cidfile !== '') writeNew(cidfile, Id);
  return Id;
}

function checkPull(pull: string | undefined): void {
  if (pull === undefined || ['', 'always', 'missing', 'never'].includes(pull)) return;
  throw new Complaint(`invalid pull option: '${pull}': must be one of "always", "missing" or "never"`);
}

/** A 404 of create may also be about a network or a container to join: only the daemon's sentence tells them apart. */
function isImageMissing(error: Error): boolean {
  return /no such image|was found but its platform/i.test(error.message);
}

function nameOf(image: string): string {
  const { name, tag, digest } = splitReference(image);
  return digest === undefined ? `${name}:${tag ?? 'latest'}` : `${name}@${digest}`;
}

async function pull(session: Session, image: string, { platform, isQuiet }: { readonly platform: string | undefined; readonly isQuiet: boolean }): Promise<void> {
  const { name, tag, digest } = splitReference(image);
  // Loaded when something is pulled only: most creates find their image.
  const { authHeaders } = await import('../credentials/kept.ts');
  // Into stderr: stdout is the container's, or the id's.
  await pullImage(session.docker, name, digest ?? tag ?? 'latest', { platform, headers: await authHeaders(session, parseReference(image).domain) }, isQuiet ? () => undefined : progressView(session.stderr));
}

/** Never overwrites: two runs must not share one file. */
function writeNew(path: string, id: string): void {
  const fd = openSync(path, 'wx', 0o644);
  try {
    writeSync(fd, id);
  } finally {
    closeSync(fd);
  }
}
