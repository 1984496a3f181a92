// The leak census: what a run of the engine may leave on a machine, counted before and after. Each line says in words what is there, so
// that the difference of two censuses is the report.
import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

export interface Process {
  readonly pid: number;
  readonly command: string;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // A process may end while it is looked at.
  }
}

function pids(): number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number);
}

/** Processes whose command line or environment names one of the directories. This process and its parents do not count. */
export function processesOf(...dirs: readonly string[]): Process[] {
  return pids().filter((pid) => pid !== process.pid && pid !== process.ppid)
    .map((pid) => ({ pid, command: read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim(), environment: read(`/proc/${pid}/environ`) }))
    .filter((found) => dirs.some((dir) => found.command.includes(dir) || found.environment.includes(dir)))
    .map(({ pid, command }) => ({ pid, command }));
}

function mounts(): string[] {
  return read('/proc/self/mountinfo').trim().split('\n').map((line) => `mount ${line.split(' ')[4]} (${line.split(' - ')[1]?.split(' ')[0]})`);
}

/** Of a peer engine or of the machine itself, not ours to count. */
const foreignCgroup = /^\/(docker|process_api|system\.slice|user\.slice|init\.scope|libpod\w*|machine\.slice|buildkit)(\/|$)/;

/**
 * The empty ones. Another engine on this machine makes cgroups beside ours, and no namespace hides them: but those have processes in them, while
 * what is left of a container has none (and a process that is left is counted as one).
 */
function cgroups(): string[] {
  const roots = read('/proc/self/mountinfo').split('\n').filter((line) => / - cgroup2? /.test(line)).map((line) => line.split(' ')[4]!);
  return roots.flatMap((root) => emptyBelow(root, '').filter((path) => !foreignCgroup.test(path)).map((path) => `cgroup ${root}${path}`));
}

function emptyBelow(root: string, path: string): string[] {
  const inside = existsSync(root + path) ? readdirSync(root + path, { withFileTypes: true }) : [];
  return inside.filter((entry) => entry.isDirectory()).flatMap(({ name }) => {
    const child = `${path}/${name}`;
    const isUsed = isInhabited(root + child);
    return [...isUsed ? [] : [child], ...emptyBelow(root, child)];
  });
}

/** Whether processes are in it or below it, of whatever namespace: theirs read as 0. */
function isInhabited(directory: string): boolean {
  if (read(`${directory}/cgroup.procs`) !== '') return true;
  const inside = existsSync(directory) ? readdirSync(directory, { withFileTypes: true }) : [];
  return inside.some((entry) => entry.isDirectory() && isInhabited(`${directory}/${entry.name}`));
}

function links(): string[] {
  return readdirSync('/sys/class/net').map((name) => `network link ${name}`);
}

/** Namespaces that some process is in. A namespace kept by a bind mount is seen among the mounts. */
function namespaces(): string[] {
  const all = new Set<string>();
  for (const pid of pids()) {
    for (const kind of ['mnt', 'net', 'pid', 'ipc', 'uts']) all.add(linkOf(`/proc/${pid}/ns/${kind}`));
  }
  return [...all].filter((name) => name !== '').map((name) => `namespace ${name}`);
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // Gone meanwhile, or a kernel thread.
  }
}

/** Threads of the kernel come and go by themselves (PF_KTHREAD of linux/sched.h, in the ninth field of stat); the process's name may hold anything but its last parenthesis. */
function isKernelThread(pid: number): boolean {
  const flags = Number(read(`/proc/${pid}/stat`).replace(/^.*\) /s, '').split(' ')[6] ?? 0);
  return (flags & 0x200000) !== 0;
}

function running(): string[] {
  return pids().filter((pid) => pid !== process.pid && !isKernelThread(pid)).map((pid) => `process ${pid} ${read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()}`);
}

/** Everything that is there now. Exact only in namespaces of one's own: on a shared machine, others come and go. */
export function census(): ReadonlySet<string> {
  return new Set([...mounts(), ...cgroups(), ...links(), ...namespaces(), ...running()]);
}

/** What is there now and was not before, sorted, one line each. */
export function leaked(before: ReadonlySet<string>): string[] {
  return [...census()].filter((line) => !before.has(line)).toSorted();
}

/** What the process holds open, by target (numbers of sockets and pipes left out), with how many of each. */
export function openFiles(pid: number): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const fd of readdirSync(join('/proc', String(pid), 'fd'))) {
    const target = linkOf(`/proc/${pid}/fd/${fd}`).replace(/:\[\d+\]$/, '');
    if (target !== '') counts.set(target, (counts.get(target) ?? 0) + 1);
  }
  return counts;
}
