// Files of a log that are full are kept compressed: `file.1` becomes `file.1.gz`, off the main thread, while the log goes on.
//
// The file may be renamed meanwhile (the next rotation): the result is put beside wherever it is by then. A reader takes the plain file where there
// are both, so a crash between putting and removing costs nothing.
import { createReadStream, createWriteStream, renameSync, rmSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { constants, createGunzip, createGzip } from 'node:zlib';
import { Fd, O } from '../../kernel/index.ts';

const chunkBytes = 256 * 1024;
/** O_TMPFILE of linux/fcntl.h, without the O_DIRECTORY that belongs to it. */
const temporaryFile = 0o20000000;

/** Compresses the file at `path`; `placeNow` says where it is when that is done, undefined when it is needed no more. @throws what the disk says; then the file is as it was */
export async function compressFile(path: string, working: string, placeNow: () => string | undefined, signal: AbortSignal): Promise<void> {
  try {
    const gzip = createGzip({ level: constants.Z_BEST_SPEED, chunkSize: chunkBytes });
    await pipeline(createReadStream(path, { highWaterMark: chunkBytes }), gzip, createWriteStream(working, { mode: 0o640 }), { signal });
    const place = placeNow();
    if (place === undefined || signal.aborted) return;
    renameSync(working, `${place}.gz`);
    rmSync(place);
  } finally {
    rmSync(working, { force: true });
  }
}

/** The plain content, in a file without a name beside it: gone when it is closed. */
export async function unpack(packed: Fd, directory: string): Promise<Fd> {
  using undo = new DisposableStack();
  const plain = undo.use(Fd.open(directory, O.RDWR | O.DIRECTORY | temporaryFile, 0o600));
  const source = createReadStream('', { fd: packed.number, autoClose: false, highWaterMark: chunkBytes });
  await pipeline(source, createGunzip({ chunkSize: chunkBytes }), createWriteStream('', { fd: plain.number, autoClose: false }));
  undo.move();
  return plain;
}
