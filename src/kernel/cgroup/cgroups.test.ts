import assert from 'node:assert/strict';
import { openSync } from 'node:fs';
import { test } from 'node:test';
import { isFail } from '../../base/index.ts';
import { openCgroups } from './cgroups.ts';
import { fakeTree } from './fake-tree.ts';
import { openDescriptors } from '../descriptors.fixture.ts';

const BPF_PROG_LOAD = 5;
const BPF_PROG_ATTACH = 8;
const nothing = {};
const MiB = 1024 * 1024;
const trees = ['cpu,cpuacct', 'devices', 'freezer', 'memory', 'pids'];

test('openCgroups() takes a host with version 1 controllers for version 1, whatever else is mounted', () => {
  using fake = fakeTree(1);
  using other = fakeTree(2);
  using cgroups = openCgroups({ mountInfo: `${other.mountInfo}\n${fake.mountInfo}` });
  assert.equal(cgroups.version, 1);
});

test('openCgroups() tells the controllers', () => {
  using fake = fakeTree(1);
  fake.write('memory/memory.memsw.limit_in_bytes', '');
  using version1 = openCgroups(fake);
  assert.deepEqual([...version1.controllers], ['memory', 'swap', 'cpu', 'cpuset', 'pids', 'devices']);
  using unified = fakeTree(2);
  unified.write('unified/cgroup.controllers', 'pids\n');
  using version2 = openCgroups(unified);
  assert.deepEqual([...version2.controllers], ['pids', 'devices']);
});

test('openCgroups() says what to do when nothing is mounted', () => {
  assert.throws(() => openCgroups({ mountInfo: '' }), (error) => isFail(error, 'unsupported'));
});

function caught(body: () => void): unknown {
  try {
    body();
    return undefined;
  } catch (error) {
    return error;
  }
}

