// What `build` reads on the client's side: the Dockerfile, and the .dockerignore that goes with it. Source: Docker's CLI reference, `docker build`.
import { openSync, readSync, closeSync, fstatSync } from 'node:fs';
import { join } from 'node:path';
import { dockerfileBytesMax } from '../../spec/dockerfile/index.ts';
import type { BuildFile } from '../../spec/estiva/build-check.ts';
import { openError } from '../create/files.ts';
import { Exit } from '../errors.ts';

export interface BuildFiles {
  readonly dockerfile: BuildFile;
  readonly ignoreFile: BuildFile | null;
}

/** `path` is a directory, or `-` for a Dockerfile on stdin; `file` another Dockerfile, from the working directory, or `-`. */
export async function readBuildFiles(path: string, file: string | undefined, stdin: AsyncIterable<Uint8Array>): Promise<BuildFiles> {
  if (path === '-' && file !== undefined && file !== '-') throw new Exit(1, 'ERROR: an archive on stdin comes later: give a directory with -f, or the Dockerfile on stdin');
  if (path === '-' || file === '-') return { dockerfile: { name: 'Dockerfile', text: await readStdin(stdin) }, ignoreFile: path === '-' ? null : readIfThere(join(path, '.dockerignore')) };
  if (/^(https?:\/\/|git:\/\/|git@|ssh:\/\/|github\.com\/)/.test(path)) throw new Exit(1, `ERROR: a context elsewhere (${path}) can be built, but not looked at: clone it, and give the directory`);
  const found = file ?? ['Dockerfile', 'dockerfile'].map((name) => join(path, name)).find((one) => readIfThere(one) !== null) ?? join(path, 'Dockerfile');
  const dockerfile = readIfThere(found);
  if (dockerfile === null) throw new Exit(1, `ERROR: failed to read dockerfile: ${openError(found, Object.assign(new Error(), { code: 'ENOENT' }))}`);
  return { dockerfile, ignoreFile: readIfThere(`${found}.dockerignore`) ?? readIfThere(join(path, '.dockerignore')) };
}

function readIfThere(path: string): BuildFile | null {
  try {
    return { name: path, text: readStart(path).toString('utf8') };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw new Exit(1, `ERROR: failed to read dockerfile: ${openError(path, error)}`);
  }
}

/** One byte more than the daemon takes: it says which limit was met, and where. */
function readStart(path: string): Buffer {
  const fd = openSync(path, 'r');
  try {
    if (fstatSync(fd).isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' });
    const buffer = Buffer.allocUnsafe(dockerfileBytesMax + 1);
    let length = 0;
    for (let count = -1; count !== 0 && length < buffer.length; length += count) count = readSync(fd, buffer, length, buffer.length - length, null);
    return buffer.subarray(0, length);
  } finally {
    closeSync(fd);
  }
}

async function readStdin(stdin: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stdin) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > dockerfileBytesMax) break;
  }
  const bytes = Buffer.concat(chunks).subarray(0, dockerfileBytesMax + 1);
  if (isArchive(bytes)) throw new Exit(1, 'ERROR: an archive on stdin comes later: give a directory, or the Dockerfile alone');
  return bytes.toString('utf8');
}

/** A tar, or something compressed: gzip, bzip2, xz, zstd. */
function isArchive(bytes: Buffer): boolean {
  return bytes.subarray(257, 262).toString('latin1') === 'ustar' || ['1f8b', '425a68', 'fd377a', '28b52f'].some((magic) => bytes.subarray(0, 3).toString('hex').startsWith(magic));
}
