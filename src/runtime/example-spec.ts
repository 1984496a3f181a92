// A container's configuration for the tests of this room.
import type { Spec } from '../spec/oci/runtime.ts';

const capabilities = ['CAP_CHOWN', 'CAP_KILL', 'CAP_SETUID', 'CAP_SETGID'];

export const exampleSpec: Spec = {
  ociVersion: '1.2.0',
  root: { path: '/' },
  hostname: 'example',
  mounts: [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
    { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'] },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
    { destination: '/etc/hosts', type: 'bind', source: '/etc/hosts', options: ['rbind', 'rprivate'] },
  ],
  process: {
    cwd: '/', env: ['PATH=/bin'], args: ['true'], user: { uid: 0, gid: 0, additionalGids: [0] },
    capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities, inheritable: [], ambient: [] },
    rlimits: [{ type: 'RLIMIT_NOFILE', soft: 1024, hard: 4096 }],
  },
  linux: {
    namespaces: [{ type: 'pid' }, { type: 'mount' }, { type: 'ipc' }, { type: 'uts' }, { type: 'network' }, { type: 'cgroup' }],
    maskedPaths: ['/proc/kcore', '/sys/firmware', '/proc/not-there'],
    readonlyPaths: ['/proc/sys'],
    sysctl: { 'net.ipv4.ip_unprivileged_port_start': '0' },
  },
};