for (const version of [1, 2] as const) {
  const bad = ['estiva/x', '/', '', '/estiva/', '//x', '/estiva/../x', '/./x', '/a\0b', '/a\nb', `/${'x'.repeat(256)}`, `/x${'/y'.repeat(600)}`];
  for (const path of bad) {
    test(`version ${version}: create() refuses the path ${JSON.stringify(path.slice(0, 20))}`, () => {
      using fake = fakeTree(version);
      using cgroups = openCgroups(fake);
      assert.throws(() => cgroups.create(path, nothing), (error) => isFail(error, 'invalid'));
      assert.deepEqual(fake.groups(), []);
    });
  }

  test(`version ${version}: a controller that is not there is refused by name, and nothing is made`, () => {
    using fake = fakeTree(version);
    if (version === 2) fake.write('unified/cgroup.controllers', 'cpu memory\n');
    using cgroups = openCgroups({ mountInfo: fake.mountInfo.split('\n').filter((line) => !line.includes('pids')).join('\n') });
    assert.throws(() => cgroups.create('/estiva/x', { pids: { limit: 1 } }), { kind: 'unsupported', message: 'Cannot set the limit of processes: this host has no cgroup controller "pids"' });
    assert.deepEqual(fake.groups(), []);
  });

  test(`version ${version}: CPUs that are not there are refused, and nothing is made`, () => {
    using fake = fakeTree(version);
    using cgroups = openCgroups(fake);
    assert.throws(() => cgroups.create('/estiva/x', { cpu: { cpus: '0-4' } }), { message: 'Requested CPUs are not available - requested 0-4, available: 0-3' });
    assert.throws(() => cgroups.check({ cpu: { mems: '1' } }), { message: 'Requested memory nodes are not available - requested 1, available: 0' });
    assert.throws(() => cgroups.check({ cpu: { cpus: '1-2147483647' } }), (error) => isFail(error, 'invalid'));
    assert.deepEqual(fake.groups(), []);
  });

  test(`version ${version}: a write that fails undoes the group and names limit, value and reason`, () => {
    using fake = fakeTree(version);
    using cgroups = openCgroups(fake);
    cgroups.create('/estiva/other', nothing);
    const before = fake.groups();
    fake.kernel.failNth('write', 1, 'EINVAL');
    assert.throws(() => cgroups.create('/estiva/x', { pids: { limit: 7 } }), { kind: 'invalid', message: 'Cannot set the limit of processes to "7": invalid argument' });
    assert.deepEqual(fake.groups(), before);
  });

  for (const name of ['mkdirat', 'openat', 'write', 'bpf'] as const) {
    test(`version ${version}: whichever ${name} of create() fails, nothing of the group stays and no descriptor is left open`, () => {
      using fake = fakeTree(version);
      fake.kernel.answer('bpf', ([command]) => (command === BPF_PROG_LOAD ? openSync('/dev/null', 'r') : 0));
      using cgroups = openCgroups(fake);
      const everything = { memory: { limit: MiB, swap: MiB }, cpu: { cpus: '0', shares: 5 }, pids: { limit: 9 }, devices: [{ allow: false }] };
      cgroups.create('/estiva/other', everything);
      const [groups, descriptors] = [fake.groups(), openDescriptors()];
      for (let nth = 1; ; nth++) {
        const before = fake.kernel.calls.length;
        fake.kernel.failNth(name, nth, 'ENOMEM');
        const error = caught(() => cgroups.create('/estiva/x', everything));
        const made = fake.kernel.calls.slice(before).filter((call) => call.name === name).length;
        if (made < nth) return;
        assert.ok(error instanceof Error && error.message.length > 0);
        assert.deepEqual([fake.groups(), openDescriptors()], [groups, descriptors]);
      }
    });
  }

  test(`version ${version}: an empty group of the same name is replaced, one in use is a conflict`, () => {
    using fake = fakeTree(version);
    using cgroups = openCgroups(fake);
    cgroups.create('/estiva/x', { pids: { limit: 7 } });
    cgroups.create('/estiva/x', nothing);
    const tree = version === 1 ? 'pids' : 'unified';
    assert.equal(fake.read(`${tree}/estiva/x/pids.max`), '');
    fake.write(`${tree}/estiva/x/cgroup.procs`, '1\n');
    assert.throws(() => cgroups.create('/estiva/x', nothing), (error) => isFail(error, 'conflict'));
    fake.write(`${tree}/estiva/x/cgroup.procs`, '');
  });

  test(`version ${version}: remove() waits until the kernel lets go, takes groups below along, and may be repeated`, async () => {
    using fake = fakeTree(version);
    using cgroups = openCgroups(fake);
    cgroups.create('/estiva/x/inner/most', nothing);
    fake.kernel.failNth('unlinkat', 3, 'EBUSY');
    await cgroups.remove('/estiva/x');
    await cgroups.remove('/estiva/x');
    assert.deepEqual(cgroups.list('/estiva'), []);
  });

  test(`version ${version}: list() tells children, also of a parent that is not there`, () => {
    using fake = fakeTree(version);
    using cgroups = openCgroups(fake);
    for (const name of ['a', 'b']) cgroups.create(`/estiva/${name}`, nothing);
    assert.deepEqual(cgroups.list('/estiva').toSorted(), ['a', 'b']);
    assert.deepEqual(cgroups.list('/nowhere'), []);
  });

  test(`version ${version}: pids() leaves out the 0 of a process in a namespace that is not ours`, () => {
    using fake = fakeTree(version);
    using cgroups = openCgroups(fake);
    cgroups.create('/estiva/x/inner', nothing);
    const tree = version === 1 ? 'pids' : 'unified';
    fake.write(`${tree}/estiva/x/cgroup.procs`, '12\n0\n');
    fake.write(`${tree}/estiva/x/inner/cgroup.procs`, '345\n');
    assert.deepEqual(cgroups.pids('/estiva/x'), [12, 345]);
    assert.deepEqual(cgroups.pids('/estiva/gone'), []);
  });

  test(`version ${version}: oomKills() reads the kernel's count`, () => {
    using fake = fakeTree(version);
    using cgroups = openCgroups(fake);
    cgroups.create('/estiva/x', nothing);
    assert.equal(cgroups.oomKills('/estiva/x'), 0);
    fake.write(version === 1 ? 'memory/estiva/x/memory.oom_control' : 'unified/estiva/x/memory.events', 'oom_kill_disable 0\noom 4\noom_kill 3\n');
    assert.equal(cgroups.oomKills('/estiva/x'), 3);
    assert.equal(cgroups.oomKills('/estiva/gone'), 0);
  });

  test(`version ${version}: disposing removes the parents that it made, unless somebody uses them`, async () => {
    using fake = fakeTree(version);
    using elsewhere = openCgroups(fake);
    {
      using cgroups = openCgroups(fake);
      cgroups.create('/estiva/x', nothing);
      elsewhere.create('/estiva/y', nothing);
      cgroups.create('/own/x', nothing);
      await cgroups.remove('/own/x');
      await cgroups.remove('/estiva/x');
    }
    assert.deepEqual(new Set(fake.groups().map((group) => group.replace(/^[^/]+/, ''))), new Set(['/estiva', '/estiva/y']));
    await elsewhere.remove('/estiva/y');
    openCgroups(fake)[Symbol.dispose]();
    assert.deepEqual(fake.groups(), []);
  });

  test(`version ${version}: disposing removes the parent that it was told of, whoever made it, and no other's`, () => {
    using fake = fakeTree(version);
    using engines = openCgroups(fake);
    engines.create('/estiva/x', nothing);
    {
      using cgroups = openCgroups({ ...fake, parent: 'other' });
      cgroups.create('/other/x', nothing);
    }
    assert.ok(fake.groups().some((group) => group.endsWith('/other/x')));
    {
      using first = openCgroups({ ...fake, parent: 'third' });
      void first.remove('/other/x');
    }
    openCgroups({ ...fake, parent: 'other' })[Symbol.dispose]();
    assert.deepEqual(new Set(fake.groups().map((group) => group.replace(/^[^/]+/, ''))), new Set(['/estiva', '/estiva/x']));
  });

  test(`version ${version}: a parent that another engine removed is made again`, async () => {
    using fake = fakeTree(version);
    using cgroups = openCgroups(fake);
    cgroups.create('/estiva/x', nothing);
    await cgroups.remove('/estiva/x');
    await cgroups.remove('/estiva');
    cgroups.create('/estiva/x', nothing);
    if (version === 2) assert.equal(fake.read('unified/estiva/cgroup.subtree_control'), '+cpu +cpuset +io +memory +pids');
    assert.deepEqual(cgroups.list('/estiva'), ['x']);
  });
}

