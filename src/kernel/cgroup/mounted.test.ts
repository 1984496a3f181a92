import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCgroupMounts } from './mounted.ts';

const line = (mountPoint: string, type: string, options: string): string => `32 31 0:29 / ${mountPoint} rw,relatime shared:9 - ${type} cgroup ${options}`;

test('parseCgroupMounts() tells each hierarchy once, by its first mount', () => {
  const mounts = parseCgroupMounts([line('/sys/fs/cgroup/cpu,cpuacct', 'cgroup', 'rw,cpu,cpuacct'), line('/elsewhere', 'cgroup', 'rw,cpu,cpuacct'), line('/sys/fs/cgroup/unified', 'cgroup2', 'rw,nsdelegate'), '31 23 0:28 / /sys rw - tmpfs tmpfs rw', ''].join('\n'));
  assert.deepEqual(mounts, [
    { version: 1, mountPoint: '/sys/fs/cgroup/cpu,cpuacct', name: 'cpu,cpuacct', options: 'cpu,cpuacct', controllers: new Set(['cpu', 'cpuacct']) },
    { version: 2, mountPoint: '/sys/fs/cgroup/unified', name: 'unified', options: '', controllers: new Set() },
  ]);
});

test('parseCgroupMounts() knows trees by name, and leaves out options that are none', () => {
  const mounts = parseCgroupMounts([line('/sys/fs/cgroup/systemd', 'cgroup', 'rw,xattr,name=systemd'), line('/a\\040b', 'cgroup', 'rw,memory,clone_children,release_agent=/x')].join('\n'));
  assert.deepEqual(mounts.map(({ mountPoint, options }) => [mountPoint, options]), [['/sys/fs/cgroup/systemd', 'name=systemd'], ['/a b', 'memory']]);
});
