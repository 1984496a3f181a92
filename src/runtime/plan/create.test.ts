import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Op, Step } from '../../kernel/index.ts';
import type { Linux, Spec } from '../../spec/oci/runtime.ts';
import { exampleSpec } from '../example-spec.ts';
import { planCreate, type CreateSetting } from './create.ts';
import { planEnter } from './enter.ts';

const setting: CreateSetting = { root: { kind: 'directory', path: '/b/rootfs' }, waits: true, preservedDescriptors: 0, securityModules: { apparmor: false, selinux: false } };
const maps = [{ containerID: 0, hostID: 100_000, size: 65_536 }];

const ops = (steps: readonly Step[]): readonly Op[] => steps.filter((step) => 'call' in step);

function plan(change: Partial<Spec> = {}, with_: Partial<CreateSetting> = {}): { readonly outer: readonly Op[]; readonly inner: readonly Op[] } {
  const { outer, inner } = planCreate({ ...exampleSpec, ...change }, { ...setting, ...with_ });
  return { outer: ops(outer), inner: ops(inner) };
}

const linux = (change: Partial<Linux>): Partial<Spec> => ({ linux: { ...exampleSpec.linux, ...change } });
const withType = (type: Linux['namespaces'][number]['type'], path?: string): Linux['namespaces'] => [...exampleSpec.linux.namespaces, path === undefined ? { type } : { type, path }];

function position(steps: readonly Op[], call: Op['call'], ...args: readonly unknown[]): number {
  const index = steps.findIndex((op) => op.call === call && args.every((arg, i) => arg === undefined || op.args[i] === arg));
  assert.notEqual(index, -1, `${call} ${args.join(' ')} is in the plan`);
  return index;
}

test('planCreate() runs nothing in the launcher\'s memory but the clone and the way to the capsule', () => {
  assert.deepEqual([...new Set(plan().outer.map(({ call }) => call))], ['rt_sigprocmask', 'clone3', 'prctl', 'fcntl', 'execveat']);
});

test('planCreate() waits with everything done but the execve, and not at all when nobody will say "start"', () => {
  const { inner } = plan();
  const waits = position(inner, 'read');
  for (const done of ['pivot_root', 'capset', 'setresuid', 'faccessat2'] as const) assert.ok(position(inner, done) < waits, done);
  assert.deepEqual([...new Set(inner.slice(waits + 1).map(({ call }) => call))], ['execve']);
  assert.ok(!plan({}, { waits: false }).inner.some(({ call }) => call === 'read'));
});

test('planCreate() enters a user namespace from the capsule, tells when its ids are to be mapped, and makes the first process its sibling', () => {
  const { outer, inner } = plan(linux({ namespaces: withType('user'), uidMappings: maps, gidMappings: maps }));
  const clone = outer[position(outer, 'clone3')]!.args[0];
  assert.ok(typeof clone === 'object' && 'struct' in clone);
  assert.equal(new DataView(clone.struct.buffer).getUint32(0, true) & 0x6c020000, 0, 'no namespace is made before the user namespace');
  const told = inner.findIndex(({ label }) => label === 'ids');
  assert.ok(position(inner, 'unshare', 0x10000000) < told);
  assert.ok(told < position(inner, 'setresuid', 0));
  assert.ok(position(inner, 'setresuid', 0) < position(inner, 'clone', 0x8000));
});

test('planCreate() joins what has a path before it gives up the host\'s power', () => {
  const namespaces = [{ type: 'user' }, { type: 'mount' }, { type: 'network', path: '/net' }, { type: 'pid', path: '/pid' }] as const;
  const { inner } = plan({ ...linux({ namespaces, uidMappings: maps, gidMappings: maps }), hostname: '' });
  assert.ok(position(inner, 'openat', undefined, '/net') < position(inner, 'unshare', 0x10000000));
  assert.ok(position(inner, 'openat', undefined, '/pid') < position(inner, 'unshare', 0x10000000));
});

test('planCreate() makes mounts before the pivot only for hooks of the host and for user namespaces, and then in a chroot', () => {
  assert.ok(position(plan().inner, 'pivot_root') < position(plan().inner, 'mount', 'proc'));
  const { inner } = plan({ hooks: { createRuntime: [{ path: '/h' }] } });
  assert.ok(position(inner, 'chroot', '/b/rootfs') < position(inner, 'mount', 'proc'));
  assert.ok(position(inner, 'mount', 'proc') < inner.findIndex(({ label }) => label === 'hooks'));
  assert.ok(inner.findIndex(({ label }) => label === 'hooks') < position(inner, 'pivot_root'));
});

test('planCreate() runs hooks of the container where the specification has them', () => {
  const { inner } = plan({ hooks: { createContainer: [{ path: '/cc', timeout: 2 }], startContainer: [{ path: '/sc' }] } });
  const pivot = position(inner, 'pivot_root');
  assert.ok(position(inner, 'execve', '/cc') < pivot);
  const start = position(inner, 'execve', '/sc');
  assert.ok(inner.findIndex(({ label }) => label === 'created') < start && start < inner.findLastIndex(({ call }) => call === 'execve'));
});

test('planCreate() sets clocks before it enters the time namespace', () => {
  const { inner } = plan(linux({ namespaces: withType('time'), timeOffsets: { monotonic: { secs: 10 } } }));
  assert.ok(position(inner, 'unshare', 0x80) < position(inner, 'openat', undefined, '/proc/self/timens_offsets'));
  assert.ok(position(inner, 'openat', undefined, '/proc/self/timens_offsets') < position(inner, 'setns', undefined, 0x80));
});

