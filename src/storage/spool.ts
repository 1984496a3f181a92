// A spool: bytes that must wait until something that comes later in the same stream says what they are.
import { randomUUID } from 'node:crypto';
import { open, unlink } from 'node:fs/promises';
import { explainDiskFull } from './disk-full.ts';
import type { Spool } from './storage.ts';

const chunkBytes = 1 << 20;

export async function openSpool(rootDir: string): Promise<Spool> {
  const path = `${rootDir}/tmp/spool-${randomUUID()}`;
  const file = await open(path, 'wx+', 0o600);
  await unlink(path);
  let end = 0;
  return {
    async append(bytes) {
      const offset = end;
      try {
        for await (const chunk of bytes) {
          for (let at = 0; at < chunk.length;) at += (await file.write(chunk, at, chunk.length - at, end + at)).bytesWritten;
          end += chunk.length;
        }
      } catch (error) {
        throw explainDiskFull(error, `${rootDir}/tmp`);
      }
      return { offset, sizeBytes: end - offset };
    },
    async *read({ offset, sizeBytes }) {
      for (let at = offset; at < offset + sizeBytes;) {
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(chunkBytes, offset + sizeBytes - at)), { position: at });
        if (bytesRead === 0) throw new Error(`The spool ends at ${at}, before ${offset + sizeBytes}`);
        at += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    },
    [Symbol.asyncDispose]: () => file.close(),
  };
}
