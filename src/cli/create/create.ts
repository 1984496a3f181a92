// What run and create do alike: make the container, fetching the image when it is not there, and say the daemon's warnings.
import { closeSync, existsSync, openSync, writeSync } from 'node:fs';
import { createContainer, isDaemonError, pullImage, type CreateBody } from '../../client/index.ts';
import { Complaint } from '../errors.ts';
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
  const { Id, Warnings } = await createContainer(session.docker, body, options).catch(async (error: unknown) => {
    if (!isDaemonError(error, 404) || values.pull === 'never' || !isImageMissing(error)) throw error;
    await pull(session, body.Image ?? '', { platform, isQuiet: values.quiet });
    return createContainer(session.docker, body, options);
  });
  for (const warning of Warnings ?? []) warn(session, `WARNING: ${warning}`);
  if (cidfile !== undefined && cidfile !== '') writeNew(cidfile, Id);
  return Id;
}

function checkPull(pull: string | undefined): void {
  if (pull === undefined || ['', 'missing', 'never'].includes(pull)) return;
  if (pull === 'always') throw new Complaint('--pull always is not there yet in Estiva: pulling comes later; load or import the image');
  throw new Complaint(`invalid pull option: '${pull}': must be one of "always", "missing" or "never"`);
}

/** A 404 of create may also be about a network or a container to join: only the daemon's sentence tells them apart. */
function isImageMissing(error: Error): boolean {
  return /no such image/i.test(error.message);
}

async function pull(session: Session, image: string, { platform, isQuiet }: { readonly platform: string | undefined; readonly isQuiet: boolean }): Promise<void> {
  const { name, tag, digest } = splitReference(image);
  warn(session, `Unable to find image '${name}${digest === undefined ? `:${tag ?? 'latest'}` : `@${digest}`}' locally`);
  await pullImage(session.docker, name, digest ?? tag ?? 'latest', platform, ({ id, status }) => {
    if (!isQuiet && status !== undefined) warn(session, id === undefined ? status : `${id}: ${status}`);
  });
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
