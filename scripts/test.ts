// All tests: what they need from Debian, the fixtures, the bundles, unit tests, then the end-to-end tests in namespaces of their own, where the
// leak census is exact, and some of them again on another kernel. The last line is "N passed, N failed". Nothing waits for ever: every step has a
// time limit, 30 minutes in all.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { which } from '../test/fixtures/cache.ts';
import type { Counts } from './counts.ts';
import { runTests, sum } from './counts.ts';
import { bringPackages, unpackedDocker } from './debian-packages.ts';
import { report } from './step.ts';
import { unitTestFiles, unitTestHalves } from './unit-tests.ts';

const none: Counts = { passed: 0, failed: 0, skipped: 0 };
const failure: Counts = { passed: 0, failed: 1, skipped: 0 };
const scratch = mkdtempSync(join(tmpdir(), 'estiva-test-'));

await bringPackages();
const reason = whyNoEndToEnd();
const fixtures = reason === undefined ? await step('fixtures', ['test/fixtures/build.ts'], 240_000) : none;
const built = await step('build', ['scripts/build.ts'], 60_000);
console.log('\nUnit tests');
const unit = sum(...await Promise.all(unitTestHalves.map((half, i) => runTests(unitTestFiles, half, join(scratch, `unit-${i}.tap`), 180_000))));
console.log('\nEnd-to-end tests');
if (reason !== undefined) console.log(`skipped: ${reason}`);
const endToEnd = reason === undefined ? await runInside() : none;

console.log('\nOn another kernel, with cgroup v2');
const machine = reason === undefined && process.argv.length === 2 ? await runInMachine() : none;

const total = sum(fixtures, built, unit, endToEnd, machine, leftFiles());
rmSync(scratch, { recursive: true, force: true });
console.log(`\nunit tests: ${unit.passed} passed, ${unit.failed} failed, ${unit.skipped} skipped; end to end: ${endToEnd.passed} passed, ${endToEnd.failed} failed, ${endToEnd.skipped} skipped; on cgroup v2: ${machine.passed} passed, ${machine.failed} failed, ${machine.skipped} skipped`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;

/** A step that is no test: counted only when it fails. */
async function step(name: string, args: readonly string[], timeoutMs: number): Promise<Counts> {
  return await report({ name, program: process.execPath, args, timeoutMs }) ? none : failure;
}

function whyNoEndToEnd(): string | undefined {
  if (process.getuid?.() !== 0) return 'containers are made by root; run "npm test" as root';
  if (!existsSync('/bin/busybox')) return 'no busybox-static';
  if (which('docker') === undefined && !existsSync(unpackedDocker())) return 'no docker client';
  return which('unshare') === undefined ? 'no unshare (util-linux)' : undefined;
}

/**
 * Network, mount and process namespaces of their own: the tests touch nothing of this machine, its other engines do not disturb the census,
 * and whatever they leave running ends with them. sh is process 1 there, because it reaps what is orphaned.
 */
async function runInside(): Promise<Counts> {
  const result = join(scratch, 'counts.json');
  const temporary = mkdtempSync(join(scratch, 'tmp-'));
  const inside = '/bin/busybox ip link set lo up; "$@"; exit $?';
  const child = spawn('unshare', ['-n', '-m', '-p', '--fork', '--kill-child', '--mount-proc', 'sh', '-c', inside, 'sh', process.execPath, 'scripts/e2e.ts', result, ...process.argv.slice(2)], {
    stdio: ['ignore', 'inherit', 'inherit'], timeout: 1_020_000, killSignal: 'SIGKILL',
    // npm keeps compiled code in the temporary directory, which is to be empty afterwards.
    env: { ...process.env, TMPDIR: temporary, ESTIVA_E2E_CENSUS: 'exact', NODE_DISABLE_COMPILE_CACHE: '1' },
  });
  await once(child, 'exit');
  return existsSync(result) ? JSON.parse(readFileSync(result, 'utf8')) as Counts : failure;
}

/** Chosen end-to-end tests once more, in user-mode Linux; it says itself why when it cannot. */
async function runInMachine(): Promise<Counts> {
  const result = join(scratch, 'machine.json');
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'test/vm/run.ts', result], { stdio: ['ignore', 'inherit', 'inherit'], timeout: 560_000 }); // It ends the machine, which is a session of its own.
  await once(child, 'exit');
  return existsSync(result) ? JSON.parse(readFileSync(result, 'utf8')) as Counts : failure;
}

/** What the engines of the tests left in their directories. */
function leftFiles(): Counts {
  const dirs = readdirSync(scratch, { withFileTypes: true }).filter((entry) => entry.isDirectory() && entry.name.startsWith('tmp-'));
  const left = dirs.flatMap(({ name }) => readdirSync(join(scratch, name)).map((file) => `${name}/${file}`));
  for (const path of left.slice(0, 20)) console.log(`left behind: ${path}`);
  return left.length === 0 ? none : failure;
}
