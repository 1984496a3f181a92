// The one door before a commit: types, lint with layers, dead code, unit tests. All run, each prints one line; the exit code says whether all passed.
import { globSync } from 'node:fs';
import type { Step } from './step.ts';
import { report } from './step.ts';

const unitTests = globSync('src/**/*.test.ts').toSorted();

const steps: readonly Step[] = [
  { name: 'types', program: 'tsc', args: ['-p', '.'], timeoutMs: 120_000 },
  { name: 'lint, layers', program: 'oxlint', args: ['--type-aware', '--deny-warnings'], timeoutMs: 120_000 },
  { name: 'dead code', program: 'knip', args: ['--no-progress'], timeoutMs: 120_000 },
  {
    name: 'unit tests', program: process.execPath, timeoutMs: 180_000,
    args: ['--disable-warning=ExperimentalWarning', '--test', '--test-isolation=none', '--test-reporter=dot', ...unitTests],
  },
];

let passed = true;
for (const step of steps) passed = await report(step) && passed;
process.exitCode = passed ? 0 : 1;
