// Faults, for ours only: a dockerd kills its containers, or blocks them, in most of these (promises: docs). The daemon is killed at any
// moment, its supervisor too, clients stand still, the disk is full; containers go on, logs are whole, and what was acknowledged is there.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { busyboxArchive } from '../fixtures/busybox.ts';
import { tar } from '../fixtures/tar.ts';
import { command } from './command.ts';
import { Daemon } from './daemon.ts';
import { busybox, openEngine, succeeded, until } from './engine.ts';
import { http } from './http.ts';

const engine = await openEngine();
const skip = !engine.ours && 'a promise of ours: dockerd stops or blocks its containers here';
const kills = Number(process.env.ESTIVA_E2E_KILLS ?? 20);
const remove = async (...ids: string[]) => { succeeded(await engine.docker(['rm', '-f', ...ids])); };

function own(): Daemon {
  assert.ok(engine.daemon);
  return engine.daemon;
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Prints the numbers from 1 on, in bursts with pauses, until somebody makes /enough; then writes down how many, and ends when that was read. */
const counting = 'i=0; until [ -e /enough ]; do seq $((i+1)) $((i+50)); i=$((i+50)); usleep 20000; done; echo $i >/count; while [ -e /enough ]; do usleep 20000; done; exit 17';

function assertCounted(log: string, lines: number): void {
  const numbers = log.trimEnd().split('\n').map(Number);
  const wrong = numbers.findIndex((number, index) => number !== index + 1);
  assert.equal(wrong, -1, `line ${wrong + 1} is ${numbers[wrong]} after ${numbers[wrong - 1]}`);
  assert.equal(numbers.length, lines);
}

test('kill -9 of the daemon at many moments: the container goes on, each line is logged once, the exit code is right', { skip }, async () => {
  const id = await engine.start([busybox, 'sh', '-c', counting]);
  const { Pid } = (await engine.inspect(id)).State;
  for (let round = 0; round < kills; round += 1) {
    await sleep(5 + Math.random() * 120);
    await own().crash();
    assert.ok(isAlive(Pid), `the container goes on after kill ${round}`);
    await sleep(Math.random() * 60);
    await own().start();
    assert.equal((await engine.inspect(id)).State.Pid, Pid);
  }
  succeeded(await engine.docker(['exec', id, 'touch', '/enough']));
  let lines = 0;
  await until('the program has stopped counting', async () => (lines = Number((await engine.docker(['exec', id, 'cat', '/count'])).stdout)) > 0);
  succeeded(await engine.docker(['exec', id, 'rm', '/enough']));
  const waited = (await engine.http('POST', `/containers/${id}/wait`, undefined, { timeoutMs: 120_000 })).json() as { StatusCode: number };
  assert.equal(waited.StatusCode, 17);
  assertCounted(succeeded(await engine.docker(['logs', id])), lines);
  await remove(id);
});

test('what ends while the daemon is away has its exit code and its whole log afterwards', { skip }, async () => {
  const ids = await Promise.all([0, 1, 42, 255].map((code) => engine.start([busybox, 'sh', '-c', `echo before; sleep 0.6; seq 1 5000; exit ${code}`])));
  const killed = await engine.start([busybox, 'sleep', '1000']);
  const { Pid } = (await engine.inspect(killed)).State;
  await own().crash();
  process.kill(Pid, 'SIGKILL');
  await sleep(1_500);
  await own().start();
  for (const [index, id] of ids.entries()) {
    await until('the end is known', async () => (await engine.inspect(id)).State.Status === 'exited');
    assert.equal((await engine.inspect(id)).State.ExitCode, [0, 1, 42, 255][index]);
    assert.equal(succeeded(await engine.docker(['logs', id])).split('\n').length, 5_002);
  }
  assert.equal((await engine.inspect(killed)).State.ExitCode, 137);
  await remove(killed, ...ids);
});

test('a container that prints much is not held up while the daemon is away', { skip }, async () => {
  const id = await engine.start([busybox, 'sh', '-c', 'while [ ! -e /go ]; do usleep 10000; done; seq 1 300000; touch /printed; sleep 1000']);
  const { Pid } = (await engine.inspect(id)).State;
  succeeded(await engine.docker(['exec', '-d', id, 'sh', '-c', 'sleep 0.5; touch /go']));
  await own().crash();
  await until('all is printed without a daemon', () => readdirSync(`/proc/${Pid}/root`).includes('printed'), 30_000);
  await own().start();
  await until('the log has it', async () => (await engine.docker(['logs', '--tail', '1', id])).stdout === '300000\n', 30_000);
  assertCounted(succeeded(await engine.docker(['logs', id], { timeoutMs: 120_000 })), 300_000);
  await remove(id);
});

test('kill -9 of the daemon amid creates, starts and removes: nothing half-made is listed or left', { skip }, async () => {
  for (let round = 0; round < kills; round += 1) {
    const busy = Promise.allSettled(Array.from({ length: 4 }, async () => {
      const id = await engine.create({ Cmd: ['sleep', '0.2'] });
      await engine.http('POST', `/containers/${id}/start`);
      await engine.http('DELETE', `/containers/${id}?force=1`);
    }));
    await sleep(Math.random() * 40);
    await own().crash();
    await busy;
    await own().start();
    const listed = ((await engine.http('GET', '/containers/json?all=1')).json() as { Id: string }[]).map((one) => one.Id);
    for (const id of listed) assert.ok(['created', 'running', 'exited'].includes((await engine.inspect(id)).State.Status));
    assert.deepEqual(readdirSync(join(own().place.rootDir, 'containers')).toSorted(), listed.toSorted(), `files after kill ${round}`);
    if (listed.length > 0) await remove(...listed);
  }
});

test('an answer that was given is kept: a created container and a loaded image are there after kill -9', { skip }, async () => {
  const id = await engine.create({ Cmd: ['true'] });
  succeeded(await engine.docker(['tag', busybox, 'estiva-test/kept:1']));
  await own().crash();
  await own().start();
  assert.equal((await engine.inspect(id)).State.Status, 'created');
  assert.equal((await engine.http('GET', '/images/estiva-test/kept:1/json')).status, 200);
  await engine.docker(['rmi', 'estiva-test/kept:1']);
  await remove(id);
});

test('attach, exec and stop work on a container of the daemon before', { skip }, async () => {
  const id = await engine.start(['-i', busybox, 'cat']);
  await own().crash();
  await own().start();
  assert.equal(succeeded(await engine.docker(['exec', id, 'echo', 'still'])), 'still\n');
  const attached = await engine.hijack(`/containers/${id}/attach?stream=1&stdin=1&stdout=1`);
  attached.socket.write('hello\n');
  await until('it echoes', async () => (await engine.docker(['logs', id])).stdout === 'hello\n');
  attached.socket.destroy();
  succeeded(await engine.docker(['stop', '-t', '1', id]));
  await remove(id);
});

test('kill -9 of the supervisor: the daemon answers, containers can be stopped and removed, new ones run', { skip }, async () => {
  const id = await engine.start([busybox, 'sleep', '1000']);
  const supervisor = own().supervisorPid;
  assert.ok(supervisor !== undefined, 'the supervisor is a process of its own');
  process.kill(supervisor, 'SIGKILL');
  await sleep(500);
  assert.equal((await engine.http('GET', '/_ping')).status, 200);
  assert.equal(succeeded(await engine.run(['--rm', busybox, 'echo', 'new'])), 'new\n');
  succeeded(await engine.docker(['stop', '-t', '0', id]));
  await remove(id);
});

test('the supervisor keeps nothing of containers that have ended or never began', { skip }, async () => {
  const held = (): number => readdirSync(`/proc/${own().supervisorPid}/fd`).length;
  succeeded(await engine.run(['--rm', busybox, 'true']));
  await until('the spare network is there', () => Promise.resolve(held() > 0));
  await sleep(300);
  const before = held();
  for (let i = 0; i < 10; i++) {
    succeeded(await engine.run([...i % 2 === 0 ? ['--rm'] : [], ...i % 3 === 0 ? ['-t'] : [], busybox, 'touch', '/written']));
    assert.equal((await engine.run(['--rm', busybox, 'no-such-program'])).code, 127);
  }
  await until('all are closed', () => Promise.resolve(held() <= before));
  succeeded(await engine.docker(['container', 'prune', '-f']));
});

test('kill -9 of both at once: the next daemon finds what goes on and can end it', { skip }, async () => {
  const id = await engine.start([busybox, 'sleep', '1000']);
  const supervisor = own().supervisorPid;
  await own().crash();
  if (supervisor !== undefined) process.kill(supervisor, 'SIGKILL');
  await own().start();
  assert.ok(['running', 'exited'].includes((await engine.inspect(id)).State.Status));
  await remove(id);
  assert.equal(succeeded(await engine.run(['--rm', busybox, 'echo', 'new'])), 'new\n');
});

test('a second daemon on the same root is refused in one sentence', { skip }, async () => {
  const launcher = resolve(import.meta.dirname, '../../bin/estiva');
  const { rootDir, runDir } = own().place;
  const second = await command(launcher, ['daemon', '--root', rootDir, '--run', `${runDir}-second`], { timeoutMs: 20_000 });
  assert.notEqual(second.code, 0);
  assert.ok(second.stderr.includes(rootDir), second.stderr);
  assert.doesNotMatch(second.stderr, /\n\s+at /);
  assert.equal((await engine.http('GET', '/_ping')).status, 200);
  rmSync(`${runDir}-second`, { recursive: true, force: true });
});

test('a client that stops reading holds nothing up, and costs little memory', { skip }, async () => {
  const id = await engine.create({ Cmd: ['sh', '-c', 'seq 1 5000000'], AttachStdout: true });
  const stuck = await engine.hijack(`/containers/${id}/attach?stream=1&stdout=1&stderr=1`);
  stuck.socket.pause();
  const before = residentBytes(own().pid);
  await engine.http('POST', `/containers/${id}/start`);
  const waited = (await engine.http('POST', `/containers/${id}/wait`, undefined, { timeoutMs: 60_000 })).json() as { StatusCode: number };
  assert.equal(waited.StatusCode, 0);
  assert.ok(residentBytes(own().pid) - before < 64 * 2 ** 20, 'memory of the daemon');
  stuck.socket.destroy();
  assert.equal(succeeded(await engine.docker(['logs', '--tail', '1', id])), '5000000\n');
  await remove(id);
});

function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024;
}

