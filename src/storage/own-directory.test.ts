import assert from 'node:assert/strict';
import { chmodSync, chownSync, lchownSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import { makeOwnDirectory } from './own-directory.ts';

const dir = mkdtempSync(`${tmpdir()}/estiva-own-`);
after(() => rmSync(dir, { recursive: true }));

test('makeOwnDirectory() makes a directory with its parents, and takes it again', () => {
  makeOwnDirectory(`${dir}/a/b`, 0o710);
  makeOwnDirectory(`${dir}/a/b`, 0o710);
  assert.equal(statSync(`${dir}/a/b`).mode & 0o777, 0o710);
});

test('makeOwnDirectory() refuses what others can write to, also behind a link', () => {
  makeOwnDirectory(`${dir}/open`, 0o700);
  chmodSync(`${dir}/open`, 0o1777);
  symlinkSync('open', `${dir}/link`);
  assert.throws(() => makeOwnDirectory(`${dir}/open`, 0o700), { kind: 'denied' });
  assert.throws(() => makeOwnDirectory(`${dir}/link`, 0o700), { kind: 'denied' });
});

test('makeOwnDirectory() refuses somebody else\'s directory, and somebody else\'s link to ours', { skip: process.geteuid?.() !== 0 && 'needs root' }, () => {
  makeOwnDirectory(`${dir}/theirs`, 0o700);
  chownSync(`${dir}/theirs`, 1000, 1000);
  symlinkSync('a', `${dir}/their-link`);
  lchownSync(`${dir}/their-link`, 1000, 1000);
  assert.throws(() => makeOwnDirectory(`${dir}/theirs`, 0o700), { kind: 'denied' });
  assert.throws(() => makeOwnDirectory(`${dir}/their-link`, 0o700), { kind: 'denied' });
});
