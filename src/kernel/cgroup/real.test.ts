// Cgroups on the kernel that runs here, whichever version it has: limits at work, not only written. Needs root. Everything is made under a
// parent of this process's own. The virtual machine of test/vm runs the same file on a host with version 2.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Resources } from '../../spec/oci/runtime.ts';
import { isFail } from '../../base/index.ts';
import { openCgroups, type Cgroups } from './cgroups.ts';

const parent = `/estiva-test-${process.pid}`;
const MiB = 1024 * 1024;
const cgroups = openIfPossible();
const skip = cgroups === undefined ? 'needs root and writable cgroups' : false;

after(() => cgroups?.[Symbol.dispose]());

function openIfPossible(): Cgroups | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const opened = openCgroups();
  try {
    accessSync(filesOf(opened, '/any')[0]!.replace(/\/any\/[^/]+$/, ''), constants.W_OK);
    return opened;
  } catch {
    opened[Symbol.dispose]();
    return undefined;
  }
}

function filesOf(cgroups: Cgroups, path: string): readonly string[] {
  const join = cgroups.join(path);
  return join.version === 1 ? join.taskFiles : [join.procsFile];
}

/** A shell script in the group: it joins as a container does, by writing 0 into the files. */
function inside(path: string, script: string): readonly [string, readonly string[]] {
  return ['sh', ['-c', `for file in "$@"; do echo 0 >"$file" || exit 99; done; ${script}`, 'sh', ...filesOf(cgroups!, path)]];
}

function run(path: string, script: string): { readonly status: number | null; readonly signal: string | null; readonly stdout: string; readonly stderr: string } {
  return spawnSync(...inside(path, script), { encoding: 'utf8', timeout: 20_000 });
}

const skipCpuset = skip === false && !cgroups!.controllers.has('cpuset') ? 'this kernel has no cpuset controller' : skip;

function check(name: string, resources: Resources, body: (path: string, cgroups: Cgroups) => void | Promise<void>): void {
  const path = `${parent}/${name.replaceAll(/\W+/g, '-')}`;
  test(`Cgroups on this kernel: ${name}`, { skip: resources.cpu?.cpus === undefined ? skip : skipCpuset, timeout: 30_000 }, async () => {
    cgroups!.create(path, resources);
    try {
      await body(path, cgroups!);
    } finally {
      cgroups!.killAll(path);
      await cgroups!.remove(path);
    }
    assert.equal(filesOf(cgroups!, path).some((file) => existsSync(file)), false);
  });
}

check('a memory limit kills what exceeds it, and the kill is counted', { memory: { limit: 24 * MiB, swap: 24 * MiB } }, (path, cgroups) => {
  assert.equal(cgroups.oomKills(path), 0);
  assert.equal(run(path, 'exec tail /dev/zero').signal, 'SIGKILL');
  assert.ok(cgroups.oomKills(path) >= 1);
});

check('a limit of processes stops fork', { pids: { limit: 3 } }, (path) => {
  const { status, stderr } = run(path, `${'sleep 5 >/dev/null 2>&1 & '.repeat(4)} wait`);
  assert.notEqual(status, 0);
  assert.match(stderr, /fork/i);
});

check('a CPU quota is kept', { cpu: { quota: 20_000, period: 100_000 } }, (path) => {
  const began = performance.now();
  run(path, 'timeout 0.5 sh -c "while :; do :; done"');
  const seconds = (performance.now() - began) / 1000;
  // A fifth, and the period that had begun.
  assert.ok(cpuSeconds(path) < seconds / 5 + 0.15, `${cpuSeconds(path)} seconds of CPU in ${seconds} seconds`);
});

function cpuSeconds(path: string): number {
  const directories = filesOf(cgroups!, path).map((file) => dirname(file));
  const version1 = directories.map((directory) => `${directory}/cpuacct.usage`).find((file) => existsSync(file));
  if (version1 !== undefined) return Number(readFileSync(version1, 'utf8')) / 1e9;
  return Number(/usage_usec (\d+)/.exec(readFileSync(`${directories[0]}/cpu.stat`, 'utf8'))![1]) / 1e6;
}

check('shares and a reservation are taken', { cpu: { shares: 512 }, memory: { limit: 64 * MiB, reservation: 32 * MiB } }, (path) => assert.equal(run(path, 'exit 5').status, 5));

check('CPUs and memory nodes are kept', { cpu: { cpus: '0', mems: '0' } }, (path) => {
  assert.match(run(path, 'grep Cpus_allowed_list /proc/self/status').stdout, /:\s+0\n/);
});

const few: Resources = { devices: [{ allow: false }, { allow: true, type: 'c', major: 1, minor: 3 }, { allow: true, type: 'c', major: 1, minor: 5, access: 'r' }] };
check('devices: only those allowed, and only as allowed', few, (path) => {
  const script = ['</dev/null', '</dev/zero', '</dev/full', '>/dev/null', '>/dev/zero'].map((use) => `if (: ${use}); then echo yes; else echo no; fi`).join('; ');
  assert.equal(run(path, script).stdout, 'yes\nyes\nno\nyes\nno\n');
});

check('devices: all but one', { devices: [{ allow: true, access: 'rwm' }, { allow: false, type: 'c', major: 1, minor: 5, access: 'rwm' }] }, (path) => {
  assert.equal(run(path, 'head -c 1 /dev/full >/dev/null && ! head -c 1 /dev/zero 2>/dev/null').status, 0);
});

