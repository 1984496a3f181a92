// A context that stands elsewhere (`remote`): a git repository, an archive on the web, or a Dockerfile alone. Source: Docker's API reference, "Build an image".
import { fail } from '../../../base/index.ts';
import { compressionOf, magicBytes } from '../../../spec/compression.ts';
import { dockerfileBytesMax } from '../../../spec/dockerfile/index.ts';
import { tarHeader, writeTar } from '../../../spec/tar/index.ts';
import { openIn, O, statFd, type Fd } from '../../../kernel/index.ts';
import type { Storage } from '../../../storage/index.ts';
import { isTarStart } from '../archive.ts';
import { piecesOf } from '../digest.ts';
import { parseRemoteContext } from './address.ts';
import { fetchedName, type Fetcher } from './fetcher.ts';

/** A context is a tar, as one that was sent. `isDockerfile`: it has nothing but a Dockerfile, whatever was said of its name. */
export interface RemoteContext extends Disposable {
  readonly tar: AsyncIterable<Uint8Array>;
  readonly isDockerfile: boolean;
}

/** @throws `invalid` for what is no address, and what fetching throws */
export async function openRemoteContext(remote: string, fetcher: Fetcher, { snapshots }: Pick<Storage, 'snapshots'>): Promise<RemoteContext> {
  const address = parseRemoteContext(remote);
  if (address === undefined) throw fail('invalid', `remoteURL (${remote.slice(0, 200)}) could not be recognized as URL`);
  using opened = new DisposableStack();
  const { layer } = address.kind === 'git' ? { layer: await fetcher.repository(address, { keepsGitDir: false }) } : await fetcher.file(address.url, undefined);
  if (address.kind === 'git') return { tar: snapshots.layerTar(layer).bytes, isDockerfile: false, [Symbol.dispose]: () => undefined };
  const file = opened.use(openIn(opened.use(snapshots.openFiles([layer])), fetchedName, O.RDONLY | O.NOFOLLOW, 'plain'));
  const { sizeBytes } = statFd(file);
  const isDockerfile = !isArchiveFile(file, sizeBytes);
  const held = opened.move();
  const bytes = isDockerfile ? writeTar([dockerfileOf(file, sizeBytes, address.url)]) : streamOf(file, sizeBytes);
  return { tar: bytes, isDockerfile, [Symbol.dispose]: () => held.dispose() };
}

function isArchiveFile(file: Fd, sizeBytes: number): boolean {
  const start = Buffer.concat([...piecesOf(file, Math.min(512, sizeBytes))]);
  return start.length >= magicBytes && (compressionOf(start.subarray(0, magicBytes)) !== 'none' || (start.length === 512 && isTarStart(start)));
}

function dockerfileOf(file: Fd, sizeBytes: number, url: URL): { readonly header: ReturnType<typeof tarHeader>; readonly data: Iterable<Uint8Array> } {
  if (sizeBytes > dockerfileBytesMax) throw fail('too_large', `${url.origin}${url.pathname} is no archive, and too large for a Dockerfile: ${sizeBytes} bytes`);
  return { header: tarHeader({ type: 'file', path: 'Dockerfile', sizeBytes }), data: piecesOf(file, sizeBytes) };
}

// eslint-disable-next-line typescript/require-await -- what reads it takes streams
async function* streamOf(file: Fd, sizeBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  yield* piecesOf(file, sizeBytes);
}
