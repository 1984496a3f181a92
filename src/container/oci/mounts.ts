// What is mounted in a container besides its root: the kernel's file systems, shared memory, and the three files that name it. Pure.
import type { ContainerRecord } from '../container.ts';
import type { Mount } from '../../spec/oci/runtime.ts';

/** The files of a container that are shown as /etc/…, by name in its directory. */
export const identityFiles = { resolvConf: 'resolv.conf', hostname: 'hostname', hosts: 'hosts' } as const;

/** `filesDir`: the directory with the identity files (another container's, when its network is shared). */
export function mountsOf({ hostConfig }: ContainerRecord, filesDir: string): readonly Mount[] {
  const rights = hostConfig.Privileged ? [] : ['ro'];
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
    { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'] },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', ...rights] },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...rights, 'nosuid', 'noexec', 'nodev'] },
    ...sharedMemory(hostConfig.IpcMode, hostConfig.ShmSize),
    ...Object.entries(hostConfig.Tmpfs ?? {}).map(([destination, options]): Mount => ({ destination, type: 'tmpfs', source: 'tmpfs', options: tmpfsOptions(options) })),
    { destination: '/etc/resolv.conf', type: 'bind', source: `${filesDir}/${identityFiles.resolvConf}`, options: ['rbind', 'rprivate'] },
    { destination: '/etc/hostname', type: 'bind', source: `${filesDir}/${identityFiles.hostname}`, options: ['rbind', 'rprivate'] },
    { destination: '/etc/hosts', type: 'bind', source: `${filesDir}/${identityFiles.hosts}`, options: ['rbind', 'rprivate'] },
  ];
}

function sharedMemory(mode: string, sizeBytes: number): readonly Mount[] {
  const queues: Mount = { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] };
  if (mode === 'none') return [queues];
  if (mode === 'host') return [
    { destination: '/dev/mqueue', type: 'bind', source: '/dev/mqueue', options: ['rbind', 'nosuid', 'noexec', 'nodev'] },
    { destination: '/dev/shm', type: 'bind', source: '/dev/shm', options: ['rbind', 'nosuid', 'noexec', 'nodev'] },
  ];
  return [queues, { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['nosuid', 'noexec', 'nodev', 'mode=1777', `size=${sizeBytes}`] }];
}

/** What was asked for, after Docker's defaults: the kernel takes the last word of a kind. */
function tmpfsOptions(asked: string): readonly string[] {
  return ['noexec', 'nosuid', 'nodev', ...asked.split(',').filter((option) => option !== '')];
}
