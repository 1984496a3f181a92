// What is mounted in a container besides its root: the kernel's file systems, shared memory, and the three files that name it. Pure.
import { posix } from 'node:path';
import { fail } from '../../base/index.ts';
import type { HostConfig } from '../../spec/docker/container.ts';
import type { ContainerRecord } from '../container.ts';
import type { Mount } from '../../spec/oci/runtime.ts';

/** The files of a container that are shown as /etc/…, by name in its directory. */
export const identityFiles = { resolvConf: 'resolv.conf', hostname: 'hostname', hosts: 'hosts' } as const;

/** `filesDir`: the directory with the identity files (another container's, when its network is shared). */
export function mountsOf({ hostConfig }: ContainerRecord, filesDir: string): readonly Mount[] {
  const rights = hostConfig.Privileged ? [] : ['ro'];
  const asked = tmpfsMounts(hostConfig);
  const usual: readonly Mount[] = [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
    { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'] },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', ...rights] },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...rights, 'nosuid', 'noexec', 'nodev'] },
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

function sharedMemory(mode: string, sizeBytes: number): readonly Mount[] {
  const queues: Mount = { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] };
  if (mode === 'none') return [queues];
  if (mode === 'host') return [
    { destination: '/dev/mqueue', type: 'bind', source: '/dev/mqueue', options: ['rbind', 'nosuid', 'noexec', 'nodev'] },
    { destination: '/dev/shm', type: 'bind', source: '/dev/shm', options: ['rbind', 'nosuid', 'noexec', 'nodev'] },
  ];
  return [queues, { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['nosuid', 'noexec', 'nodev', 'mode=1777', `size=${sizeBytes}`] }];
}

/** By place: a tmpfs takes the place of what would usually be there (`--tmpfs /dev/shm:size=1g`). */
function tmpfsMounts({ Tmpfs }: HostConfig): ReadonlyMap<string, Mount> {
  return new Map(Object.entries(Tmpfs ?? {}).map(([path, options]) => [tmpfsPlace(path), { destination: tmpfsPlace(path), type: 'tmpfs', source: 'tmpfs', options: tmpfsOptions(options) }]));
}

function tmpfsPlace(path: string): string {
  return posix.normalize(path).replace(/(?<=.)\/$/, '');
}

/** @throws `invalid` for a place that is none, or the kernel's own. */
export function checkTmpfs({ Tmpfs }: HostConfig): void {
  for (const path of Object.keys(Tmpfs ?? {})) {
    const place = tmpfsPlace(path);
    if (!path.startsWith('/') || place === '/') throw fail('invalid', `invalid mount path: '${path.slice(0, 200)}' mount path must be absolute and not the root`);
    if (/^\/(proc|sys)(\/|$)/.test(place)) throw fail('invalid', `Cannot mount a tmpfs on ${JSON.stringify(path.slice(0, 200))}: /proc and /sys are the kernel's`);
  }
}

/** What was asked for, after Docker's defaults: the kernel takes the last word of a kind. */
function tmpfsOptions(asked: string): readonly string[] {
  return ['noexec', 'nosuid', 'nodev', ...asked.split(',').filter((option) => option !== '')];
}
