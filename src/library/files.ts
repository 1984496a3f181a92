// Files of a container as a program has them: by name and content, or as a tar. It makes no difference whether the container runs.
import { fail } from '../base/index.ts';
import type { Containers } from '../engine/index.ts';
import { readTar, tarHeader, writeTar, type TarMember } from '../spec/tar/index.ts';

/** Path → content, relative to the directory that is copied into (directories on the way are made); or a tar, plain, gzip or zstd. */
export type FilesToCopy = Readonly<Record<string, string | Uint8Array>> | AsyncIterable<Uint8Array>;

export interface CopyInOptions {
  /** Everything becomes the container's user's. Else as the tar says, and root's for files given by name. */
  readonly asUser?: boolean;
  /** Ends the copy; what is there by then stays. */
  readonly signal?: AbortSignal;
}

export interface ReadFileOptions {
  /** A longer file is refused. 64 MiB unless given. */
  readonly bytesMax?: number;
}

const bytesMaxDefault = 64 << 20;

export async function copyIn(containers: Containers, id: string, directory: string, files: FilesToCopy, { asUser = false, signal = new AbortController().signal }: CopyInOptions = {}): Promise<void> {
  await containers.writeArchive(id, directory, isTar(files) ? files : writeTar(Object.entries(files).map(memberOf)), { keepsKinds: true, asUser, signal });
}

function isTar(files: FilesToCopy): files is AsyncIterable<Uint8Array> {
  return Symbol.asyncIterator in files;
}

function memberOf([path, content]: readonly [path: string, content: string | Uint8Array]): TarMember {
  const bytes = Buffer.from(content);
  return { header: tarHeader({ type: 'file', path, sizeBytes: bytes.length, mtimeSeconds: Math.floor(Date.now() / 1000) }), data: [bytes] };
}

/** Each piece is its reader's to keep. */
export async function* copyOut(containers: Containers, id: string, path: string): AsyncGenerator<Uint8Array, void, undefined> {
  await using archive = await containers.readArchive(id, path);
  for await (const piece of archive.bytes) yield Buffer.from(piece);
}

export async function readFile(containers: Containers, id: string, path: string, { bytesMax = bytesMaxDefault }: ReadFileOptions = {}): Promise<Buffer> {
  const { linkTarget } = await containers.statPath(id, path);
  await using archive = await containers.readArchive(id, linkTarget === '' ? path : linkTarget);
  for await (const { type, sizeBytes, data } of readTar(archive.bytes)) {
    if (type !== 'file') throw fail('invalid', `Cannot read ${JSON.stringify(path)}: it is no file but a ${type}`, { hint: 'copyOut() gives a tar of whatever it is' });
    if (sizeBytes > bytesMax) throw fail('too_large', `Cannot read ${JSON.stringify(path)}: it has ${sizeBytes} bytes, more than ${bytesMax}`, { hint: 'Raise bytesMax, or read the tar that copyOut() gives' });
    return Buffer.concat(await Array.fromAsync(data(), (piece) => Buffer.from(piece)));
  }
  throw fail('not_found', `Cannot read ${JSON.stringify(path)}: it is gone`);
}
