// The tests that want another kernel than this machine's: cgroup version 2, on a machine of its own. They are the same files as on this machine,
// chosen by name, because everything takes twenty times as long there. Skips with a reason when there is no such machine.
//   node test/vm/run.ts [COUNTS_FILE]
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type Counts, counted, sum } from '../../scripts/counts.ts';
import { runInMachine, whyNoMachine } from './machine.ts';

/** On two quiet processors it takes four minutes. */
const timeoutMs = 540_000;
const patience = 8;

/** What a cgroup of version 2 does for containers, and what a container sees and may do under another kernel; by what their names begin with. */
const endToEnd: Readonly<Record<string, readonly string[]>> = {
  'test/e2e/update.test.ts': ['^limits of a running container'],
  'test/e2e/stats.test.ts': ['^stats, once', '^stats as a stream'],
  'test/e2e/life.test.ts': ['a paused container refuses'],
  'test/e2e/isolation.test.ts': ['the first program', 'kernel files', '/dev has six', 'a container of its own', 'nothing of the host', '--privileged', 'memory limit', 'pids limit', 'cpu quota', '--device', 'the host is as it was'],
  'test/e2e/mounts.test.ts': ['^mountinfo of binds', '^a subpath', '^shared, slave'],
};

/** One kernel test file, and each end-to-end file in a process of its own, so that its leak census is exact. */
function testCommand(file: string, name: string, names: readonly string[] = []): string {
  const patterns = names.map((pattern) => `--test-name-pattern='${pattern}'`).join(' ');
  const reporters = `--test-reporter=spec --test-reporter-destination=stdout --test-reporter=tap --test-reporter-destination=/run/shared/${name}.tap`;
  return `node --disable-warning=ExperimentalWarning --test --test-isolation=none ${patterns} ${reporters} ${file}`;
}

const kernelTests = 'src/kernel/cgroup/real.test.ts';

/** The kernel's tests once as on a host, once as in a container whose cgroup namespace hides that its root is an ordinary group. */
const script = `
export ESTIVA_E2E_CENSUS=exact ESTIVA_E2E_PATIENCE=${patience}
${testCommand(kernelTests, 'host')}
${Object.entries(endToEnd).map(([file, names]) => testCommand(file, basename(file), names)).join('\n')}
echo "$(cat /sys/fs/cgroup/cgroup.controllers)" | sed 's/[^ ]*/+&/g' >/sys/fs/cgroup/cgroup.subtree_control
mkdir /sys/fs/cgroup/outer && echo $$ >/sys/fs/cgroup/outer/cgroup.procs
unshare --cgroup --mount sh -c 'umount /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec "$@"' sh ${testCommand(kernelTests, 'inside')}
`;
const expectedRuns = Object.keys(endToEnd).length + 2;

async function runAll(): Promise<Counts> {
  const shared = mkdtempSync(join(tmpdir(), 'estiva-vm-'));
  try {
    const { exitCode } = await runInMachine(script, shared, timeoutMs);
    const runs = readdirSync(shared).map((name) => counted(join(shared, name), undefined));
    if (exitCode !== undefined && runs.length === expectedRuns) return sum(...runs);
    console.log(exitCode === undefined ? `The virtual machine died, or was not done within ${timeoutMs / 1000} s` : `${runs.length} of ${expectedRuns} test files were run in the virtual machine`);
    return sum(...runs, { passed: 0, failed: 1, skipped: 0 });
  } finally {
    rmSync(shared, { recursive: true, force: true });
  }
}

const reason = whyNoMachine();
const counts = reason === undefined ? await runAll() : { passed: 0, failed: 0, skipped: 0 };
console.log(reason === undefined ? `on cgroup v2: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped` : `skipped: ${reason}`);
if (process.argv[2] !== undefined) writeFileSync(process.argv[2], JSON.stringify(counts));
process.exitCode = counts.failed === 0 ? 0 : 1;