/** A daemon of its own on a file system of `size`, for as long as `work` takes. */
async function onSmallDisk(size: string, work: (daemon: Daemon, docker: typeof engine.docker) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'estiva-e2e-full-'));
  execFileSync('/bin/busybox', ['mount', '-t', 'tmpfs', '-o', `size=${size}`, 'none', dir]);
  const daemon = new Daemon({ rootDir: join(dir, 'root'), runDir: `${dir}-run`, logPath: `${dir}.log` });
  try {
    await daemon.start();
    const env = { ...process.env, DOCKER_HOST: `unix://${daemon.socketPath}` };
    await work(daemon, (args, options) => engine.docker(args, { env, ...options }));
  } finally {
    const supervisor = daemon.supervisorPid;
    await daemon.stop();
    if (supervisor !== undefined && isAlive(supervisor)) process.kill(supervisor, 'SIGTERM');
    await sleep(300);
    execFileSync('/bin/busybox', ['umount', '-l', dir]);
    for (const path of [dir, `${dir}-run`, `${dir}.log`]) rmSync(path, { recursive: true, force: true });
  }
}

test('a full disk: what needs space says so, everything else works, and with space again all works', { skip: skip || (process.getuid?.() !== 0 && 'needs root to mount') }, async () => {
  await onSmallDisk('24m', async (daemon, docker) => {
    succeeded(await docker(['load', '-q', '-i', await busyboxArchive()]));
    const filled = await docker(['run', '--network', 'none', '--name', 'filler', busybox, 'sh', '-c', 'echo filling; dd if=/dev/zero of=/big bs=64k 2>&1 | grep -o "No space.*"']);
    assert.match(filled.stdout, /filling\n(No space left on device\n)?/);
    const copied = await docker(['cp', '-', 'filler:/'], { input: tar([{ path: 'copied', data: Buffer.alloc(1 << 20, 1) }]) });
    assert.deepEqual([copied.code, /no space left on device/i.test(copied.stderr)], [1, true], copied.stderr);
    const refused = await docker(['load', '-q', '-i', await busyboxArchive()]);
    const created = await docker(['create', '--network', 'none', '--name', 'another', busybox, 'true']);
    for (const outcome of [refused, created].filter(({ code }) => code !== 0)) assert.match(outcome.stderr, /no space left on device|ENOSPC/i);
    assert.equal((await http(daemon.socketPath, 'GET', '/_ping')).status, 200);
    assert.match(succeeded(await docker(['ps', '-a', '--format', '{{.Names}}'])), /filler/);
    assert.equal((await docker(['logs', 'filler'])).code, 0);
    succeeded(await docker(['rm', '-f', 'filler']));
    assert.equal(succeeded(await docker(['run', '--rm', '--network', 'none', busybox, 'echo', 'again'])), 'again\n');
    await docker(['rm', '-f', 'another']);
  });
});

test('the daemon ends on SIGTERM and its containers go on', { skip }, async () => {
  const id = await engine.start([busybox, 'sleep', '1000']);
  const { Pid } = (await engine.inspect(id)).State;
  await own().stop();
  assert.ok(isAlive(Pid));
  await own().start();
  assert.equal((await engine.inspect(id)).State.Pid, Pid);
  await remove(id);
});
