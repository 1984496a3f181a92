import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { isFail } from '../base/index.ts';
import { ownTable, parsePs } from './top.ts';

test('parsePs() keeps the processes that are wanted, threads below them, and blanks in the last column', () => {
  const output = 'UID   PID  CMD\nroot    1 init  two\nroot    7 sh -c x\n  -   - thread\nroot    8 other\n';
  assert.deepEqual(parsePs(output, new Set([7])), { titles: ['UID', 'PID', 'CMD'], processes: [['root', '7', 'sh -c x'], ['-', '-', 'thread']] });
  assert.throws(() => parsePs('CMD\nsh\n', new Set([7])), (error) => isFail(error, 'invalid') && error.message === 'Couldn\'t find PID field in ps output');
});

test('ownTable() shows what ps -ef shows', () => {
  const { titles, processes } = ownTable([process.pid, 999_999_999]);
  assert.deepEqual([titles, processes.length], [['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD'], 1]);
  const theirs = parsePs(execFileSync('ps', ['-ef', `-q${process.pid}`], { encoding: 'utf8', env: { ...process.env, COLUMNS: '10000' } }), new Set([process.pid]));
  // Processor time goes on between the two looks.
  const steady = (row: readonly string[] | undefined): readonly string[] | undefined => row?.filter((_, column) => column !== 3 && column !== 6);
  assert.deepEqual(steady(processes[0]), steady(theirs.processes[0]));
});
