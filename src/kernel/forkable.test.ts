import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

test('hideFromForks() leaves a child the program and nothing else of our memory, and takes nothing from us or from programs to come', () => {
  const { stdout, stderr } = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', `${import.meta.dirname}/forkable.fixture.ts`], { encoding: 'utf8' });
  assert.equal(stderr, '');
  const seen = JSON.parse(stdout) as Record<string, string>;
  assert.deepEqual({ ...seen, hiddenBuffer: '' }, { before: 'secret!!', hidden: '\0'.repeat(8), hiddenBuffer: '', own: 'secret!!', later: 'new here' });
  // Empty, or not there: V8 hides its own heap from forks.
  assert.ok(seen['hiddenBuffer'] === undefined || seen['hiddenBuffer'] === '\0'.repeat(8));
});
