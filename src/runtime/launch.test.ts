// Launches for real: as root only. Every op of a whole program is made to fail once.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { test } from 'node:test';
import { assemble, errnoName, Fd, hostArchitecture, O, reap, Readiness, type Image } from '../kernel/index.ts';
import type { Spec } from '../spec/oci/runtime.ts';
import { exampleSpec } from './example-spec.ts';
import { launch, type LaunchResult } from './launch.ts';
import { planStart } from './plan/start.ts';
import { openDescriptors } from '../kernel/descriptors.fixture.ts';

const skip = process.getuid?.() !== 0 ? 'needs root' : !existsSync('/bin/busybox') ? 'needs busybox-static' : false;

/** A root of busybox in a temporary directory, and launches in it. */
async function inBusybox(body: (run: (spec: Spec, failAt?: number) => Promise<{ image: Image; result: LaunchResult; exitCode: number | undefined; output: string }>, dir: string) => Promise<void>): Promise<void> {
  const dir = mkdtempSync('/var/tmp/estiva-launch-');
  using readiness = new Readiness();
  const keepAlive = setInterval(() => undefined, 1000);
  try {
    for (const name of ['layers/busybox/bin', 'upper', 'work', 'merged']) mkdirSync(`${dir}/${name}`, { recursive: true });
    copyFileSync('/bin/busybox', `${dir}/layers/busybox/bin/busybox`);
    const names = spawnSync('/bin/busybox', ['--list'], { encoding: 'utf8' }).stdout.trim().split('\n').filter((name) => name !== 'busybox');
    for (const name of names) symlinkSync('busybox', `${dir}/layers/busybox/bin/${name}`);
    await body(async (spec, failAt) => {
      // Volatile: hundreds of launches would wait for the disk hundreds of times. Its mark would keep the next from mounting.
      rmSync(`${dir}/work/work/incompat`, { recursive: true, force: true });
      const root = { kind: 'overlay', isVolatile: true, layersDir: `${dir}/layers`, lowerDirs: ['busybox'], upperDir: `${dir}/upper`, workDir: `${dir}/work`, mergedDir: `${dir}/merged` } as const;
      const image = assemble(planStart(spec, { root, shareMemory: true }), hostArchitecture(), failAt === undefined ? {} : { failAt });
      using nothing = Fd.open('/dev/null', O.RDWR);
      const [read, write] = Fd.pipe();
      const result = await launch(image, new Map([['stdin', nothing.number], ['stdout', write.number], ['stderr', write.number]]), readiness, image.ops.length);
      write[Symbol.dispose]();
      const exitCode = result.ok ? await exitOf(result.process.pidfd, readiness) : undefined;
      const output = readFileSync(`/proc/self/fd/${read.number}`, 'utf8');
      read[Symbol.dispose]();
      return { image, result, exitCode, output };
    }, dir);
  } finally {
    clearInterval(keepAlive);
    rmSync(dir, { recursive: true });
  }
}

function exitOf(pidfd: Fd, readiness: Readiness): Promise<number> {
  return new Promise((resolve) => readiness.watch(pidfd, () => {
    readiness.unwatch(pidfd);
    resolve(reap(pidfd)!.code);
    pidfd[Symbol.dispose]();
  }));
}

const shell = (script: string): Spec => ({ ...exampleSpec, process: { ...exampleSpec.process, args: ['sh', '-c', script] } });

test('launch() starts a program that is alone in its namespaces', { skip }, async () => {
  await inBusybox(async (run) => {
    const { exitCode, output } = await run(shell('echo $$ $(hostname) $(ls /proc | grep -c "^[0-9]") $(cat /proc/self/status | grep NoNewPrivs); exit 7'));
    assert.equal(exitCode, 7);
    assert.match(output, /^1 example [0-9] NoNewPrivs: 0\n$/);
  });
});

test('launch() leaves no descriptor of ours open in the program', { skip }, async () => {
  await inBusybox(async (run) => {
    const { output } = await run(shell('for f in /proc/self/fd/*; do echo -n "${f##*/} "; done'));
    assert.match(output, /^0 1 2 /);
    assert.ok(output.trim().split(' ').length <= 4, output);
  });
});

test('launch() says which call failed and why', { skip }, async () => {
  await inBusybox(async (run) => {
    const { image, result } = await run({ ...exampleSpec, process: { ...exampleSpec.process, args: ['not-there'] } });
    assert.ok(!result.ok);
    assert.deepEqual([image.ops[result.failure.index]?.call, errnoName(result.failure.errno)], ['execve', 'ENOENT']);
  });
});

test('launch() fails cleanly whichever op fails: the op is named, no process and no mount stays', { skip }, async () => {
  await inBusybox(async (run, dir) => {
    const { image } = await run(exampleSpec);
    const survivors: string[] = [];
    const fdsBefore = openDescriptors();
    for (const [index, op] of image.ops.entries()) {
      const { result, exitCode } = await run(exampleSpec, index);
      // Alternatives that this kernel does not need (jumps and masks of the other kind) are not reached.
      const mayGoOn = op.onError !== undefined || op.call === 'getpid' || op.why?.endsWith('must be masked') === true;
      if (result.ok) {
        assert.ok(mayGoOn, `op ${index} (${op.call}) failed and nobody noticed`);
        assert.equal(exitCode, 0, `op ${index} (${op.call})`);
      } else if (result.failure.index !== index) survivors.push(`${index} ${op.call} shows as ${result.failure.index}`);
      if (!result.ok) assert.ok(result.failure.errno > 0, `op ${index} (${op.call}) has an errno`);
    }
    // An op whose failure is looked at by a later one is named by that one; all others name themselves.
    assert.ok(survivors.every((text) => Number(text.split(' ')[0]) < Number(text.split(' ').at(-1))), survivors.join('; '));
    assert.ok(!readFileSync('/proc/self/mountinfo', 'utf8').includes(dir), 'no mount on the host');
    assert.equal(openDescriptors(), fdsBefore, 'no descriptor left');
    assert.equal(spawnSync('sh', ['-c', `ps -o stat= --ppid ${process.pid} | grep -c Z`]).stdout.toString().trim(), '0', 'no zombie left');
  });
});
