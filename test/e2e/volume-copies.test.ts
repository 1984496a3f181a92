// Clones, snapshots, exports: Estiva's own, through its own command line. And kill -9 of the daemon amid all that is done to volumes.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { command, type CommandOptions, type Outcome } from './command.ts';
import { busybox, openEngine, succeeded } from './engine.ts';

const engine = await openEngine();
const skip = engine.daemon === undefined && 'Estiva\'s own';
const dir = mkdtempSync(join(tmpdir(), 'estiva-volume-copies-'));
after(() => rmSync(dir, { recursive: true }));

const estiva = (args: readonly string[], options: CommandOptions = {}): Promise<Outcome> => command(resolve(import.meta.dirname, '../../bin/estiva'), ['-H', engine.dockerHost, ...args], options);

async function make(hint: string): Promise<string> {
  const name = engine.unique(hint);
  succeeded(await estiva(['volume', 'create', name]));
  return name;
}

const write = async (volume: string, script: string): Promise<string> => succeeded(await engine.run(['--rm', '-v', `${volume}:/v`, '-w', '/v', busybox, 'sh', '-c', script]));

test('a clone has everything, also of a volume in use', { skip }, async () => {
  const volume = await make('db');
  const box = await engine.start(['-v', `${volume}:/v`, busybox, 'sh', '-c', 'cd /v; echo hello > f; ln f g; ln -s /etc/passwd out; mkdir -m 711 d; chown 5:6 f; mkfifo p; sleep 1000']);
  for (let tries = 0; !(await engine.docker(['exec', box, 'ls', '/v'])).stdout.includes('p'); tries++) await sleep(tries < 50 ? 50 : assert.fail('the files are not there'));
  const clone = engine.unique('clone');
  assert.equal(succeeded(await estiva(['volume', 'clone', volume, clone])), `${clone}\n`);
  assert.equal(await write(clone, 'cat g; stat -c "%a %u:%g %h" f; readlink out; stat -c %a d; test -p p && echo pipe'), 'hello\n644 5:6 2\n/etc/passwd\n711\npipe\n');
  assert.match((await estiva(['volume', 'clone', volume, clone])).stderr, new RegExp(`Cannot clone into ${clone}: there is such a volume`));
  assert.match((await estiva(['volume', 'clone', 'no-such', 'xx'])).stderr, /get no-such: no such volume/);
  succeeded(await engine.docker(['rm', '-f', box]));
});

test('a snapshot, and back to it; not while a container runs with the volume', { skip }, async () => {
  const volume = await make('back');
  await write(volume, 'echo first > f');
  assert.equal(succeeded(await estiva(['volume', 'snapshot', volume, 'before'])), 'before\n');
  const box = await engine.start(['-v', `${volume}:/v`, busybox, 'sh', '-c', 'echo second > /v/f; touch /v/new; sleep 1000']);
  const { stderr, code } = await estiva(['volume', 'rollback', volume, 'before']);
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`The files of volume ${volume} cannot be replaced: they are in use - \\[${box}\\] \\(Stop these containers first\\)`));
  succeeded(await engine.docker(['stop', '-t', '0', box]));
  succeeded(await estiva(['volume', 'rollback', volume, 'before']));
  succeeded(await engine.docker(['rm', box]));
  assert.equal(await write(volume, 'ls; cat f'), 'f\nfirst\n');
  assert.match(succeeded(await estiva(['volume', 'snapshots', volume])), /^SNAPSHOT +CREATED +SIZE\nbefore +.* ago +6B\n$/);
  assert.equal(succeeded(await estiva(['volume', 'snapshots', '--rm', 'before', volume])), 'before\n');
  assert.equal(succeeded(await estiva(['volume', 'snapshots', '-q', volume])), '');
});

test('export and import', { skip }, async () => {
  const volume = await make('out');
  await write(volume, 'mkdir -p a/b; echo text > a/b/c; chmod 600 a/b/c; chown 7:8 a/b/c');
  succeeded(await estiva(['volume', 'export', '-o', join(dir, 'out.tar'), volume]));
  const into = engine.unique('in');
  assert.equal(succeeded(await estiva(['volume', 'import', into, join(dir, 'out.tar')])), `${into}\n`);
  assert.equal(await write(into, 'stat -c "%a %u:%g" a/b/c; cat a/b/c'), '600 7:8\ntext\n');
  assert.match((await estiva(['volume', 'import', into, join(dir, 'out.tar')])).stderr, /it has files \(Import into a new one, or --replace them\)/);
  assert.equal((await estiva(['volume', 'import', '--replace', into, '-'], { input: 'this is no archive' })).code, 1);
  assert.equal(await write(into, 'cat a/b/c'), 'text\n', 'what is no archive changes nothing');
});

test('kill -9 while volumes are made, filled, cloned, kept, restored and pruned: each is whole or not there, and nothing is left over', { skip }, async () => {
  const daemon = engine.daemon!;
  const { rootDir } = daemon.place;
  const volume = await make('killed');
  const dataOf = (name: string): string => join(rootDir, 'volumes', name, '_data');
  for (let i = 0; i < 1500; i++) writeFileSync(join(dataOf(volume), `file-${i}`), `content ${i}`);
  const files = readdirSync(dataOf(volume)).length;
  const filled = succeeded(await engine.run(['--rm', busybox, 'ls', '-A', '/bin'])).trim().split('\n').length;
  succeeded(await estiva(['volume', 'snapshot', volume, 'all']));
  const post = (path: string, body?: Record<string, unknown>): Promise<unknown> => engine.http('POST', path, body).catch(() => undefined);
  for (let round = 0; round < 8; round++) {
    await post('/volumes/create', {});
    const work = [
      post(`/volumes/${volume}/estiva/clone?to=clone-${round}`), post(`/volumes/${volume}/estiva/snapshots?name=snap-${round}`), post(`/volumes/${volume}/estiva/rollback?snapshot=all`), post('/volumes/prune'),
      post('/volumes/create', { Name: `made-${round}` }), post('/containers/create', { Image: busybox, HostConfig: { NetworkMode: 'none', Binds: [`filled-${round}:/bin`] } }),
    ];
    await sleep(20 + round * 25);
    await daemon.crash();
    await Promise.all(work);
    await daemon.start();
    const names = ((await engine.http('GET', '/volumes')).json() as { Volumes: { Name: string }[] }).Volumes.map(({ Name }) => Name);
    assert.deepEqual(readdirSync(join(rootDir, 'volumes')).toSorted(), names.toSorted());
    for (const name of names.filter((other) => other.startsWith('clone-'))) assert.equal(readdirSync(dataOf(name)).length, files, name);
    for (const name of names.filter((other) => other.startsWith('filled-'))) assert.ok([0, filled].includes(readdirSync(dataOf(name)).length), name);
    assert.deepEqual([readdirSync(dataOf(volume)).length, readFileSync(join(dataOf(volume), 'file-77'), 'utf8')], [files, 'content 77']);
    for (const { Name } of (await engine.http('GET', `/volumes/${volume}/estiva/snapshots`)).json() as { Name: string }[]) assert.equal(readdirSync(join(rootDir, 'volumes', volume, 'snapshots', Name)).length, files, Name);
  }
  for (let tries = 0; readdirSync(join(rootDir, 'tmp')).length > 0; tries++) await sleep(tries < 100 ? 50 : assert.fail(`left: ${readdirSync(join(rootDir, 'tmp')).join()}`));
  assert.ok(!readFileSync('/proc/self/mountinfo', 'utf8').includes(`${rootDir}/volumes`));
});
