import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import { assemble } from '../../kernel/index.ts';
import { externalFailure, reasonIn } from './failure.ts';

const dir = mkdtempSync(`${tmpdir()}/estiva-failure-`);
after(() => rmSync(dir, { recursive: true }));
const log = `${dir}/log`;
const runtime = { name: 'other', path: '/usr/bin/other' };
const image = assemble([{ call: 'chdir', args: ['/bundle'] }, { call: 'execve', args: ['/usr/bin/other', { strings: [] }, { strings: [] }] }], 'x64');
const declined = (text: string, verb: 'run' | 'exec' = 'run') => {
  writeFileSync(log, text);
  const { exitCode, error } = externalFailure(runtime, { verb, image, answer: { declined: 1 }, log });
  return [exitCode, error.message];
};

test('externalFailure() makes the exit codes that shells use of the runtime\'s words', () => {
  const line = (msg: string) => `{"level":"warning","msg":"not this"}\n${JSON.stringify({ level: 'error', msg })}\n`;
  assert.deepEqual(declined(line('exec: "x": executable file not found in $PATH')), [127, 'failed to create task for container: OCI runtime run failed: exec: "x": executable file not found in $PATH']);
  assert.deepEqual(declined(line('executable file `x` not found in $PATH: No such file or directory'), 'exec'), [127, 'OCI runtime exec failed: executable file `x` not found in $PATH: no such file or directory']);
  assert.equal(declined(line('open executable: Permission denied'))[0], 126);
  assert.equal(declined(line('cgroups are not to its liking'))[0], 128);
});

test('externalFailure() says so when the runtime gave no reason', () => {
  assert.deepEqual(declined(''), [128, 'failed to create task for container: OCI runtime run failed: it ended with code 1 and gave no reason']);
});

test('externalFailure() tells a runtime that cannot be run from a program that cannot', () => {
  const failed = (index: number) => externalFailure(runtime, { verb: 'run', image, answer: { failed: { index, errno: 2, results: [] } }, log }).error.message;
  assert.equal(failed(1), 'failed to create task for container: cannot run runtime "other" ("/usr/bin/other"): no such file or directory');
  assert.match(failed(0), /chdir "\/bundle"/);
});

test('reasonIn() reads the last error, or the last line as it is', () => {
  writeFileSync(log, '{"level":"error","msg":"first"}\n{"level":"error","msg":"last"}\n{"level":"info","msg":"after"}\n');
  assert.equal(reasonIn(log), 'last');
  writeFileSync(log, 'plain words\n');
  assert.equal(reasonIn(log), 'plain words');
  assert.equal(reasonIn(`${dir}/none`), undefined);
});
