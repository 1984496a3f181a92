import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Fd, O } from '../../kernel/index.ts';
import { stubRemoval } from './stubs.ts';

/** The files before a step, and what it changed. */
function trees(t: TestContext): { readonly before: string; readonly changes: string; readonly clear: (destinations: readonly string[]) => void } {
  const dir = mkdtempSync(join(tmpdir(), 'estiva-stubs-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const [before, changes] = [join(dir, 'before'), join(dir, 'changes')];
  for (const path of [before, changes]) mkdirSync(path);
  return {
    before, changes,
    clear: (destinations) => {
      using root = Fd.open(before, O.RDONLY | O.DIRECTORY);
      using changed = Fd.open(changes, O.RDONLY | O.DIRECTORY);
      stubRemoval(root, destinations)(changed);
    },
  };
}

function make(top: string, ...paths: readonly string[]): void {
  for (const path of paths) {
    if (path.endsWith('/')) mkdirSync(join(top, path), { recursive: true });
    else writeFileSync(join(top, path), '');
  }
}

test('stubRemoval() removes what was made to mount on, and directories that it only passed', (t) => {
  const { before, changes, clear } = trees(t);
  make(before, 'etc/deep/', 'there/');
  make(changes, 'etc/deep/', 'etc/deep/file', 'new/way/dir/', 'there/');
  clear(['/etc/deep/file', '/new/way/dir', '/there']);
  assert.equal(existsSync(join(changes, 'etc')), false);
  assert.equal(existsSync(join(changes, 'new')), false);
  assert.equal(existsSync(join(changes, 'there')), true, 'it was no mount point that had to be made');
});

test('stubRemoval() leaves what the step has put beside it, or changed', (t) => {
  const { before, changes, clear } = trees(t);
  make(before, 'etc/', 'opt/');
  make(changes, 'etc/stub/', 'etc/own', 'opt/stub/', 'made/stub/', 'made/own', 'kept/full/', 'kept/full/own');
  chmodSync(join(changes, 'opt'), 0o700);
  clear(['/etc/stub', '/opt/stub', '/made/stub', '/kept/full']);
  for (const [path, isThere] of [['etc/stub', false], ['etc/own', true], ['opt/stub', false], ['opt', true], ['made/stub', false], ['made/own', true], ['kept/full/own', true]] as const) assert.equal(existsSync(join(changes, path)), isThere, path);
});

test('stubRemoval() goes where links of the files lead, and never out', (t) => {
  const { before, changes, clear } = trees(t);
  make(before, 'run/');
  mkdirSync(join(before, 'var'));
  symlinkSync('../run', join(before, 'var/run'));
  make(changes, 'run/stub/');
  clear(['/var/run/stub']);
  assert.equal(existsSync(join(changes, 'run')), false);
  make(changes, 'away/');
  symlinkSync('/tmp', join(changes, 'link'));
  clear(['/link/x']);
  assert.equal(existsSync('/tmp'), true);
});
