// The context of a build: a tar that is unpacked below tmp/ for the time of the build, or a tree that is kept (contexts/). What .dockerignore names is not there for COPY; clients mostly
// leave it out already, but for the Dockerfile and .dockerignore, which the build itself needs.
import { fail, isFail } from '../../base/index.ts';
import { isKernelError, O, openIn, readFileIn, type Fd } from '../../kernel/index.ts';
import { decompress } from '../../spec/compression.ts';
import { dockerfileBytesMax, parseIgnoreFile } from '../../spec/dockerfile/index.ts';
import { unpackInto, type Storage } from '../../storage/index.ts';
import type { Contexts } from '../contexts/index.ts';
import type { SourceTree } from './sources.ts';

const ignoreBytesMax = 1 << 20;

export interface Context extends Disposable {
  readonly tree: SourceTree;
  readonly dockerfile: string;
}

/** A tar, plain or compressed; or the id of a context that was delivered before. */
export type ContextSource = AsyncIterable<Uint8Array> | { readonly delivered: string };

/** @throws `invalid` for a broken tar, and in dockerd's words when there is no such Dockerfile */
export async function openContext(room: { readonly storage: Storage; readonly contexts: Contexts }, source: ContextSource, dockerfile: string, signal: AbortSignal): Promise<Context> {
  using undo = new DisposableStack();
  const { root, kept } = undo.use('delivered' in source ? room.contexts.take(source.delivered) : await unpacked(room.storage, source, signal));
  const text = read(root, dockerfile, dockerfileBytesMax) ?? (dockerfile === 'Dockerfile' ? read(root, 'dockerfile', dockerfileBytesMax) : undefined);
  if (text === undefined) throw fail('invalid', `Cannot locate specified Dockerfile: ${dockerfile}`, { hint: 'Its path is relative to the context' });
  const ignoreText = read(root, `${dockerfile}.dockerignore`, ignoreBytesMax) ?? read(root, '.dockerignore', ignoreBytesMax) ?? '';
  const ignored = parseIgnoreFile(ignoreText);
  // A Dockerfile from elsewhere, which the client has put in.
  const foreign = new Set(/^\.dockerfile\.[0-9a-f]+$/.test(dockerfile) ? [dockerfile, `${dockerfile}.dockerignore`] : []);
  const hides = (path: string): boolean => foreign.has(path) || (ignored.rules.length > 0 && path !== '.' && ignored.ignores(path));
  const held = undo.move();
  return { dockerfile: text, tree: { root, hides, isContext: true, ...kept === undefined ? {} : { sha256Of: kept.sha256Of, memory: kept.memoryOf(dockerfile) } }, [Symbol.dispose]: () => held.dispose() };
}

async function unpacked(storage: Storage, tar: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Disposable & { readonly root: Fd; readonly kept: undefined }> {
  using undo = new DisposableStack();
  const scratch = undo.use(storage.snapshots.scratch());
  await unpackInto(openIn(scratch.dir, '.', O.RDONLY | O.DIRECTORY, 'plain'), decompress(tar), { keepsKinds: false, owner: { uid: 0, gid: 0 } }, storage.rootDir, signal);
  undo.move();
  return { root: scratch.dir, kept: undefined, [Symbol.dispose]: () => scratch[Symbol.dispose]() };
}

function read(dir: Fd, path: string, bytesMax: number): string | undefined {
  try {
    const bytes = readFileIn(dir, path.replace(/^\/+/, ''), bytesMax, 'inside');
    return bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8');
  } catch (error) {
    if (isFail(error) || !isKernelError(error)) throw error;
    throw fail('invalid', `Cannot read ${JSON.stringify(path)} of the context: ${error.code === 'EFBIG' ? `it is larger than ${bytesMax} bytes` : 'it is no regular file'}`, { cause: error });
  }
}
