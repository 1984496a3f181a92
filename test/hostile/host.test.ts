// The engine's own files and processes on the host: nobody else can read, write or lead them astray.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { command } from '../e2e/command.ts';
import { Daemon } from '../e2e/daemon.ts';
import { busybox, openEngine, succeeded, until } from '../e2e/engine.ts';
import { busyboxArchive } from '../fixtures/busybox.ts';

const engine = await openEngine();
const skip = !engine.ours && 'another engine\'s weaknesses are not ours to test';
const scratch = mkdtempSync(join(tmpdir(), 'estiva-host-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

/** All below `dir` that other users may read, write or enter, as far as they can come to it. */
function openToOthers(dir: string): string[] {
  const { mode } = lstatSync(dir);
  if (!lstatSync(dir).isDirectory()) return lstatSync(dir).isSymbolicLink() || (mode & 0o007) === 0 ? [] : [`${(mode & 0o777).toString(8)} ${dir}`];
  const own = (mode & 0o006) === 0 ? [] : [`${(mode & 0o777).toString(8)} ${dir}`];
  return (mode & 0o001) === 0 ? own : [...own, ...readdirSync(dir).flatMap((name) => openToOthers(join(dir, name)))];
}

test('nothing of the data root and the run directory is open to other users', { skip }, async () => {
  const id = await engine.start([busybox, 'sh', '-c', 'echo logged; chmod 777 / /etc; exec sleep 1000']);
  const exec = await engine.start(['-t', busybox, 'sleep', '1000']);
  const { rootDir, runDir } = engine.daemon!.place;
  assert.deepEqual([...openToOthers(rootDir), ...openToOthers(runDir)], []);
  // What a file that is open to all lies in must be closed: the layers' files have their own rights.
  for (const name of ['blobs', 'layers', 'containers', 'tmp', 'estiva.db', 'lock']) assert.equal(statSync(join(rootDir, name)).mode & 0o077, 0, name);
  for (const name of readdirSync(runDir)) assert.equal(lstatSync(join(runDir, name)).mode & 0o007, 0, name);
  assert.equal(statSync(join(runDir, 'supervisor.sock')).mode & 0o077, 0);
  succeeded(await engine.docker(['rm', '-f', id, exec]));
});

test('another user reaches neither socket nor files', { skip: skip || (process.getuid?.() !== 0 && 'needs root') }, () => {
  const { rootDir, runDir } = engine.daemon!.place;
  chmodSync(join(rootDir, '..'), 0o755);
  for (const path of [join(rootDir, 'estiva.db'), join(rootDir, 'layers'), join(rootDir, 'containers'), join(runDir, 'supervisor.sock'), join(runDir, 'estiva.sock'), join(runDir, 'supervisor.log')]) {
    const seen = spawnSync('/bin/busybox', ['sh', '-c', `test -S ${path} && exec nc local:${path} </dev/null; test -d ${path} && exec ls ${path}; exec cat ${path}`], { uid: 65534, gid: 65534, encoding: 'utf8', timeout: 3_000 });
    assert.notEqual(seen.status, 0, path);
    assert.equal(seen.stdout, '', path);
  }
});

test('directories that others prepared are refused in one sentence', { skip: skip || (process.getuid?.() !== 0 && 'needs root') }, async () => {
  const prepared: Readonly<Record<string, (path: string) => void>> = {
    'open to all': (path) => { mkdirSync(path); chmodSync(path, 0o1777); },
    'somebody else\'s': (path) => { mkdirSync(path); chownSync(path, 65534, 65534); },
  };
  for (const [what, prepare] of Object.entries(prepared)) {
    for (const which of ['root', 'run'] as const) {
      const dirs = { root: join(scratch, `${what}-${which}-root`), run: join(scratch, `${what}-${which}-run`) };
      prepare(dirs[which]);
      symlinkSync(join(scratch, 'victim'), join(dirs[which], 'supervisor.log'));
      const outcome = await command(join(import.meta.dirname, '../../bin/estiva'), ['daemon', '--root', dirs.root, '--run', dirs.run], { timeoutMs: 10_000 });
      assert.notEqual(outcome.code, 0, `${what} ${which}`);
      assert.match(outcome.stderr, /Cannot use ".*": (it belongs to user|other users can write)/);
      assert.ok(!existsSync(join(scratch, 'victim')));
    }
  }
});

test('links in the run directory are not followed', { skip }, async () => {
  const dir = join(scratch, 'planted');
  mkdirSync(join(dir, 'run'), { recursive: true, mode: 0o711 });
  writeFileSync(join(scratch, 'host-file'), 'untouched');
  for (const name of ['supervisor.log', 'supervisor.sock', 'estiva.sock']) symlinkSync(join(scratch, 'host-file'), join(dir, 'run', name));
  const daemon = new Daemon({ rootDir: join(dir, 'root'), runDir: join(dir, 'run'), logPath: join(dir, 'log') });
  await assert.rejects(daemon.start(), /ended at its start/);
  assert.equal(readFileSync(join(scratch, 'host-file'), 'utf8'), 'untouched');
});

test('a second daemon is refused, on the same root and on the same run directory, and the first goes on', { skip }, async () => {
  const { rootDir, runDir } = engine.daemon!.place;
  const id = await engine.start([busybox, 'sleep', '1000']);
  for (const [root, run] of [[rootDir, join(scratch, 'run2')], [join(scratch, 'root2'), runDir], [rootDir, runDir]] as const) {
    const outcome = await command(join(import.meta.dirname, '../../bin/estiva'), ['daemon', '--root', root, '--run', run], { timeoutMs: 10_000 });
    assert.notEqual(outcome.code, 0, `${root} ${run}`);
    assert.equal((await engine.http('GET', '/_ping')).status, 200);
    assert.equal(succeeded(await engine.docker(['exec', id, 'echo', 'on'])), 'on\n');
    assert.equal((await engine.inspect(id)).State.Running, true);
  }
  succeeded(await engine.docker(['rm', '-f', id]));
});

test('the daemon runs no program of a container, and none that it finds by PATH', { skip: skip || (spawnSync('strace', ['-V']).error !== undefined && 'needs strace') }, async () => {
  const trace = join(scratch, 'trace');
  const tracer = spawn('strace', ['-f', '-e', 'trace=execve', '-o', trace, '-p', String(engine.daemon!.pid)], { stdio: 'ignore' });
  await until('it traces', () => /TracerPid:\t[1-9]/.test(readFileSync(`/proc/${engine.daemon!.pid}/status`, 'utf8')));
  const id = await engine.start(['-u', 'bob', busybox, 'sleep', '1000']);
  await engine.docker(['exec', '-u', 'daemon', id, 'true']);
  succeeded(await engine.docker(['rm', '-f', id]));
  tracer.kill('SIGINT');
  await sleep(200);
  assert.doesNotMatch(readFileSync(trace, 'utf8'), /execve\(/);
});

/** As often as ESTIVA_E2E_KILLS says, at a random moment of whatever is going on. */
test('kill -9 of the daemon amid creates, starts, execs, removes and loads: nothing half-made, no container lost', { skip, timeout: 150_000 }, async () => {
  const kills = Number(process.env.ESTIVA_E2E_KILLS ?? 100);
  const archive = readFileSync(await busyboxArchive());
  const steady = await engine.start([busybox, 'sleep', '100000']);
  const { Pid } = (await engine.inspect(steady)).State;
  for (let round = 0; round < kills; round += 1) {
    const busy = Promise.allSettled([
      ...Array.from({ length: 2 }, async () => {
        const id = await engine.create({ Cmd: ['sleep', '0.05'] }, { AutoRemove: round % 2 === 0 });
        await engine.http('POST', `/containers/${id}/start`);
        await engine.http('DELETE', `/containers/${id}?force=1`);
      }),
      engine.docker(['exec', steady, 'true']),
      engine.http('POST', '/images/load', archive),
      engine.http('POST', `/images/${encodeURIComponent(busybox)}/tag?repo=estiva-test/crash&tag=${round % 3}`),
    ]);
    await sleep(Math.random() * 60);
    await engine.daemon!.crash();
    await busy;
    await engine.daemon!.start();
    const listed = ((await engine.http('GET', '/containers/json?all=1')).json() as { Id: string }[]).map(({ Id }) => Id);
    assert.deepEqual(readdirSync(join(engine.daemon!.place.rootDir, 'containers')).toSorted(), listed.toSorted(), `files after kill ${round}`);
    assert.equal((await engine.inspect(steady)).State.Pid, Pid);
    const others = listed.filter((id) => id !== steady);
    for (const id of others) await engine.http('DELETE', `/containers/${id}?force=1`);
  }
  assert.equal(succeeded(await engine.docker(['exec', steady, 'echo', 'alive'])), 'alive\n');
  assert.deepEqual(readdirSync(join(engine.daemon!.place.rootDir, 'tmp')), []);
  succeeded(await engine.docker(['rm', '-f', steady]));
  for (let tag = 0; tag < 3; tag += 1) await engine.docker(['rmi', `estiva-test/crash:${tag}`]);
  assert.equal(succeeded(await engine.run(['--rm', busybox, 'echo', 'whole'])), 'whole\n');
});
