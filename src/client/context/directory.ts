// A directory and its Dockerfile as what a build is sent. A Dockerfile from elsewhere goes with it under a name of its own.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { fail } from '../../base/index.ts';
import { contextKey } from './key.ts';
import { leaveOut, said, textEntry, walkContext, type WalkedEntry } from './walk.ts';

/** What a build is made from: the bytes of a tar, or a directory, which is walked when it is sent. */
export type ContextSource = {
  /** In the context. */
  readonly dockerfile: string;
} & ({ readonly bytes: AsyncIterable<Uint8Array> } | { readonly key: string; readonly entries: Iterable<WalkedEntry> });

export interface DirectoryFiles {
  /** Path of the Dockerfile in the directory; undefined: it is from elsewhere. */
  readonly inside: string | undefined;
  /** Its text. */
  readonly dockerfile: string;
  /** Text of its ignore file. */
  readonly ignoreFile: string | undefined;
}

/** `root`: absolute, without links. */
export function directoryAsContext(root: string, { inside, dockerfile, ignoreFile }: DirectoryFiles): ContextSource {
  const name = inside ?? `.dockerfile.${createHash('sha256').update(dockerfile).digest('hex').slice(0, 20)}`;
  const ignoreName = `${name}.dockerignore`;
  const more = inside === undefined ? [textEntry(name, dockerfile), ...ignoreFile === undefined ? [] : [textEntry(ignoreName, ignoreFile)]] : [];
  const leavesOut = leaveOut(ignoreFile ?? '', new Set([name, ignoreName, '.dockerignore']));
  const own = new Set<string>(more.map(({ path }) => path));
  return { dockerfile: name, key: contextKey(root), entries: walk(root, (path, isDirectory) => (own.has(path) ? 'yes' : leavesOut(path, isDirectory)), more) };
}

/** For programs. `dockerfile`: its path in the directory. @throws `not_found`, `invalid` for what cannot be read */
export function contextOfDirectory(directory: string, dockerfile = 'Dockerfile'): ContextSource {
  const read = (name: string): string | undefined => said('open', Buffer.from(join(directory, name)), () => (existsSync(join(directory, name)) ? readFileSync(join(directory, name), 'utf8') : undefined));
  const text = read(dockerfile);
  if (text === undefined) throw fail('not_found', `Cannot build ${JSON.stringify(directory)}: there is no ${JSON.stringify(dockerfile)} in it`, { hint: 'The Dockerfile is named by its path in the context' });
  return directoryAsContext(realpathSync(directory), { inside: normalize(dockerfile), dockerfile: text, ignoreFile: read(`${dockerfile}.dockerignore`) ?? read('.dockerignore') });
}

function* walk(root: string, leavesOut: Parameters<typeof walkContext>[1], more: readonly WalkedEntry[]): Generator<WalkedEntry, void, undefined> {
  yield* walkContext(root, leavesOut);
  yield* more;
}
