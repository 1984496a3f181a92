import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Exploration, FileChange } from '../../spec/estiva/exploration.ts';
import { pageOf } from './page.ts';
import { instructionOf, summaryLines } from './summary.ts';
import { treeLines } from './tree.ts';

const change = (path: string, more: Partial<FileChange> = {}): FileChange => ({ path, change: 'added', kind: 'file', sizeBytes: 0, mode: 0o644, uid: 0, gid: 0, mtimeMs: 0, ...more });

const exploration: Exploration = {
  id: `sha256:${'0'.repeat(64)}`, tags: [], sizeBytes: 3000, wastedBytes: 1, efficiency: 0.99999, wasted: [], duplicates: [],
  layers: [{ number: 1, diffId: 'sha256:1', createdBy: '/bin/sh -c #(nop)  CMD ["sh"]', sizeBytes: 3000, wastedBytes: 1, added: 1, changed: 0, removed: 0, files: [change('/</script><script>alert(1)</script>')] }],
};

test('treeLines() draws a tree with a sign for each change, sums of directories, and what hides it', () => {
  const files = [change('/etc', { kind: 'directory' }), change('/etc/a', { sizeBytes: 1500, hiddenBy: 3 }), change('/etc/l', { kind: 'link', target: '/x' }), change('/old', { change: 'removed', sizeBytes: 10 })];
  assert.deepEqual(treeLines(files, { colour: false }), ['+ ├─ etc/  1.5kB', '+ │  ├─ a  1.5kB  hidden by layer 3', '+ │  └─ l -> /x', '- └─ old  10B gone']);
  assert.equal(treeLines([change('/a')], { colour: true })[0], '\x1b[32m+ └─ a  0B\x1b[0m');
});

test('treeLines() shows names that would move the cursor as what they are', () => {
  assert.deepEqual(treeLines([change('/a\x1b[2Jb')], { colour: false }), ['+ └─ a\\x1b[2Jb  0B']);
});

test('summaryLines() never rounds up to 100 % what wastes something', () => {
  assert.match(summaryLines(exploration, { isTruncated: true })[0]!, /efficiency 99\.9 %, 1B wasted/);
});

test('instructionOf() reads old and new spellings', () => {
  const of = (createdBy: string): string => instructionOf({ ...exploration.layers[0]!, createdBy });
  assert.equal(of('/bin/sh -c #(nop)  CMD ["sh"]'), 'CMD ["sh"]');
  assert.equal(of('/bin/sh -c apt-get update'), 'RUN apt-get update');
  assert.equal(of('COPY . . # buildkit'), 'COPY . . # buildkit');
  assert.equal(of(''), '-');
});

test('pageOf() lets nothing of the image become markup', () => {
  const page = pageOf(exploration);
  assert.equal(page.match(/<script/g)!.length, 2);
  assert.ok(page.includes('\\u003c/script>\\u003cscript>alert(1)'));
  assert.match(page, /default-src 'none'; script-src 'sha256-/);
});