test('version 1: create() makes the group in each tree but cpuset, and writes what is asked', () => {
  using fake = fakeTree(1);
  using cgroups = openCgroups(fake);
  cgroups.create('/estiva/x', { memory: { limit: MiB }, cpu: { quota: 5000 }, pids: { limit: -1 }, devices: [{ allow: false }, { allow: true, type: 'c', major: 1, minor: 3 }] });
  assert.deepEqual(fake.groups(), trees.flatMap((tree) => [`${tree}/estiva`, `${tree}/estiva/x`]));
  const files = ['memory/estiva/x/memory.limit_in_bytes', 'cpu,cpuacct/estiva/x/cpu.cfs_quota_us', 'pids/estiva/x/pids.max', 'devices/estiva/x/devices.deny', 'devices/estiva/x/devices.allow'];
  assert.deepEqual(files.map((file) => fake.read(file)), ['1048576', '5000', 'max', 'a', 'c 1:3 rwm']);
});

test('version 1: join() names the tasks file of each tree, cpuset only where the group is there', () => {
  using fake = fakeTree(1);
  using cgroups = openCgroups(fake);
  cgroups.create('/estiva/x', nothing);
  cgroups.create('/estiva/y', { cpu: { cpus: '1' } });
  const [x, y] = [cgroups.join('/estiva/x'), cgroups.join('/estiva/y')];
  assert.ok(x.version === 1 && y.version === 1);
  assert.deepEqual(x.hierarchies.map(({ name, options }) => `${name} ${options}`), ['memory memory', 'cpu,cpuacct cpu,cpuacct', 'pids pids', 'devices devices', 'freezer freezer']);
  assert.ok(x.taskFiles.every((file) => file.endsWith('/estiva/x/tasks')));
  assert.ok(y.taskFiles.some((file) => file.endsWith('/cpuset/estiva/y/tasks')));
});

test('version 1: a cpuset has its parent\'s lists at every level before its own', () => {
  using fake = fakeTree(1);
  using cgroups = openCgroups(fake);
  cgroups.create('/estiva/x', { cpu: { cpus: '1' } });
  const files = ['cpuset/estiva/cpuset.cpus', 'cpuset/estiva/cpuset.mems', 'cpuset/estiva/x/cpuset.mems'];
  assert.deepEqual(files.map((file) => fake.read(file)), ['0-3', '0', '0']);
  assert.equal(fake.read('cpuset/estiva/x/cpuset.cpus')?.slice(0, 1), '1');
});

