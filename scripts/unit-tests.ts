// The unit tests in two processes side by side, each with half of the files: most of their time they wait for the kernel or for a clock.
import { globSync } from 'node:fs';

export const unitTestFiles = globSync('src/**/*.test.ts').toSorted();

/** Node's own options for each half. */
export const unitTestHalves = ['1/2', '2/2'].map((half) => ['--test-isolation=none', `--test-shard=${half}`]);
