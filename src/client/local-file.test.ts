import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { bytesOfFile, gathered } from './local-file.ts';

test('two files that are sent at the same time keep their bytes; one that became shorter ends in zeros', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'estiva-local-'));
  const length = (5 << 20) + 123;
  const files = ['a', 'b'].map((letter) => {
    const path = join(dir, letter);
    writeFileSync(path, Buffer.alloc(length, letter));
    return { letter, path, fd: openSync(path, 'r') };
  });
  try {
    // A little before each, so that no piece is a chunk.
    const streams = files.map(({ fd, letter }) => gathered((function* pieces() { yield Buffer.from(letter.repeat(7)); yield* bytesOfFile(fd, length); })()));
    const received = files.map(() => 0);
    for (let ended = 0; ended < files.length;) {
      ended = 0;
      for (const [i, stream] of streams.entries()) {
        const { done, value } = await stream.next();
        if (done === true) ended++;
        else {
          assert.ok(Buffer.from(value).equals(Buffer.alloc(value.length, files[i]!.letter)), files[i]!.letter);
          received[i]! += value.length;
        }
      }
    }
    assert.deepEqual(received, [length + 7, length + 7]);
    truncateSync(files[0]!.path, 10);
    const short = Buffer.concat(Array.from(bytesOfFile(files[0]!.fd, 20), (piece) => Buffer.from(piece)));
    assert.deepEqual(short, Buffer.concat([Buffer.alloc(10, 'a'), Buffer.alloc(10)]));
  } finally {
    for (const { fd } of files) closeSync(fd);
    rmSync(dir, { recursive: true });
  }
});
