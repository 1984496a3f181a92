import { bodyOf, isDaemonError, readContainerPath, statContainerPath, writeContainerPath } from '../../client/index.ts';
import type { PathStatView } from '../../spec/docker/archive-view.ts';
import { writeTo } from '../archive-output.ts';
import { defineCommand } from '../command.ts';
import { packLocal } from '../copy/pack.ts';
import { cleaned, findSource, findTarget, parseOperand, place, splitPath, type Target } from '../copy/paths.ts';
import { unpackLocal } from '../copy/unpack.ts';
import { Exit } from '../errors.ts';
import { flag } from '../flags.ts';
import { warn, type Session } from '../session.ts';
import { humanSize } from '../units.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n\testiva cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH',
  summary: 'Copy files/folders between a container and the local filesystem',
  aliases: ['container cp', 'cp'],
  flags: {
    archive: flag.on('a', 'What is copied into the container belongs to its user'),
    'follow-link': flag.on('L', 'Copy what a link at SRC_PATH leads to'),
    quiet: flag.on('q', 'Do not say what was copied'),
  },
  operands: { min: 2, max: 2 },
  async run({ values, operands: [from = '', to = ''], session }) {
    if (from === '') throw new Exit(1, 'source can not be empty');
    if (to === '') throw new Exit(1, 'destination can not be empty');
    const [source, target] = [parseOperand(from), parseOperand(to)];
    const options: CopyOptions = { session, followsLinks: values['follow-link'], asUser: values.archive, isQuiet: values.quiet || session.stdout.isTTY !== true };
    if (source.container !== undefined && target.container !== undefined) throw new Exit(1, 'copying between containers is not supported');
    if (source.container !== undefined) await copyOut(source.container, source.path, target.path, options);
    else if (target.container !== undefined) await copyIn(source.path, target.container, target.path, options);
    else throw new Exit(1, 'must specify at least one container source');
    return 0;
  },
});

interface CopyOptions {
  readonly session: Session;
  readonly followsLinks: boolean;
  readonly asUser: boolean;
  readonly isQuiet: boolean;
}

/** Bits of Go's os.FileMode. */
const goDirectory = 2 ** 31;
const goLink = 2 ** 27;
const goTypes = 0x0f200000;

async function copyOut(container: string, path: string, destination: string, { session, followsLinks, isQuiet }: CopyOptions): Promise<void> {
  const target = destination === '-' ? undefined : findTarget(destination);
  const asked = cleaned(path);
  const source = followsLinks ? await linkTarget(session, container, asked) : asked;
  const { stat, tar } = await readContainerPath(session.docker, container, source);
  if (target === undefined) {
    await tar.read((bytes) => writeTo(session.stdout, bytes));
    return;
  }
  try {
    const { directory, name } = place({ isDirectory: stat.mode >= goDirectory, name: stat.name }, target);
    // A link that was followed gives the name.
    const hasFirst = stat.name !== '.' && stat.name !== '/';
    const bytes = await unpackLocal(bodyOf(tar), directory, { name: name ?? (source !== asked && hasFirst ? splitPath(asked)[1] : undefined), hasFirst });
    if (!isQuiet) warn(session, `Successfully copied ${humanSize(bytes)} to ${target.path}`);
  } finally {
    tar.close();
  }
}

async function linkTarget(session: Session, container: string, path: string): Promise<string> {
  const { linkTarget: target, mode } = await statContainerPath(session.docker, container, path);
  return (mode & goLink) === 0 ? path : target;
}

async function copyIn(path: string, container: string, destination: string, { session, followsLinks, asUser, isQuiet }: CopyOptions): Promise<void> {
  const target = await containerTarget(session, container, cleaned(destination));
  const options = { noOverwriteDirNonDir: true, copyUIDGID: asUser };
  if (path === '-') {
    if (target.kind !== 'directory') throw new Exit(1, `destination "${container}:${destination}" must be a directory`);
    await writeContainerPath(session.docker, container, target.path, session.stdin, options);
    return;
  }
  const source = findSource(path, followsLinks);
  const { directory, name } = place(source, target);
  const counter = { bytes: 0 };
  await writeContainerPath(session.docker, container, directory, counted(packLocal(source, name ?? source.name), counter), options);
  if (!isQuiet) warn(session, `Successfully copied ${humanSize(counter.bytes)} to ${container}:${destination}`);
}

/** A link at the destination is followed. That nothing is there is no failure yet: the daemon says whether the directory above it is. */
async function containerTarget(session: Session, container: string, path: string): Promise<Target> {
  const first = await statOf(session, container, path);
  if (first === undefined) return { path, kind: 'missing' };
  const isLink = (first.mode & goLink) !== 0;
  const at = isLink ? first.linkTarget : path;
  const stat = isLink ? await statOf(session, container, at) : first;
  if (stat === undefined) return { path: at, kind: 'missing' };
  const isDirectory = stat.mode >= goDirectory;
  if (!isDirectory && (stat.mode & goTypes) !== 0) throw new Exit(1, `destination "${container}:${path}" must be a directory or a regular file`);
  return { path: at, kind: isDirectory ? 'directory' : 'other' };
}

async function statOf(session: Session, container: string, path: string): Promise<PathStatView | undefined> {
  try {
    return await statContainerPath(session.docker, container, path);
  } catch (error) {
    if (isDaemonError(error, 404)) return undefined;
    throw error;
  }
}

async function* counted(bytes: AsyncIterable<Uint8Array>, counter: { bytes: number }): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of bytes) {
    counter.bytes += chunk.length;
    yield chunk;
  }
}
