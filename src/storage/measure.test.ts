import assert from 'node:assert/strict';
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { call, Fd, O } from '../kernel/index.ts';
import { measureTree } from './measure.ts';

test('measureTree() counts lengths of files, a file of several names once, links by their text, and follows none', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'estiva-measure-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  using top = Fd.open(dir, O.RDONLY | O.DIRECTORY);
  assert.equal(await measureTree(top), 0);
  mkdirSync(join(dir, 'a/b'), { recursive: true });
  writeFileSync(join(dir, 'a/b/file'), 'x'.repeat(1000));
  writeFileSync(join(dir, 'twice'), 'x'.repeat(100));
  linkSync(join(dir, 'twice'), join(dir, 'a/again'));
  symlinkSync('/usr', join(dir, 'away'));
  assert.equal(await measureTree(top), 1000 + 100 + '/usr'.length);
});

test('measureTree() goes deeper than a process has descriptors and a path has bytes', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'estiva-measure-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  let at = Fd.open(dir, O.RDONLY | O.DIRECTORY);
  for (let depth = 0; depth < 300; depth += 1) {
    using parent = at;
    call('mkdirat', parent.number, 'directory-with-a-name', 0o755);
    at = Fd.open('directory-with-a-name', O.RDONLY | O.DIRECTORY, 0, parent);
  }
  using deepest = at;
  using file = Fd.open('file', O.WRONLY | O.CREAT, 0o644, deepest);
  call('write', file.number, Buffer.from('seven..'), 7);
  using top = Fd.open(dir, O.RDONLY | O.DIRECTORY);
  assert.equal(await measureTree(top), 7);
});
