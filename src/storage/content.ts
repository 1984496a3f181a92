// The content store: bytes by their digest, in blobs/sha256/<hex>. A blob is written under tmp/, verified while it streams, made durable, and only
// then moved to its name: a name in blobs/ always means whole and verified content. It is verified again whenever it is read.
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { open, readFile, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { digestOf, fail, hexOf, parseDigest, type Digest } from '../base/index.ts';
import { Fd, O } from '../kernel/index.ts';
import { explainDiskFull } from './disk-full.ts';
import type { Content, Intake } from './storage.ts';
import type { Trash } from './trash.ts';

type Expected = NonNullable<Parameters<Content['write']>[1]>;

const pieceBytes = 1 << 20;

export function openContent(rootDir: string, trash: Trash): Content {
  const blobsDir = `${rootDir}/blobs/sha256`;
  const pathOf = (digest: Digest): string => `${blobsDir}/${hexOf(digest)}`;
  return {
    async write(bytes, expected = {}) {
      const isThere = expected.digest !== undefined && existsSync(pathOf(expected.digest));
      if (isThere) return verify(bytes, expected);
      const tmpPath = `${rootDir}/tmp/blob-${randomUUID()}`;
      try {
        await using file = await open(tmpPath, 'wx', 0o600);
        const written = await verify(append(file, bytes), expected);
        await file.sync();
        await rename(tmpPath, pathOf(written.digest));
        await syncDirectory(blobsDir);
        return written;
      } catch (error) {
        await rm(tmpPath, { force: true });
        throw explainDiskFull(error, blobsDir);
      }
    },
    async read(digest, bytesMax) {
      const path = pathOf(digest);
      const { size } = await stat(path).catch((error: unknown) => {
        throw isMissing(error) ? fail('not_found', `No such content: ${digest}`, { cause: error }) : error;
      });
      if (size > bytesMax) throw fail('too_large', `Content ${digest} has ${size} bytes, more than ${bytesMax}`);
      const bytes = await readFile(path);
      if (digestOf(bytes) !== digest) throw fail('internal', `Content ${digest} is damaged on disk: ${JSON.stringify(path)}`, { hint: 'Load or pull the image again' });
      return bytes;
    },
    async* stream(digest) {
      await using file = await open(pathOf(digest), 'r').catch((error: unknown) => {
        throw isMissing(error) ? fail('not_found', `No such content: ${digest}`, { cause: error }) : error;
      });
      const pieces = file.createReadStream({ autoClose: false, highWaterMark: pieceBytes }) as AsyncIterable<Uint8Array>;
      const hash = createHash('sha256');
      for await (const piece of pieces) {
        hash.update(piece);
        yield piece;
      }
      if (`sha256:${hash.digest('hex')}` !== digest) throw fail('internal', `Content ${digest} is damaged on disk: ${JSON.stringify(pathOf(digest))}`, { hint: 'Load or pull the image again' });
    },
    async intake(source, expected) {
      const tmpPath = `${rootDir}/tmp/blob-${randomUUID()}`;
      return intake(await open(tmpPath, 'wx', 0o600), { tmpPath, path: pathOf(expected.digest) }, source, expected);
    },
    has: (digest) => existsSync(pathOf(digest)),
    list: () => readdirSync(blobsDir).filter((name) => /^[0-9a-f]{64}$/.test(name)).map((hex) => parseDigest(`sha256:${hex}`)),
    sizeBytes: (digest) => statSync(pathOf(digest), { throwIfNoEntry: false })?.size,
    remove(digest) {
      using dir = Fd.open(blobsDir, O.RDONLY | O.DIRECTORY);
      trash.discard(dir, hexOf(digest));
    },
  };
}

function intake(file: FileHandle, { tmpPath, path }: { readonly tmpPath: string; readonly path: string }, source: AsyncIterable<Uint8Array>, expected: Expected): Intake {
  async function* bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    const hash = createHash('sha256');
    let sizeBytes = 0;
    for await (const chunk of source) {
      // Written while it is put to use.
      const written = file.writeFile(chunk);
      written.catch(() => undefined);
      hash.update(chunk);
      sizeBytes += chunk.length;
      if (sizeBytes > expected.sizeBytes!) break;
      yield chunk;
      await written.catch((error: unknown) => { throw explainDiskFull(error, path); });
    }
    compare({ digest: `sha256:${hash.digest('hex')}` as Digest, sizeBytes }, expected);
  }
  return {
    bytes: bytes(),
    keep: () => rename(tmpPath, path),
    async [Symbol.asyncDispose]() {
      await file.close();
      await rm(tmpPath, { force: true });
    },
  };
}

/** Reads `bytes` to the end and compares. @throws `invalid` */
async function verify(bytes: AsyncIterable<Uint8Array>, expected: Expected): Promise<{ readonly digest: Digest; readonly sizeBytes: number }> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of bytes) {
    hash.update(chunk);
    sizeBytes += chunk.length;
    if (expected.sizeBytes !== undefined && sizeBytes > expected.sizeBytes) break;
  }
  return compare({ digest: `sha256:${hash.digest('hex')}` as Digest, sizeBytes }, expected);
}

function compare({ digest, sizeBytes }: { readonly digest: Digest; readonly sizeBytes: number }, expected: Expected): { readonly digest: Digest; readonly sizeBytes: number } {
  if (expected.sizeBytes !== undefined && sizeBytes !== expected.sizeBytes) {
    throw fail('invalid', `Content ${expected.digest ?? ''} has ${sizeBytes > expected.sizeBytes ? 'more than' : `${sizeBytes} instead of`} ${expected.sizeBytes} bytes`);
  }
  if (expected.digest !== undefined && digest !== expected.digest) throw fail('invalid', `Content does not match its digest: expected ${expected.digest}, got ${digest}`);
  return { digest, sizeBytes };
}

async function* append(file: FileHandle, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of bytes) {
    await file.writeFile(chunk);
    yield chunk;
  }
}

/** Makes a rename in `dir` durable. */
async function syncDirectory(dir: string): Promise<void> {
  await using handle = await open(dir, 'r');
  await handle.sync();
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
