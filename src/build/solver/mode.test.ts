// --chmod: what BuildKit (buildx 0.29 on dockerd 28.5) made of the same words.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMode } from './mode.ts';

test('parseMode() gives the modes that BuildKit gives', () => {
  const cases: readonly (readonly [words: string, before: number, isDirectory: boolean, after: number])[] = [
    ['755', 0o600, false, 0o755], ['0644', 0o4755, false, 0o644], ['07777', 0, false, 0o7777],
    ['u=rwX,go=rX', 0o700, true, 0o755], ['u=rwX,go=rX', 0o664, false, 0o644], ['u=rwX,go=rX', 0o775, false, 0o755],
    ['+x', 0o600, false, 0o711], ['g+w,o-r', 0o600, false, 0o620], ['g+w,o-r', 0o755, false, 0o771], ['a=,u+s,g=u', 0o755, false, 0o4000],
    ['u=g', 0o450, false, 0o550], ['a=rX', 0o711, false, 0o555], ['g+s', 0o755, true, 0o2755], ['+t', 0o777, true, 0o1777], ['u+t', 0o777, true, 0o777], ['u=rw-w+x', 0o000, false, 0o500], ['ug=r', 0o6777, false, 0o447],
  ];
  for (const [words, before, isDirectory, after] of cases) assert.equal(parseMode(words)(before, isDirectory).toString(8), after.toString(8), words);
});

test('parseMode() refuses what is no mode', () => {
  for (const words of ['', '888', '100000', 'u=rwZ', 'x', 'u', 'u=rw,', 'u==ug', 'rwx', '+x ', 'u=ur']) assert.throws(() => parseMode(words), /invalid chmod parameter/, words);
});
