import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Op, Step } from '../../kernel/index.ts';
import type { Process, Spec } from '../../spec/oci/runtime.ts';
import { exampleSpec } from '../example-spec.ts';
import { planExec } from './exec.ts';
import type { Root } from './setting.ts';
import { planStart } from './start.ts';

const root: Root = { kind: 'overlay', layersDir: '/r/layers', lowerDirs: ['b', 'a'], upperDir: '/r/c/upper', workDir: '/r/c/work', mergedDir: '/r/c/merged' };
const filter = { instructions: new Uint8Array(8), flags: 0 };

function plan(change: Partial<Spec> = {}): readonly Op[] {
  return ops(planStart({ ...exampleSpec, ...change }, { root, seccompFilter: filter, shareMemory: true }));
}

function planProcess(change: Partial<Process>): readonly Op[] {
  return plan({ process: { ...exampleSpec.process, ...change } });
}

function ops(steps: readonly Step[]): readonly Op[] {
  return steps.filter((step) => 'call' in step);
}

function position(steps: readonly Op[], call: Op['call'], ...args: readonly unknown[]): number {
  const index = steps.findIndex((op) => op.call === call && args.every((arg, i) => arg === undefined || op.args[i] === arg));
  assert.notEqual(index, -1, `${call} ${args.join(' ')} is in the plan`);
  return index;
}

test('planStart() names the overlay\'s layers relative to their directory, topmost first', () => {
  const steps = plan();
  const mount = steps[position(steps, 'mount', 'overlay')]!;
  assert.deepEqual(mount.args, ['overlay', '/r/c/merged', 'overlay', 0, 'lowerdir=b:a,upperdir=/r/c/upper,workdir=/r/c/work,redirect_dir=off,metacopy=off,index=off']);
  assert.ok(position(steps, 'chdir', '/r/layers') < steps.indexOf(mount));
});

test('planStart() sends the overlay to whoever holds it while the host is still seen; what is volatile is mounted so', () => {
  const steps = ops(planStart(exampleSpec, { root: { ...root, isVolatile: true, sends: 'mounts' }, shareMemory: true }));
  const mount = position(steps, 'mount', 'overlay');
  assert.match(steps[mount]!.args[4] as string, /,volatile$/);
  assert.deepEqual(steps.slice(mount + 1, mount + 4).map(({ call }) => call), ['openat', 'dup3', 'sendmsg']);
  assert.ok(mount + 3 < position(steps, 'pivot_root'));
  assert.equal(plan().filter(({ call }) => call === 'sendmsg').length, 0);
});

test('planStart() refuses layers whose list is longer than a page', () => {
  const lowerDirs = Array.from({ length: 400 }, (_, i) => `layer-number-${i}`);
  assert.throws(() => planStart(exampleSpec, { root: { ...root, lowerDirs }, shareMemory: true }), { kind: 'unsupported' });
});

test('planStart() touches no path of the image before the host is out of reach', () => {
  const steps = plan();
  const gone = position(steps, 'umount2', '.', 2);
  for (const [i, op] of steps.entries()) {
    if (['mknodat', 'mkdirat', 'symlinkat', 'openat2', 'move_mount'].includes(op.call)) assert.ok(i > gone, `${op.call} comes after the pivot`);
  }
  assert.ok(position(steps, 'open_tree', undefined, '/etc/hosts') < gone, 'a bind\'s source is taken while the host can be seen');
});

test('planStart() opens mount points of the kernel\'s file systems without following links', () => {
  const steps = plan();
  for (const path of ['/proc', '/dev', '/sys']) {
    const how = steps[position(steps, 'openat2', undefined, path)]!.args[2] as Uint8Array;
    assert.equal(new DataView(how.buffer).getUint32(16, true), 0x02 | 0x04, `${path}: no magic links, no symbolic links`);
  }
});

test('planStart() loads seccomp before the capabilities go when new privileges are allowed, and last when they are not', () => {
  const allowed = plan();
  assert.ok(position(allowed, 'seccomp') < position(allowed, 'setresuid'));
  const forbidden = planProcess({ noNewPrivileges: true });
  assert.ok(position(forbidden, 'prctl', 38, 1) < position(forbidden, 'seccomp'));
  assert.ok(position(forbidden, 'capset') < position(forbidden, 'seccomp'));
});

test('planStart() drops from the bounding set what is not in it', () => {
  const dropped = plan().filter((op) => op.call === 'prctl' && op.args[0] === 24).length;
  assert.equal(dropped, 41 - 4);
});

test('planStart() looks a bare name up along PATH and takes a path as it is', () => {
  const tries = (process: Partial<Process>): unknown[] => planProcess(process).filter((op) => op.call === 'execve').map((op) => op.args[0]);
  assert.deepEqual(tries({ args: ['sh'], env: ['PATH=/a:/b:'] }), ['/a/sh', '/b/sh', './sh']);
  assert.deepEqual(tries({ args: ['./sh'] }), ['./sh']);
  assert.deepEqual(tries({ args: ['sh'], env: [] }).length, 6);
});

