// What `build` sends: a directory as a tar, without what its ignore file names, in the order of names; or an archive as it is. A Dockerfile from elsewhere
// goes with it under a name of its own.
import { realpathSync, statSync } from 'node:fs';
import { relative } from 'node:path';
import type { BuildFile } from '../../spec/estiva/build-check.ts';
import { directoryAsContext, packContext, textEntry, type ContextSource } from '../../client/index.ts';
import { openArchive } from '../create/files.ts';
import { readBuildFiles } from './files.ts';
import { Exit } from '../errors.ts';

export type BuildContext = ContextSource & {
  /** Undefined in an archive: it is not looked into here. */
  readonly shown: BuildFile | undefined;
  /** The daemon fetches it: nothing is sent. */
  readonly remote?: string;
};

const elsewhere = /^(https?:\/\/|git:\/\/|ssh:\/\/|github\.com\/|[\w.-]+@[\w.-]+:)/;

/** `path`: a directory, an archive, an address, or `-` for an archive or a Dockerfile on stdin. @throws Exit with what cannot be read */
export async function openBuildContext(path: string, file: string | undefined, stdin: AsyncIterable<Uint8Array>): Promise<BuildContext> {
  if (elsewhere.test(path)) return { bytes: packContext([]), dockerfile: file ?? 'Dockerfile', shown: undefined, remote: path };
  if (path !== '-' && isFile(path)) return { bytes: openArchive(path), dockerfile: file ?? 'Dockerfile', shown: undefined };
  if (path !== '-') return directoryContext(path, file, stdin);
  const { start, whole } = await peek(stdin);
  if (isArchive(start)) return { bytes: whole, dockerfile: file ?? 'Dockerfile', shown: undefined };
  const { dockerfile } = await readBuildFiles('-', file, whole);
  return { bytes: packContext([textEntry('Dockerfile', dockerfile.text)]), dockerfile: 'Dockerfile', shown: dockerfile };
}

async function directoryContext(path: string, file: string | undefined, stdin: AsyncIterable<Uint8Array>): Promise<BuildContext> {
  const { dockerfile, ignoreFile } = await readBuildFiles(path, file, stdin);
  const root = realDirectory(path);
  const inside = file === '-' ? undefined : insideOf(root, dockerfile.name);
  return { ...directoryAsContext(root, { inside, dockerfile: dockerfile.text, ignoreFile: ignoreFile?.text }), shown: dockerfile };
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function realDirectory(path: string): string {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) throw new Exit(1, `ERROR: unable to prepare context: path ${JSON.stringify(path)} not found`);
  return realpathSync(path);
}

/** Where a file is in a directory; undefined: elsewhere. */
function insideOf(root: string, path: string): string | undefined {
  const found = relative(root, realpathSync(path));
  return found === '' || found === '..' || found.startsWith('../') ? undefined : found;
}

async function peek(stdin: AsyncIterable<Uint8Array>): Promise<{ readonly start: Buffer; readonly whole: AsyncIterable<Uint8Array> }> {
  const iterator = stdin[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  let length = 0;
  while (length < 512) {
    const next = await iterator.next();
    if (next.done === true) break;
    first.push(next.value);
    length += next.value.length;
  }
  const whole = (async function* whole() {
    yield* first;
    yield* { [Symbol.asyncIterator]: () => iterator };
  })();
  return { start: Buffer.concat(first), whole };
}

/** A tar, or something compressed: gzip, bzip2, xz, zstd. */
function isArchive(bytes: Buffer): boolean {
  return bytes.subarray(257, 262).toString('latin1') === 'ustar' || ['1f8b', '425a68', 'fd377a', '28b52f'].some((magic) => bytes.subarray(0, 3).toString('hex').startsWith(magic));
}
