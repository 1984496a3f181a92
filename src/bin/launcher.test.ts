// bin/estiva, the shell script in front of everything.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { test } from 'node:test';

test('bin/estiva keeps our options from Node, which has an --env-file of its own', () => {
  const { status, stderr } = spawnSync(resolve(import.meta.dirname, '../../bin/estiva'), ['create', '--env-file', '/no/such/file', 'busybox'], { encoding: 'utf8' });
  assert.equal(stderr.split('\n')[0], 'estiva: open /no/such/file: no such file or directory');
  assert.equal(status, 125);
});