test('version 1: killAll() signals each process once, freezes what keeps forking, and thaws it', () => {
  using fake = fakeTree(1);
  using cgroups = openCgroups(fake);
  cgroups.create('/estiva/x', nothing);
  const signalled: unknown[] = [];
  fake.write('pids/estiva/x/cgroup.procs', '0\n70000\n');
  fake.kernel.answer('kill', ([pid, signal]) => {
    signalled.push([pid, signal]);
    const isFrozen = fake.read('freezer/estiva/x/freezer.state') === 'FROZEN';
    if (!isFrozen) fake.write('pids/estiva/x/cgroup.procs', `0\n${Number(pid)}\n${Number(pid) + 1}\n`);
    return 0;
  });
  cgroups.killAll('/estiva/x');
  assert.deepEqual(signalled, [[70_000, 9], [70_001, 9], [70_002, 9], [70_003, 9]]);
  assert.equal(fake.read('freezer/estiva/x/freezer.state'), 'THAWED');
});

test('version 2: create() hands the controllers on along the path, once, and writes what is asked', () => {
  using fake = fakeTree(2);
  using cgroups = openCgroups(fake);
  cgroups.create('/a/b/x', { memory: { limit: MiB }, cpu: { quota: 5000, shares: 1024 }, pids: { limit: 3 } });
  const files = ['cgroup.subtree_control', 'a/cgroup.subtree_control', 'a/b/cgroup.subtree_control', 'a/b/x/cgroup.subtree_control', 'a/b/x/memory.max', 'a/b/x/cpu.max', 'a/b/x/cpu.weight', 'a/b/x/pids.max'];
  const all = '+cpu +cpuset +io +memory +pids';
  assert.deepEqual(files.map((file) => fake.read(`unified/${file}`)), [all, all, all, '', '1048576', '5000 100000', '100', '3']);
  const before = fake.kernel.calls.length;
  cgroups.create('/a/b/y', nothing);
  assert.equal(fake.kernel.calls.length - before, 1);
});

test('version 2: join() and killAll() are one file each', () => {
  using fake = fakeTree(2);
  using cgroups = openCgroups(fake);
  cgroups.create('/estiva/x', nothing);
  const join = cgroups.join('/estiva/x');
  assert.ok(join.version === 2 && join.procsFile.endsWith('/unified/estiva/x/cgroup.procs'));
  cgroups.killAll('/estiva/x');
  assert.equal(fake.read('unified/estiva/x/cgroup.kill'), '1');
  cgroups.killAll('/estiva/gone');
});

test('version 2: a device program is loaded once for groups with the same rules; a kernel without them is named', () => {
  using fake = fakeTree(2);
  using cgroups = openCgroups(fake);
  const commands: unknown[] = [];
  fake.kernel.answer('bpf', ([command]) => {
    commands.push(command);
    return command === BPF_PROG_LOAD ? openSync('/dev/null', 'r') : 0;
  });
  for (const name of ['x', 'y']) cgroups.create(`/estiva/${name}`, { devices: [{ allow: false }] });
  assert.deepEqual(commands, [BPF_PROG_LOAD, BPF_PROG_ATTACH, BPF_PROG_ATTACH]);
  fake.kernel.failNth('bpf', 1, 'EPERM');
  assert.throws(() => cgroups.create('/estiva/z', { devices: [{ allow: true }] }), (error) => isFail(error, 'unsupported'));
  assert.deepEqual(cgroups.list('/estiva').toSorted(), ['x', 'y']);
});

test('version 2: in a container, where the root has processes, they move to a group of their own', () => {
  using fake = fakeTree(2);
  using cgroups = openCgroups(fake);
  fake.write('unified/cgroup.procs', '77\n');
  fake.kernel.failNth('write', 1, 'EBUSY');
  cgroups.create('/estiva/x', nothing);
  assert.equal(fake.read('unified/init/cgroup.procs'), '77');
  assert.equal(fake.read('unified/cgroup.subtree_control'), '+cpu +cpuset +io +memory +pids');
});
