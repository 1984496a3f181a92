// The end-to-end tests, inside the namespaces that scripts/test.ts made: a census before, the tests, a census after.
// Arguments: the file for the counts, then the test files (all when there are none).
import { globSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { census, leaked } from '../test/e2e/census.ts';
import { judgeAnswers } from '../test/schemas/answers.ts';
import { noReference } from '../test/schemas/reference.ts';
import { type Counts, runTests, sum } from './counts.ts';

const [resultFile, ...chosen] = process.argv.slice(2);
if (resultFile === undefined) throw new Error('Usage: e2e.ts COUNTS_FILE [TEST_FILE…]');
const files = chosen.length > 0 ? chosen : globSync('test/{e2e,hostile}/*.test.ts').toSorted();

const answersFile = join(tmpdir(), 'answers.jsonl');
process.env.ESTIVA_E2E_ANSWERS = answersFile;
const before = census();
// One file at a time: several tests look at times and limits, and this is often a small machine.
const counts = await runTests(files, ['--test-concurrency=1', '--test-force-exit'], join(tmpdir(), 'e2e.tap'), 1_260_000);
const left = await settled();
for (const line of left) console.log(`left behind: ${line}`);
console.log(left.length === 0 ? 'leak census: nothing left behind' : `leak census: ${left.length} things left behind`);
writeFileSync(resultFile, JSON.stringify(sum(counts, one(left.length === 0), await judged())));

function one(isGood: boolean): Counts {
  return { passed: isGood ? 1 : 0, failed: isGood ? 0 : 1, skipped: 0 };
}

/** Every answer of the engine in this run, beside Docker's description of its API. */
async function judged(): Promise<Counts> {
  try {
    if (noReference !== false) {
      console.log(`answers of the API are not compared with its description: ${noReference}`);
      return { passed: 0, failed: 0, skipped: 1 };
    }
    const { kinds, answers, violations } = await judgeAnswers(answersFile);
    for (const line of violations.slice(0, 50)) console.log(`not as the API describes it: ${line}`);
    console.log(`API description: ${answers} answers of ${kinds} kinds compared, ${violations.length} differences`);
    return one(violations.length === 0);
  } finally {
    rmSync(answersFile, { force: true });
  }
}

/** What is still there after the kernel had a moment to finish what it does behind the scenes (namespaces, cgroups). */
async function settled(): Promise<string[]> {
  for (let tries = 0; tries < 20 && leaked(before).length > 0; tries += 1) await sleep(100);
  return leaked(before);
}
