// What is mounted in a container besides its root: the kernel's file systems, shared memory, the three files that name it, and what was asked for,
// which takes the place of the usual. Pure.
import type { HostConfig } from '../../spec/docker/container.ts';
import type { Mount } from '../../spec/oci/runtime.ts';
import { byDepth } from '../mounts/order.ts';
import { bindMount } from '../mounts/oci.ts';
import { parseTmpfs } from '../mounts/tmpfs.ts';
import { hasWritableCgroups } from './security.ts';

/** The files of a container that are shown as /etc/…, by name in its directory. */
export const identityFiles = { resolvConf: 'resolv.conf', hostname: 'hostname', hosts: 'hosts' } as const;

/** `filesDir`: the directory with the identity files (another container's, when its network is shared). `asked`: its mount points. */
export function mountsOf(hostConfig: HostConfig, filesDir: string, asked: readonly Mount[]): readonly Mount[] {
  const own = [...parseTmpfs(hostConfig).map((point) => bindMount(point, '')), ...asked];
  const places = new Set(own.map(({ destination }) => destination));
  // Who brings a /dev of his own has its insides, too.
  const usual = usualMounts(hostConfig).filter(({ destination }) => !places.has(destination) && !(places.has('/dev') && destination.startsWith('/dev/')));
  const files = Object.values(identityFiles).map((name): Mount => ({ destination: `/etc/${name}`, type: 'bind', source: `${filesDir}/${name}`, options: ['rbind', 'rprivate'] }));
  return [...usual, ...byDepth([...own, ...files.filter(({ destination }) => !places.has(destination))])];
}

function usualMounts(hostConfig: HostConfig): readonly Mount[] {
  const rights = hostConfig.Privileged ? [] : ['ro'];
  const cgroupRights = hasWritableCgroups(hostConfig) ? [] : ['ro'];
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
    { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'] },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', ...rights] },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...cgroupRights, 'nosuid', 'noexec', 'nodev'] },
    ...sharedMemory(hostConfig.IpcMode, hostConfig.ShmSize),
  ];
}

export const sharedMemoryDir = '/dev/shm';

function sharedMemory(mode: string, sizeBytes: number): readonly Mount[] {
  const queues: Mount = { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] };
  if (mode === 'none') return [queues];
  // The queues of the host are those of its ipc namespace, wherever they are mounted; its shared memory, and another container's, are a directory.
  if (mode === 'host' || mode.startsWith('container:')) return [queues, { destination: sharedMemoryDir, type: 'bind', source: sharedMemoryDir, options: ['rbind', 'rprivate'] }];
  return [queues, { destination: sharedMemoryDir, type: 'tmpfs', source: 'shm', options: ['nosuid', 'noexec', 'nodev', 'mode=1777', `size=${sizeBytes}`] }];
}
