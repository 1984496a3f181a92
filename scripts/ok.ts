// The one door before a commit: types, lint with layers, dead code, unit tests. All run, each prints one line; the exit code says whether all passed.
import type { Step } from './step.ts';
import { report } from './step.ts';
import { unitTestFiles, unitTestHalves } from './unit-tests.ts';

const steps: readonly Step[] = [
  { name: 'types', program: 'tsc', args: ['-p', '.'], timeoutMs: 120_000 },
  { name: 'lint, layers', program: 'oxlint', args: ['--type-aware', '--deny-warnings'], timeoutMs: 120_000 },
  { name: 'dead code', program: 'knip', args: ['--no-progress'], timeoutMs: 120_000 },
];

const unitTests: readonly Step[] = unitTestHalves.map((half, i) => ({
  name: `unit tests ${i + 1}`, program: process.execPath, timeoutMs: 180_000,
  args: ['--disable-warning=ExperimentalWarning', '--test', '--test-reporter=dot', ...half, ...unitTestFiles],
}));

let passed = true;
for (const step of steps) passed = await report(step) && passed;
for (const half of await Promise.all(unitTests.map(report))) passed = half && passed;
process.exitCode = passed ? 0 : 1;