const many: Resources = { devices: [{ allow: false }, ...Array.from({ length: 300 }, (_, minor) => ({ allow: true, type: 'c' as const, major: 1, minor: minor + 3, access: 'rw' }))] };
check('devices: hundreds of rules', many, (path) => assert.equal(run(path, ': </dev/null').status, 0));

check('devices: rules that are changed, and put back', few, (path, cgroups) => {
  const zeroAndFull = (): string => run(path, ['/dev/zero', '/dev/full'].map((file) => `if (: <${file}) 2>/dev/null; then echo yes; else echo no; fi`).join('; ')).stdout;
  assert.equal(zeroAndFull(), 'yes\nno\n');
  const changed = { devices: [{ allow: false }, { allow: true, type: 'c', major: 1, minor: 3 }, { allow: true, type: 'c', major: 1, minor: 7 }] } as const;
  const putBack = cgroups.update(path, changed);
  assert.equal(zeroAndFull(), 'no\nyes\n');
  cgroups.update(path, changed);
  assert.equal(zeroAndFull(), 'no\nyes\n');
  if (cgroups.version === 2) {
    cgroups.update(path, few);
    assert.equal(zeroAndFull(), 'yes\nno\n');
  } else putBack();
});

test('Cgroups on this kernel: an I/O weight is set, changed and put back', { skip }, async (context) => {
  const path = `${parent}/weight`;
  cgroups!.create(path, {});
  try {
    const names = ['io.bfq.weight', 'io.weight', 'blkio.weight', 'blkio.bfq.weight'];
    const file = filesOf(cgroups!, path).flatMap((one) => names.map((name) => `${dirname(one)}/${name}`)).find((one) => existsSync(one));
    if (file === undefined) return context.skip('this kernel has no I/O weights');
    const first = readFileSync(file, 'utf8');
    const putBack = cgroups!.update(path, { blockIO: { weight: 700 } });
    assert.match(readFileSync(file, 'utf8'), /\b(700|6970)\b/);
    putBack();
    assert.equal(readFileSync(file, 'utf8'), first);
  } finally {
    await cgroups!.remove(path);
  }
});

check('killAll() ends every process, also those that keep forking', { pids: { limit: 60 } }, async (path, cgroups) => {
  // Each ends after a while, so that a failing test leaves nothing that lives.
  const bomb = spawn(...inside(path, 'for i in 1 2 3; do (while :; do (sleep 0.01 &); done) & done; (sleep 10; kill 0) & wait'), { stdio: 'ignore', detached: true });
  const exited = once(bomb, 'exit');
  while (cgroups.pids(path).length < 5) await sleep(10);
  cgroups.killAll(path);
  await exited;
  await cgroups.remove(path);
  assert.deepEqual(cgroups.pids(path), []);
});

check('freeze() stops every process until thaw(), and killAll() ends frozen ones', {}, async (path, cgroups) => {
  const counter = spawn(...inside(path, 'while :; do echo x; sleep 0.01; done & while :; do echo y; sleep 0.01; done'), { stdio: ['ignore', 'pipe', 'ignore'] });
  const exited = once(counter, 'exit');
  let bytes = 0;
  counter.stdout.on('data', (chunk: Buffer) => { bytes += chunk.length; });
  const grows = async (): Promise<boolean> => {
    const before = bytes;
    await sleep(100);
    return bytes > before;
  };
  while (!await grows()) await sleep(10);
  await cgroups.freeze(path);
  assert.equal(cgroups.isFrozen(path), true);
  await sleep(50);
  assert.equal(await grows(), false);
  cgroups.thaw(path);
  assert.equal(cgroups.isFrozen(path), false);
  while (!await grows()) await sleep(10);
  await cgroups.freeze(path);
  cgroups.killAll(path);
  await exited;
});

check('a group below goes with it', {}, async (path, cgroups) => {
  for (const file of filesOf(cgroups, path)) mkdirSync(`${dirname(file)}/below`);
  assert.deepEqual(cgroups.list(path), ['below']);
  await cgroups.remove(path);
});

test('Cgroups on this kernel: a refused limit leaves nothing behind', { skip }, () => {
  const refused = { kind: 'invalid', message: /^Cannot set the CPU quota to "10.*": invalid argument$/ };
  assert.throws(() => cgroups!.create(`${parent}/refused`, { memory: { limit: 64 * MiB }, cpu: { quota: 10 } }), refused);
  assert.deepEqual(cgroups!.list(parent), []);
});

test('Cgroups on this kernel: CPUs that are not there are refused', { skip: skipCpuset }, () => {
  assert.throws(() => cgroups!.check({ cpu: { cpus: '4000' } }), (error) => isFail(error, 'invalid'));
});

test('Cgroups on this kernel: a parent that had to be made goes with the last group in it', { skip }, async () => {
  const own = `${parent}-own`;
  using second = openCgroups();
  second.create(`${own}/x`, {});
  second.create(`${own}/deep/y`, {});
  const directories = filesOf(second, own).map((file) => dirname(file));
  await second.remove(`${own}/x`);
  assert.ok(directories.every((directory) => existsSync(directory)));
  await second.remove(`${own}/deep/y`);
  assert.equal(directories.some((directory) => existsSync(directory)), false);
});
