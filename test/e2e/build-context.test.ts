// Contexts of `estiva build`: only what changed travels, and what is built is what the directory has. The transfer is ours alone (decision 22); what a
// context means is not: Docker's own client sends the same directories as a tar, and the files in the image are compared.
import assert from 'node:assert/strict';
import { chmodSync, linkSync, lstatSync, mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { openBuilding, type Files } from './building.ts';
import { command, type Outcome } from './command.ts';
import { busybox, openEngine, succeeded } from './engine.ts';

const engine = await openEngine();
const { contextOf, built, say } = openBuilding(engine);
const ours = { skip: !engine.ours && 'Ours alone: the endpoint, and the command that uses it' };
const dockerfile = `FROM ${busybox}\nCOPY . /c/\n`;
const listing = 'cd /c && find . | sort | while IFS= read -r f; do stat -c "%n %a %F %s %N" "$f"; done; find . -type f | sort | xargs md5sum';

function estiva(context: string, flags: readonly string[] = []): Promise<Outcome> {
  return command(resolve(import.meta.dirname, '../../bin/estiva'), ['build', '-q', ...flags, context], { env: { ...process.env, DOCKER_HOST: engine.dockerHost, ESTIVA_HOST: engine.dockerHost }, timeoutMs: 60_000 });
}

/** What our transfer made of it, and what the tar of Docker's client makes of it. */
async function bothWays(context: string): Promise<string> {
  const [mine, tar] = [succeeded(await estiva(context)).trim(), (await built(context)).tag];
  const [here, there] = [await say(mine, listing), await say(tar, listing)];
  assert.equal(here, there);
  return here;
}

function start(files: Files = {}): string {
  return contextOf({ Dockerfile: dockerfile, 'dir/one': 'one', 'dir/two': 'two', 'dir/sub/three': 'three', ...files });
}

test('a context that changes: files that are new, changed, removed, renamed, of another mode, and of another kind', ours, async () => {
  const context = start();
  await bothWays(context);
  writeFileSync(join(context, 'dir/one'), 'ONE, longer');
  writeFileSync(join(context, 'dir/new'), 'new');
  rmSync(join(context, 'dir/two'));
  renameSync(join(context, 'dir/sub'), join(context, 'dir/moved'));
  assert.match(await bothWays(context), /moved\/three 644/);
  chmodSync(join(context, 'dir/new'), 0o4755);
  rmSync(join(context, 'dir/one'));
  mkdirSync(join(context, 'dir/one'));
  symlinkSync('../new', join(context, 'dir/one/link'));
  rmSync(join(context, 'dir/moved'), { recursive: true });
  writeFileSync(join(context, 'dir/moved'), 'a file now');
  const said = await bothWays(context);
  assert.match(said, /dir\/new 4755 regular file/);
  assert.match(said, /dir\/one\/link 777 symbolic link/);
});

test('other content of the same length is noticed, also with the old time', ours, async () => {
  const context = start();
  await bothWays(context);
  const path = join(context, 'dir/one');
  const { atime, mtime } = lstatSync(path);
  for (const text of ['eno', 'noe']) {
    writeFileSync(path, text);
    utimesSync(path, atime, mtime);
    assert.equal(await say(succeeded(await estiva(context)).trim(), 'cat /c/dir/one'), text);
  }
  // The old ones again: the cache knows the step.
  writeFileSync(path, 'one');
  assert.equal(await say(succeeded(await estiva(context)).trim(), 'cat /c/dir/one'), 'one');
});

test('links, pipes, and names of any bytes', ours, async () => {
  const context = start();
  linkSync(join(context, 'dir/one'), join(context, 'dir/hard'));
  symlinkSync('/etc/passwd', join(context, 'out'));
  symlinkSync('nowhere', join(context, 'broken'));
  writeFileSync(join(context, 'two\nlines'), 'x');
  writeFileSync(Buffer.concat([Buffer.from(`${context}/bytes-`), Buffer.from([0xff, 0xfe])]), 'y');
  succeeded(await command('mkfifo', [join(context, 'pipe')]));
  for (let round = 0; round < 2; round++) {
    const image = succeeded(await estiva(context)).trim();
    assert.equal(await say(image, `cd /c && readlink out && readlink broken && cat 'two\nlines' bytes-* dir/hard && test -p pipe && echo piped`), '/etc/passwd\nnowhere\nxyonepiped\n');
  }
});

test('what is ignored is not read, and what comes back is there', ours, async () => {
  const context = start({ '.dockerignore': 'secret\ndir\n!dir/sub/three\n', 'secret/key': 'x' });
  chmodSync(join(context, 'secret/key'), 0);
  assert.equal(await say(succeeded(await estiva(context)).trim(), 'cd /c && find . -type f | sort'), './.dockerignore\n./Dockerfile\n./dir/sub/three\n');
  writeFileSync(join(context, '.dockerignore'), 'secret\n');
  assert.equal(await say(succeeded(await estiva(context)).trim(), 'cd /c && find . -type f | sort'), './.dockerignore\n./Dockerfile\n./dir/one\n./dir/sub/three\n./dir/two\n');
});

test('two builds of one directory at once; the cache tells of the context, and a prune takes it', ours, async () => {
  const context = start({ Dockerfile: `${dockerfile}RUN sleep 1\n` });
  const [a, b] = await Promise.all([estiva(context), estiva(context)]);
  assert.equal(succeeded(a), succeeded(b));
  const kept = async (): Promise<readonly { ID: string; Type: string; InUse: boolean; UsageCount: number }[]> => ((await engine.http('GET', '/v1.47/system/df?type=build-cache')).json() as { BuildCache: [] | null }).BuildCache?.filter(({ Type }) => Type === 'source.local') ?? [];
  assert.ok((await kept()).length > 0);
  assert.ok((await kept()).every(({ InUse }) => !InUse));
  const { text } = await engine.http('POST', `/v1.47/build/prune?all=1&filters=${encodeURIComponent('{"type":["source.local"]}')}`);
  assert.match(text, /"SpaceReclaimed":[1-9]/);
  assert.deepEqual(await kept(), []);
  assert.equal(succeeded(await estiva(context)), succeeded(a));
});

const file = (path: string, size = 3): readonly unknown[] => [path, 0, 0o644, size, 1, 0, 's', 1, '', 0, 0];
const offer = (rows: readonly unknown[], key = 'hostile'): ReturnType<typeof engine.http> => engine.http('POST', '/v1.47/estiva/build/contexts', { key, rows });
const idOf = async (rows: readonly unknown[], key: string): Promise<string> => (JSON.parse((await offer(rows, key)).text) as { id: string }).id;
const send = (id: string, body: string): ReturnType<typeof engine.http> => engine.http('PUT', `/v1.47/estiva/build/contexts/${id}`, Buffer.from(body));

test('an offer with paths that lead elsewhere, come twice or lie in links is refused', ours, async () => {
  const link = ['l', 2, 0o777, 0, 1, 0, 's', 1, '/etc', 0, 0];
  for (const rows of [[file('../x')], [file('/etc/passwd')], [file('a/../../x')], [file('a'), file('a')], [link, file('l/passwd')], [file('a'), file('a/b')], [file('a\0b')]]) {
    const { status, text } = await offer(rows);
    assert.equal(status, 400, text);
    assert.match(text, /The context cannot have/);
  }
  for (const rows of ['x', [1], [['a']], [file('a', -1)], [[...file('a').slice(0, 10), 'x']]]) assert.equal((await engine.http('POST', '/v1.47/estiva/build/contexts', { key: 'k', rows })).status, 400);
});

test('a parcel that is short, long or not what was asked for leaves no context', ours, async () => {
  for (const [i, body] of ['', '{"rows":[0]}\nab', '{"rows":[]}\n{"unsettled":[]}\n', '{"rows":[0,1]}\nabcdef{"unsettled":[]}\n', '{"rows":[0]}\nabc{"unsettled":[]}\nmore', 'no json\n'].entries()) {
    const id = await idOf([file('Dockerfile')], `wrong-${i}`);
    const { status, text } = await send(id, body);
    assert.equal(status, 400, text);
    assert.equal((await engine.http('POST', `/v1.47/build?estivacontext=${id}`)).status, 404);
  }
  const id = await idOf([file('Dockerfile')], 'early');
  assert.equal((await engine.http('POST', `/v1.47/build?estivacontext=${id}`)).status, 409, 'its content has not come');
  assert.equal((await engine.http('POST', '/v1.47/build?estivacontext=none')).status, 404);
});

test('a client that leaves half-way leaves nothing that the next build could take for whole', ours, async () => {
  const text = `FROM scratch\nCOPY . /\n`;
  const id = await idOf([file('Dockerfile', text.length), file('big', 1 << 20)], 'leaver');
  await new Promise<void>((done) => {
    const sent = request({ socketPath: engine.socketPath, method: 'PUT', path: `/v1.47/estiva/build/contexts/${id}` });
    sent.on('error', () => done());
    sent.write(`{"rows":[0,1]}\n${text}half`, () => setTimeout(() => sent.destroy(new Error('left')), 200));
  });
  await new Promise((done) => { setTimeout(done, 300); });
  const { wanted } = JSON.parse((await offer([file('Dockerfile', text.length), file('big', 1 << 20)], 'leaver')).text) as { wanted: number[] };
  assert.deepEqual(wanted, [0, 1]);
});

test('kill -9 amid a transfer: the next daemon has no half tree, and builds what the directory has', ours, async () => {
  const context = start({ big: 'x'.repeat(8 << 20) });
  succeeded(await estiva(context));
  const rows = [file('Dockerfile', 5), file('more', 1 << 20)];
  const id = await idOf(rows, 'killed');
  const sent = request({ socketPath: engine.socketPath, method: 'PUT', path: `/v1.47/estiva/build/contexts/${id}` });
  sent.on('error', () => undefined);
  await new Promise<void>((done) => { sent.write('{"rows":[0,1]}\nhello', () => done()); });
  await new Promise((done) => { setTimeout(done, 200); });
  await engine.daemon!.crash();
  await engine.daemon!.start();
  assert.deepEqual((JSON.parse((await offer(rows, 'killed')).text) as { wanted: number[] }).wanted, [0, 1]);
  writeFileSync(join(context, 'dir/one'), 'after');
  assert.equal(await say(succeeded(await estiva(context)).trim(), 'cat /c/dir/one'), 'after');
});