test('planCreate() mounts with recursive attributes, other ids and a copied-up tmpfs as asked', () => {
  const { inner, outer } = plan({
    mounts: [
      { destination: '/a', type: 'bind', source: '/x', options: ['rbind', 'ro', 'rro', 'rnosuid'] }, { destination: '/b', type: 'bind', source: '/y', options: ['bind'], uidMappings: maps, gidMappings: maps },
      { destination: '/c', type: 'tmpfs', options: ['tmpcopyup'] },
    ],
  });
  const attributes = inner.filter(({ call, args }) => call === 'mount_setattr' && typeof args[2] === 'number' && (args[2] & 0x8000) !== 0 && args[1] === '').map(({ args }) => new DataView((args[3] as Uint8Array).buffer).getUint32(0, true));
  assert.deepEqual(attributes, [1 | 2]);
  position(outer, 'fcntl');
  assert.ok(inner.some(({ call, args }) => call === 'move_mount' && JSON.stringify(args[0]) === '{"slot":"source of /b"}'));
  position(inner, 'mount', 'overlay', '/c', 'overlay', 0, 'lowerdir=.,upperdir=/c/upper,workdir=/c/work');
});

test('planCreate() sets the execution domain, the scheduler and the disk priority while it may', () => {
  const { inner } = plan({ process: { ...exampleSpec.process, ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 3 }, scheduler: { policy: 'SCHED_BATCH', nice: 5 } }, linux: { ...exampleSpec.linux, personality: { domain: 'LINUX32' } } });
  assert.deepEqual(inner[position(inner, 'ioprio_set')]!.args, [1, 0, (2 << 13) | 3]);
  assert.deepEqual(inner[position(inner, 'personality')]!.args, [8]);
  const attributes = new DataView((inner[position(inner, 'sched_setattr')]!.args[1] as Uint8Array).buffer);
  assert.deepEqual([attributes.getUint32(0, true), attributes.getUint32(4, true), attributes.getInt32(16, true)], [48, 3, 5]);
});

test('planCreate() spreads mounts as rootfsPropagation says', () => {
  const { inner } = plan(linux({ rootfsPropagation: 'rshared' }), { root: { ...setting.root, mountPoint: '/m' } });
  assert.ok(position(inner, 'mount', 0, '/m', 0, 1 << 18) < position(inner, 'pivot_root'));
  assert.ok(position(inner, 'pivot_root') < position(inner, 'mount', 0, '/', 0, (1 << 20) | 16384));
});

for (const [field, change] of Object.entries({
  'linux.intelRdt': linux({ intelRdt: {} }), 'linux.memoryPolicy': linux({ memoryPolicy: {} }), 'linux.resources.memory.checkBeforeUpdate': linux({ resources: { memory: { checkBeforeUpdate: true } } }), 'linux.netDevices': linux({ netDevices: { eth0: {} } }),
  'process.apparmorProfile': { process: { ...exampleSpec.process, apparmorProfile: 'x' } }, 'process.selinuxLabel': { process: { ...exampleSpec.process, selinuxLabel: 'x' } },
  'linux.personality.flags': linux({ personality: { domain: 'LINUX', flags: ['X'] } }), 'process.scheduler.flags': { process: { ...exampleSpec.process, scheduler: { policy: 'SCHED_OTHER', flags: ['X'] } } },
  'linux.namespaces': linux({ namespaces: [{ type: 'pid' }] }), 'linux.uidMappings': linux({ namespaces: withType('user') }), 'linux.timeOffsets': linux({ timeOffsets: {} }),
  'linux.sysctl': linux({ sysctl: { 'vm.swappiness': '1' } }), 'mounts[0].uidMappings': { mounts: [{ destination: '/x', type: 'bind', source: '/', uidMappings: maps }] },
  'mounts[0].options': { mounts: [{ destination: '/x', type: 'proc', options: ['tmpcopyup'] }] }, 'mounts[0].destination': { mounts: [{ destination: '/', type: 'tmpfs' }] },
} satisfies Record<string, Partial<Spec>>)) {
  test(`planCreate() refuses what it cannot do in ${field}, by name`, () => {
    assert.throws(() => plan(change), (error) => error instanceof Error && 'kind' in error && ['invalid', 'unsupported'].includes(String(error.kind)) && error.message.startsWith(field));
  });
}

test('planEnter() bears the program only when it has the program\'s rights', () => {
  const { inner } = planEnter({ ...exampleSpec.process, terminal: true, execCPUAffinity: { initial: '0', final: '0-1,3' } }, { namespaces: 0x20020000, preservedDescriptors: 0, securityModules: setting.securityModules });
  const steps = ops(inner);
  const born = position(steps, 'clone', 0x8000);
  for (const done of ['setns', 'capset', 'setresuid', 'faccessat2'] as const) assert.ok(position(steps, done) < born, done);
  assert.deepEqual([...new Set(steps.slice(born + 1).map(({ call }) => call))], ['setsid', 'ioctl', 'execve', 'write', 'exit_group']);
  assert.deepEqual(steps.filter(({ call }) => call === 'sched_setaffinity').map(({ args }) => (args[2] as Uint8Array)[0]), [1, 0b1011]);
});
