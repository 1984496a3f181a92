// The tests that want another kernel than this machine's: cgroup version 2, on a machine of its own. Skips with a reason when there is none.
//   node test/vm/run.ts
import { runInMachine, whyNoMachine } from './machine.ts';

const timeoutMs = 180_000;
const tests = 'node --disable-warning=ExperimentalWarning --test --test-isolation=none --test-reporter=spec src/kernel/cgroup/real.test.ts';

/** Once as on a host, once as in a container whose cgroup namespace hides that its root is an ordinary group. */
const script = `
${tests} || exit 1
echo "$(cat /sys/fs/cgroup/cgroup.controllers)" | sed 's/[^ ]*/+&/g' >/sys/fs/cgroup/cgroup.subtree_control
mkdir /sys/fs/cgroup/outer && echo $$ >/sys/fs/cgroup/outer/cgroup.procs
unshare --cgroup --mount sh -c 'umount /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && ${tests}'
`;

const reason = whyNoMachine();
if (reason === undefined) {
  const { exitCode } = await runInMachine(script, timeoutMs);
  if (exitCode === undefined) console.log(`The virtual machine died, or was not done within ${timeoutMs / 1000} s`);
  process.exitCode = exitCode ?? 1;
} else console.log(`skipped: ${reason}`);
