import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Fd, O } from '../kernel/index.ts';
import { byteString } from '../spec/tar/index.ts';
import { removeTree } from './remove-tree.ts';

test('removeTree() removes more files than it holds at a time, follows no link, and lets go of every descriptor', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'estiva-remove-tree-'));
  try {
    writeFileSync(join(dir, 'outside'), 'stays');
    mkdirSync(join(dir, 'tree/a/b'), { recursive: true });
    for (let i = 0; i < 100; i++) writeFileSync(join(dir, 'tree/a', `file-${i}`), 'x');
    symlinkSync(join(dir, 'outside'), join(dir, 'tree/link'));
    using opened = Fd.open(dir, O.RDONLY | O.DIRECTORY);
    const within = (): readonly string[] => readdirSync('/proc/self/fd').map((fd) => linkOf(`/proc/self/fd/${fd}`)).filter((path) => path.startsWith(dir));
    await removeTree(opened, byteString('tree'), { turnMs: 1, signal: new AbortController().signal });
    assert.deepEqual(readdirSync(dir), ['outside']);
    assert.deepEqual(within(), [dir], 'nothing but what the test holds itself');
    assert.ok(existsSync(join(dir, 'outside')));
  } finally {
    rmSync(dir, { recursive: true });
  }
});

/** '' for a descriptor that another test has closed meanwhile. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
