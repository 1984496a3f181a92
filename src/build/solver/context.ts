// The context of a build: a tar that is unpacked below tmp/ for the time of the build. What .dockerignore names is not there for COPY; clients mostly
// leave it out already, but for the Dockerfile and .dockerignore, which the build itself needs.
import { fail, isFail } from '../../base/index.ts';
import { isKernelError, O, openIn, readFileIn } from '../../kernel/index.ts';
import { decompress } from '../../spec/compression.ts';
import { dockerfileBytesMax, parseIgnoreFile } from '../../spec/dockerfile/index.ts';
import { unpackInto, type Scratch, type Storage } from '../../storage/index.ts';
import type { SourceTree } from './sources.ts';

const ignoreBytesMax = 1 << 20;

export interface Context extends Disposable {
  readonly tree: SourceTree;
  readonly dockerfile: string;
}

/** @throws `invalid` for a broken tar, and in dockerd's words when there is no such Dockerfile */
export async function openContext(storage: Storage, tar: AsyncIterable<Uint8Array>, dockerfile: string, signal: AbortSignal): Promise<Context> {
  using undo = new DisposableStack();
  const scratch = undo.use(storage.snapshots.scratch());
  await unpackInto(openIn(scratch.dir, '.', O.RDONLY | O.DIRECTORY, 'plain'), decompress(tar), { keepsKinds: false, owner: { uid: 0, gid: 0 } }, storage.rootDir, signal);
  const text = read(scratch, dockerfile, dockerfileBytesMax) ?? (dockerfile === 'Dockerfile' ? read(scratch, 'dockerfile', dockerfileBytesMax) : undefined);
  if (text === undefined) throw fail('invalid', `Cannot locate specified Dockerfile: ${dockerfile}`, { hint: 'Its path is relative to the context' });
  const ignoreText = read(scratch, `${dockerfile}.dockerignore`, ignoreBytesMax) ?? read(scratch, '.dockerignore', ignoreBytesMax) ?? '';
  const ignored = parseIgnoreFile(ignoreText);
  // A Dockerfile from elsewhere, which the client has put in.
  const foreign = new Set(/^\.dockerfile\.[0-9a-f]+$/.test(dockerfile) ? [dockerfile, `${dockerfile}.dockerignore`] : []);
  const hides = (path: string): boolean => foreign.has(path) || (ignored.rules.length > 0 && path !== '.' && ignored.ignores(path));
  undo.move();
  return { dockerfile: text, tree: { root: scratch.dir, hides, isContext: true }, [Symbol.dispose]: () => scratch[Symbol.dispose]() };
}

function read({ dir }: Scratch, path: string, bytesMax: number): string | undefined {
  try {
    const bytes = readFileIn(dir, path.replace(/^\/+/, ''), bytesMax, 'inside');
    return bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8');
  } catch (error) {
    if (isFail(error) || !isKernelError(error)) throw error;
    throw fail('invalid', `Cannot read ${JSON.stringify(path)} of the context: ${error.code === 'EFBIG' ? `it is larger than ${bytesMax} bytes` : 'it is no regular file'}`, { cause: error });
  }
}
