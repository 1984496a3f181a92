// What is mounted in a container besides its root: the kernel's file systems, shared memory, and the three files that name it. Pure.
import { posix } from 'node:path';
import { fail } from '../../base/index.ts';
import type { HostConfig } from '../../spec/docker/container.ts';
import type { ContainerRecord } from '../container.ts';
import type { Mount } from '../../spec/oci/runtime.ts';
import { hasWritableCgroups } from './security.ts';

/** The files of a container that are shown as /etc/…, by name in its directory. */
export const identityFiles = { resolvConf: 'resolv.conf', hostname: 'hostname', hosts: 'hosts' } as const;

/** `filesDir`: the directory with the identity files (another container's, when its network is shared). */
export function mountsOf({ hostConfig }: ContainerRecord, filesDir: string): readonly Mount[] {
  const rights = hostConfig.Privileged ? [] : ['ro'];
  const cgroupRights = hasWritableCgroups(hostConfig) ? [] : ['ro'];
  const asked = tmpfsMounts(hostConfig);
  const usual: readonly Mount[] = [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
    { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'] },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', ...rights] },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...cgroupRights, 'nosuid', 'noexec', 'nodev'] },
    ...sharedMemory(hostConfig.IpcMode, hostConfig.ShmSize),
  ];
  return [
    ...usual.map((mount) => asked.get(mount.destination) ?? mount),
    ...[...asked.values()].filter(({ destination }) => !usual.some((mount) => mount.destination === destination)),
    { destination: '/etc/resolv.conf', type: 'bind', source: `${filesDir}/${identityFiles.resolvConf}`, options: ['rbind', 'rprivate'] },
    { destination: '/etc/hostname', type: 'bind', source: `${filesDir}/${identityFiles.hostname}`, options: ['rbind', 'rprivate'] },
    { destination: '/etc/hosts', type: 'bind', source: `${filesDir}/${identityFiles.hosts}`, options: ['rbind', 'rprivate'] },
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

/** By place: a tmpfs takes the place of what would usually be there (`--tmpfs /dev/shm:size=1g`). */
function tmpfsMounts({ Tmpfs }: HostConfig): ReadonlyMap<string, Mount> {
  return new Map(Object.entries(Tmpfs ?? {}).map(([path, options]) => [tmpfsPlace(path), { destination: tmpfsPlace(path), type: 'tmpfs', source: 'tmpfs', options: tmpfsOptions(options) }]));
}

function tmpfsPlace(path: string): string {
  return posix.normalize(path).replace(/(?<=.)\/$/, '');
}

/** What the kernel's tmpfs takes, and what mount(8) says of every file system; dockerd's list. */
const tmpfsWords = new Set(['exec', 'noexec', 'suid', 'nosuid', 'dev', 'nodev', 'ro', 'rw', 'atime', 'noatime', 'diratime', 'nodiratime', 'relatime', 'norelatime', 'strictatime', 'nostrictatime',
  'sync', 'async', 'dirsync', 'mand', 'nomand', 'private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave', 'unbindable', 'runbindable', 'defaults', 'remount', 'bind', 'rbind']);
const tmpfsSettings = /^(size=\d+[kmg%]?|nr_blocks=\d+[kmg]?|nr_inodes=\d+[kmg]?|mode=[0-7]{1,4}|uid=\d+|gid=\d+|mpol=.+)$/i;

/** @throws `invalid` for a place that is none or the kernel's own, and for options that a tmpfs does not have */
export function checkTmpfs({ Tmpfs }: HostConfig): void {
  for (const [path, options] of Object.entries(Tmpfs ?? {})) {
    const place = tmpfsPlace(path);
    if (!path.startsWith('/')) throw fail('invalid', `invalid mount path: '${path.slice(0, 200)}' mount path must be absolute`);
    if (place === '/') throw fail('invalid', 'invalid specification: destination can\'t be \'/\'');
    if (/^\/(proc|sys)(\/|$)/.test(place)) throw fail('invalid', `Cannot mount a tmpfs on ${JSON.stringify(path.slice(0, 200))}: /proc and /sys are the kernel's`);
    for (const option of options.split(',').filter((word) => word !== '')) {
      if (!tmpfsWords.has(option) && !tmpfsSettings.test(option)) throw fail('invalid', `invalid tmpfs option ${JSON.stringify(option.slice(0, 100))}`);
    }
  }
}

/** What was asked for, after Docker's defaults: the kernel takes the last word of a kind. */
function tmpfsOptions(asked: string): readonly string[] {
  return ['noexec', 'nosuid', 'nodev', ...asked.split(',').filter((option) => option !== '')];
}
