import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { assembled, toolPrefix } from './assembler.fixture.ts';
import { initExecutable, initHex, initSourceArm64, initSourceX64 } from './init.ts';
import { hostArchitecture } from './stub.ts';

const qemu = '/usr/bin/qemu-aarch64-static';
const folder = mkdtempSync(join(tmpdir(), 'estiva-init-'));
after(() => rmSync(folder, { recursive: true }));
// A directory name of this length and more does not fit the init's buffer with a program's name behind it.
const tooLong = 'a'.repeat(5000);

for (const [architecture, source] of [['x64', initSourceX64], ['arm64', initSourceArm64]] as const) {
  test(`initHex.${architecture} is what an assembler makes of the source`, (t) => {
    const hex = assembled(source, architecture);
    if (hex === undefined) return t.skip(`no ${toolPrefix[architecture]}as on this machine`);
    assert.equal(initHex[architecture].join(''), hex);
  });

  const isNative = architecture === hostArchitecture();
  const skip = isNative || (architecture === 'arm64' && existsSync(qemu)) ? false : `No way to run ${architecture} programs here (Debian: qemu-user-static)`;
  const file = join(folder, architecture);
  writeFileSync(file, initExecutable(architecture), { mode: 0o755 });
  const [program, first]: readonly [string, readonly string[]] = isNative ? [file, []] : [qemu, [file]];
  const run = (args: readonly string[], env: NodeJS.ProcessEnv = { PATH: '/usr/bin:/bin' }) => spawnSync(program, [...first, '--', ...args], { encoding: 'utf8', env, timeout: 10_000 });

  test(`the init ends as its program did, on ${architecture}`, { skip }, () => {
    for (const code of [0, 1, 7, 255]) assert.equal(run(['sh', '-c', `exit ${code}`]).status, code);
    for (const [signal, code] of [['KILL', 137], ['TERM', 143]] as const) assert.equal(run(['sh', '-c', `kill -${signal} $$`]).status, code, signal);
  });

  test(`the init finds its program as execvp does, on ${architecture}`, { skip }, () => {
    assert.equal(run(['echo', 'one', 'two words']).stdout, 'one two words\n');
    assert.equal(run(['/bin/echo', 'x'], {}).stdout, 'x\n');
    assert.equal(run(['echo', 'x'], {}).stdout, 'x\n', 'without PATH: the usual one');
    for (const PATH of ['/nope:/bin', ':/bin', '/bin/:', `${tooLong}:/bin`]) assert.equal(run(['echo', 'x'], { OTHER: '', PATHS: '/x', PATH }).stdout, 'x\n', PATH.slice(0, 20));
  });

  test(`the init says what it cannot run, on ${architecture}`, { skip }, () => {
    for (const [name, status, why] of [['no-such-program', 127, 'no such file or directory'], ['/etc/passwd', 126, 'it cannot be executed'], [tooLong, 126, 'it cannot be executed']] as const) {
      const outcome = run([name]);
      assert.deepEqual([outcome.status, outcome.stderr], [status, `docker-init: cannot run "${name}": ${why}\n`]);
    }
    assert.equal(run(['no-such-program'], { PATH: '' }).status, 127);
  });

  test(`the init sends signals on, on ${architecture}`, { skip }, async () => {
    for (const signal of ['SIGTERM', 'SIGUSR1', 'SIGHUP', 'SIGWINCH'] as const) {
      const child = spawn(program, [...first, '--', 'sh', '-c', `trap 'echo got; exit 5' ${signal.slice(3)}; echo ready; while :; do sleep 0.05; done`], { stdio: ['ignore', 'pipe', 'inherit'] });
      let text = '';
      child.stdout.on('data', (bytes: Buffer) => {
        if (text === '') child.kill(signal);
        text += bytes.toString();
      });
      const [code] = await once(child, 'close') as [number | null];
      assert.deepEqual([code, text], [5, 'ready\ngot\n'], signal);
    }
  });

  test(`the init reaps orphans while its program runs, on ${architecture}`, { skip }, async (t) => {
    // qemu knows nothing of PR_SET_CHILD_SUBREAPER: there it is process 1 of a namespace, as in a container.
    const words = [...(isNative ? [] : ['unshare', '--user', '--pid', '--fork', '--kill-child']), program, ...first, '--', 'sh', '-c', 'for i in 1 2 3 4 5; do (sh -c "sleep 0.7; exit 3" &) ; done; sleep 5'];
    const child = spawn(words[0]!, words.slice(1), { stdio: 'ignore' });
    t.after(() => child.kill('SIGKILL'));
    const init = (): number => (isNative ? child.pid! : childrenOf(child.pid!)[0]?.pid ?? child.pid!);
    let seen = 0;
    for (let tries = 0; tries < 200; tries++) {
      const children = childrenOf(init());
      seen = Math.max(seen, children.length);
      if (seen === 6 && children.length === 1) break;
      await sleep(10);
    }
    assert.equal(seen, 6, 'the orphans are its children');
    assert.deepEqual(childrenOf(init()).map(({ state }) => state), ['S']);
    const gone = once(child, 'exit');
    process.kill(init(), 'SIGTERM');
    assert.equal((await gone)[0], 143);
  });
}

function childrenOf(parent: number): { readonly pid: number; readonly state: string }[] {
  const pids = readFileSync(`/proc/${parent}/task/${parent}/children`, 'latin1').split(' ').filter((pid) => pid !== '');
  return pids.flatMap((pid) => {
    const [state] = statOf(pid);
    return state === undefined ? [] : [{ pid: Number(pid), state }];
  });
}

function statOf(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\) /, '').split(' ');
  } catch {
    return []; // It ended between the list and the look.
  }
}
