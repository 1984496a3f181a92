import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
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
    const before = readdirSync('/proc/self/fd').length;
    await removeTree(opened, byteString('tree'), { turnMs: 1, signal: new AbortController().signal });
    assert.deepEqual(readdirSync(dir), ['outside']);
    assert.equal(readdirSync('/proc/self/fd').length, before);
    assert.ok(existsSync(join(dir, 'outside')));
  } finally {
    rmSync(dir, { recursive: true });
  }
});
