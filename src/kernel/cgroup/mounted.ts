// Which cgroup file systems are mounted, read from /proc/self/mountinfo. Source: proc_pid_mountinfo(5).

export interface CgroupMount {
  readonly version: 1 | 2;
  readonly mountPoint: string;
  /** The last part of the mount point, as the directory is called under /sys/fs/cgroup: `memory`, `cpu,cpuacct`. */
  readonly name: string;
  /** Version 1: what mount(2) takes to mount the same hierarchy again. */
  readonly options: string;
  /** Version 1: the controllers that live here. Version 2 tells them in a file. */
  readonly controllers: ReadonlySet<string>;
}

/** Each hierarchy once (its first mount), also named ones without a controller (`name=systemd`). */
export function parseCgroupMounts(mountInfo: string): readonly CgroupMount[] {
  const found = new Map<string, CgroupMount>();
  for (const line of mountInfo.split('\n')) {
    const mounted = parseLine(line);
    if (mounted === undefined) continue;
    const key = `${mounted.version} ${mounted.options}`;
    if (!found.has(key)) found.set(key, mounted);
  }
  return [...found.values()];
}

const controllerNames = new Set(['cpu', 'cpuacct', 'cpuset', 'memory', 'devices', 'freezer', 'blkio', 'pids', 'net_cls', 'net_prio', 'perf_event', 'hugetlb', 'rdma', 'misc', 'debug']);

function parseLine(line: string): CgroupMount | undefined {
  const [own = '', rest] = line.split(' - ');
  const mountPoint = unescape(own.split(' ')[4] ?? '');
  const [type, , superOptions = ''] = (rest ?? '').split(' ');
  const name = mountPoint.slice(mountPoint.lastIndexOf('/') + 1);
  if (type === 'cgroup2') return { version: 2, mountPoint, name, options: '', controllers: new Set() };
  if (type !== 'cgroup') return undefined;
  const options = superOptions.split(',').filter((option) => controllerNames.has(option) || option.startsWith('name='));
  return options.length === 0 ? undefined : { version: 1, mountPoint, name, options: options.join(','), controllers: new Set(options.filter((option) => controllerNames.has(option))) };
}

/** Blanks, tabs, line breaks and backslashes are octal there. */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