test('planStart() keeps nothing of ours open and lifts the death signal just before the program', () => {
  const steps = plan();
  const closed = steps.filter(({ call }) => call === 'close_range').map(({ args }) => args);
  assert.deepEqual(closed, [[3, { slot: 'belowError' }, 0], [{ slot: 'aboveError' }, 0xffffffff, 0]]);
  assert.ok(position(steps, 'close_range') < position(steps, 'prctl', 1, 0));
  assert.ok(position(steps, 'prctl', 1, 0) < position(steps, 'execve'));
});

test('planStart() makes the cgroup namespace after the join, so that it shows the container\'s own cgroup as root', () => {
  const steps = ops(planStart(exampleSpec, { root, cgroup: { version: 2, procsFile: '/sys/fs/cgroup/estiva/x/cgroup.procs' }, shareMemory: true }));
  assert.ok(position(steps, 'openat', undefined, '/sys/fs/cgroup/estiva/x/cgroup.procs') < position(steps, 'unshare', 0x2000000));
});

test('planStart() without a terminal uses pipes, with one the container\'s own devpts', () => {
  assert.deepEqual(plan().filter((op) => op.call === 'dup3').map((op) => op.args[0]), [{ slot: 'stdin' }, { slot: 'stdout' }, { slot: 'stderr' }]);
  const steps = planProcess({ terminal: true, consoleSize: { height: 30, width: 100 } });
  assert.ok(position(steps, 'openat2', undefined, '/dev/pts/ptmx') < position(steps, 'sendmsg'));
  position(steps, 'mount', '/dev/pts/0', '/dev/console');
});

for (const [what, change] of Object.entries({
  'a user namespace': { linux: { ...exampleSpec.linux, namespaces: [...exampleSpec.linux.namespaces, { type: 'user' as const }] } },
  'no mount namespace': { linux: { ...exampleSpec.linux, namespaces: [] } },
})) {
  test(`planStart() refuses ${what}`, () => assert.throws(() => plan(change), { kind: 'unsupported' }));
}

for (const [what, process] of Object.entries({ 'no command': { args: [] }, 'a relative working directory': { cwd: 'x' }, 'an unknown limit': { rlimits: [{ type: 'RLIMIT_X', soft: 1, hard: 1 }] } })) {
  test(`planStart() refuses ${what}`, () => assert.throws(() => planProcess(process), { kind: 'invalid' }));
}

test('planStart() joins a pid namespace by being born in it, and leaves the maker in its own', () => {
  const namespaces = [{ type: 'mount' }, { type: 'pid', path: '/proc/77/ns/pid' }] as const;
  const steps = planStart({ ...exampleSpec, linux: { ...exampleSpec.linux, namespaces } }, { root, shareMemory: false });
  const clone = steps.findIndex((step) => 'call' in step && step.call === 'clone3');
  assert.deepEqual(ops(steps.slice(0, clone)).map(({ call, args }) => [call, args[0]]).slice(1), [['openat', -100], ['setns', { resultOf: 'namespace pid' }]]);
  assert.deepEqual(ops(steps.slice(steps.findIndex((step) => step.label === 'parent'))).map(({ call }) => call), ['setns', 'close', 'rt_sigprocmask']);
  assert.ok(!ops(steps.slice(clone)).some(({ call, args }) => call === 'setns' && args[1] === 0x20000000 && typeof args[0] === 'object' && 'resultOf' in args[0]));
});

test('planExec() sets the pid namespace for children, and sets it back whatever happens', () => {
  const steps = planExec(exampleSpec.process, { watched: false, namespaces: 0x20000 });
  const parent = steps.findIndex((step) => step.label === 'parent');
  const [enter] = ops(steps).filter((op) => op.call === 'setns');
  assert.deepEqual(enter?.onError, { goto: 'parent' });
  assert.deepEqual(ops(steps.slice(parent))[0]?.args, [{ slot: 'ownPidNamespace' }, 0x20000000]);
});

test('planExec() where others may trace: nothing with more than the program\'s rights is born in the container', () => {
  const steps = ops(planExec({ ...exampleSpec.process, terminal: true }, { watched: true, seccompFilter: filter, namespaces: 0x20000 }));
  const born = steps.findIndex(({ call }) => call === 'clone');
  const before = steps.slice(0, born).map(({ call }) => call);
  for (const done of ['seccomp', 'capset', 'setresuid', 'close_range', 'madvise']) assert.ok(before.includes(done as never), done);
  assert.deepEqual(steps.filter(({ call }) => call === 'setns').map(({ args }) => args), [[{ slot: 'init' }, 0x20020000]]);
  assert.deepEqual([...new Set(steps.slice(born + 1).map(({ call }) => call))], ['setsid', 'ioctl', 'execve', 'exit_group', 'rt_sigprocmask']);
});
