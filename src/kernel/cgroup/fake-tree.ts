// Cgroup file systems for tests: ordinary directories in which making a directory also makes the files that the kernel would make, and removing
// one is refused as the kernel would refuse it. The calls of this room come here; everything else goes to the real kernel.
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { recordKernel, type RecordedKernel } from '../fake.ts';

const everywhere = ['tasks', 'cgroup.procs'];
const filesOf: Readonly<Record<string, readonly string[]>> = {
  memory: [...everywhere, 'memory.limit_in_bytes', 'memory.memsw.limit_in_bytes', 'memory.soft_limit_in_bytes', 'memory.swappiness', 'memory.oom_control'],
  'cpu,cpuacct': [...everywhere, 'cpu.shares', 'cpu.cfs_period_us', 'cpu.cfs_quota_us'],
  pids: [...everywhere, 'pids.max'],
  devices: [...everywhere, 'devices.allow', 'devices.deny'],
  freezer: [...everywhere, 'freezer.state'],
  cpuset: [...everywhere, 'cpuset.cpus', 'cpuset.mems'],
  unified: ['cgroup.procs', 'cgroup.subtree_control', 'cgroup.kill', 'cgroup.freeze', 'cgroup.events', 'memory.max', 'memory.swap.max', 'memory.low', 'memory.events', 'cpu.weight', 'cpu.max', 'cpuset.cpus', 'cpuset.mems', 'pids.max'],
};
const rootFiles: Readonly<Record<string, string>> = {
  'cpuset/cpuset.cpus': '0-3\n', 'cpuset/cpuset.mems': '0\n', 'cpuset/cpuset.effective_cpus': '0-3\n', 'cpuset/cpuset.effective_mems': '0\n',
  'unified/cgroup.controllers': 'cpuset cpu io memory pids\n', 'unified/cpuset.cpus.effective': '0-3\n', 'unified/cpuset.mems.effective': '0\n',
};

export interface FakeTree extends Disposable {
  readonly kernel: RecordedKernel;
  readonly mountInfo: string;
  /** A file's text; undefined when it is not there. `memory/estiva/x/tasks` */
  read(path: string): string | undefined;
  write(path: string, text: string): void;
  /** The groups of all trees: `memory/estiva`, `memory/estiva/x` … */
  groups(): readonly string[];
}

export function fakeTree(version: 1 | 2): FakeTree {
  const root = mkdtempSync(join(tmpdir(), 'estiva-cgroup-'));
  const trees = version === 1 ? ['memory', 'cpu,cpuacct', 'pids', 'devices', 'freezer', 'cpuset'] : ['unified'];
  for (const tree of trees) mkdirSync(join(root, tree));
  for (const tree of trees) for (const file of filesOf[tree]!) writeFileSync(join(root, tree, file), '');
  for (const [path, text] of Object.entries(rootFiles)) if (trees.includes(path.split('/')[0]!)) writeFileSync(join(root, path), text);
  const kernel = recordKernel();
  kernel.answer('mkdirat', ([dir, path]) => makeGroup(root, `${readlinkSync(`/proc/self/fd/${String(dir)}`)}/${String(path)}`));
  kernel.answer('unlinkat', ([dir, path]) => removeGroup(`${readlinkSync(`/proc/self/fd/${String(dir)}`)}/${String(path)}`));
  const mountLine = (tree: string): string => `32 31 0:29 / ${root}/${tree} rw,relatime - ${version === 1 ? `cgroup cgroup rw,${tree}` : 'cgroup2 cgroup2 rw'}`;
  return {
    kernel,
    mountInfo: trees.map(mountLine).join('\n'),
    read: (path) => textIn(join(root, path)),
    write: (path, text) => writeFileSync(join(root, path), text),
    groups: () => trees.flatMap((tree) => readdirSync(join(root, tree), { recursive: true, withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))).toSorted(),
    [Symbol.dispose]: () => {
      kernel[Symbol.dispose]();
      rmSync(root, { recursive: true });
    },
  };
}

function textIn(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function makeGroup(root: string, path: string): number {
  try {
    mkdirSync(path);
  } catch (error) {
    return -constants.errno[(error as NodeJS.ErrnoException).code as 'ENOENT'];
  }
  const tree = path.slice(root.length + 1).split('/')[0]!;
  for (const file of filesOf[tree]!) writeFileSync(join(path, file), '');
  return 0;
}

function removeGroup(path: string): number {
  const processes = textIn(join(path, 'cgroup.procs'));
  if (processes === undefined) return -constants.errno.ENOENT;
  if (processes !== '' || readdirSync(path, { withFileTypes: true }).some((entry) => entry.isDirectory())) return -constants.errno.EBUSY;
  rmSync(path, { recursive: true });
  return 0;
}
