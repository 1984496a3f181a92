// A configuration with every field of the specification for Linux, and ways to change one of them, for tests.
const ids = [{ containerID: 0, hostID: 1000, size: 10 }];
const hook = [{ path: '/h', args: ['h'], env: ['A=b'], timeout: 1 }];
const throttled = [{ major: 1, minor: 2, rate: 3 }];

/** Every field, with a sound value. */
export const whole = {
  ociVersion: '1.2.0', root: { path: 'rootfs', readonly: true }, hostname: 'h', domainname: 'd',
  mounts: [{ destination: '/x', type: 'bind', source: '/y', options: ['rbind', 'idmap'], uidMappings: ids, gidMappings: ids }],
  process: {
    terminal: true, consoleSize: { height: 24, width: 80 }, cwd: '/', env: ['A=b'], args: ['sh'], user: { uid: 1, gid: 2, umask: 18, additionalGids: [3] },
    capabilities: { bounding: ['CAP_KILL'], effective: ['CAP_KILL'], permitted: ['CAP_KILL'], inheritable: ['CAP_KILL'], ambient: ['CAP_KILL'] },
    rlimits: [{ type: 'RLIMIT_NOFILE', soft: 1, hard: 2 }], noNewPrivileges: true, oomScoreAdj: 5, apparmorProfile: 'a', selinuxLabel: 's',
    ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 4 }, scheduler: { policy: 'SCHED_OTHER', nice: 1, priority: 0, flags: ['SCHED_FLAG_RESET_ON_FORK'], runtime: 1, deadline: 2, period: 3 },
    execCPUAffinity: { initial: '0', final: '0-1' },
  },
  hooks: { prestart: hook, createRuntime: hook, createContainer: hook, startContainer: hook, poststart: hook, poststop: hook },
  annotations: { a: 'b' },
  linux: {
    namespaces: [{ type: 'pid' }, { type: 'network', path: '/n' }], uidMappings: ids, gidMappings: ids,
    devices: [{ type: 'c', path: '/dev/x', major: 1, minor: 2, fileMode: 438, uid: 0, gid: 0 }], cgroupsPath: '/c', sysctl: { 'net.x': '1' }, rootfsPropagation: 'private',
    maskedPaths: ['/m'], readonlyPaths: ['/r'], mountLabel: 'l', timeOffsets: { boottime: { secs: 1, nanosecs: 2 }, monotonic: { secs: 3, nanosecs: 4 } }, personality: { domain: 'LINUX', flags: ['x'] },
    intelRdt: {},
    seccomp: {
      defaultAction: 'SCMP_ACT_ALLOW', defaultErrnoRet: 1, flags: ['SECCOMP_FILTER_FLAG_LOG'], listenerPath: '/l', listenerMetadata: 'm', architectures: ['SCMP_ARCH_X86_64'],
      syscalls: [{ names: ['read'], action: 'SCMP_ACT_ERRNO', errnoRet: 1, args: [{ index: 0, value: 1, valueTwo: 2, op: 'SCMP_CMP_EQ' }] }],
    },
    resources: {
      devices: [{ allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' }], pids: { limit: 5 }, unified: { 'memory.high': '1' },
      memory: { limit: 1, reservation: 1, swap: 1, swappiness: 1, disableOOMKiller: false, kernel: 1, kernelTCP: 1, checkBeforeUpdate: true, useHierarchy: true },
      cpu: { shares: 1, quota: 1, period: 1, cpus: '0', mems: '0', burst: 1, idle: 1, realtimePeriod: 1, realtimeRuntime: 1 },
      blockIO: { weight: 10, leafWeight: 10, weightDevice: [{ major: 1, minor: 2, weight: 10, leafWeight: 10 }], throttleReadBpsDevice: throttled, throttleWriteBpsDevice: throttled, throttleReadIOPSDevice: throttled, throttleWriteIOPSDevice: throttled },
      hugepageLimits: [{ pageSize: '2MB', limit: 1 }], network: { classID: 1, priorities: [{ name: 'eth0', priority: 1 }] }, rdma: { mlx: { hcaHandles: 1, hcaObjects: 2 } },
    },
  },
};

export type Path = readonly (string | number)[];

export function* leavesOf(value: unknown, path: Path = []): Generator<Path> {
  if (typeof value !== 'object' || value === null) yield path;
  else for (const [key, item] of Object.entries(value)) yield* leavesOf(item, [...path, Array.isArray(value) ? Number(key) : key]);
}

export function replaced(value: unknown, [first, ...rest]: Path, wrong: unknown): unknown {
  if (first === undefined) return wrong;
  if (Array.isArray(value)) return value.map((item: unknown, index) => (index === first ? replaced(item, rest, wrong) : item));
  return Object.fromEntries(Object.entries(value as object).map(([key, item]) => [key, key === first ? replaced(item, rest, wrong) : item]));
}

export function written(path: Path): string {
  return path.reduce<string>((text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`), '');
}
