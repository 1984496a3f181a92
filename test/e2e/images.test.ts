// Images: load and import what other tools wrote, name them, look at them, remove them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createReadStream, readFileSync } from 'node:fs';
import { mkdtempDisposable } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { archiveFixtures, dockerSave } from '../fixtures/archives.ts';
import { busyboxArchive } from '../fixtures/busybox.ts';
import { debianRootfs } from '../fixtures/debian.ts';
import { tar } from '../fixtures/tar.ts';
import { brokenArchives, brokenName } from '../fixtures/broken.ts';
import { busybox, dockerClient, dockerdSocket, openEngine, succeeded } from './engine.ts';

const engine = await openEngine();
const rmi = async (...references: string[]) => { succeeded(await engine.docker(['rmi', '-f', ...references])); };
const imageIds = async () => (await engine.docker(['images', '-aq', '--no-trunc'])).stdout.split('\n').filter((id) => id !== '').toSorted();

for (const fixture of archiveFixtures) {
  const archive = await fixture.make();
  const reason = (!engine.ours && fixture.oursOnly) || (archive === undefined && `${fixture.needs} is missing`);
  test(`load: ${fixture.name}; the image runs`, { skip: reason }, async () => {
    const loaded = succeeded(await engine.docker(['load', '-i', archive!]));
    assert.match(loaded, /Loaded image( ID)?: /);
    assert.ok(loaded.includes(fixture.reference), loaded);
    assert.match(succeeded(await engine.run(['--rm', '--entrypoint', '/bin/cat', fixture.reference, '/etc/passwd'])), /^root:x:0:0/);
    if (fixture.reference !== busybox) {
      assert.equal(succeeded(await engine.run(['--rm', fixture.reference])), 'entry:2:default words\n');
      await rmi(fixture.reference);
    }
  });
}

test('load: what a real docker save wrote', { skip: engine.ours && dockerdSocket() === undefined && 'no dockerd to save with' }, async () => {
  const archive = await dockerSave(dockerClient(), `unix://${dockerdSocket()}`);
  assert.match(succeeded(await engine.docker(['load', '-i', archive])), new RegExp(`Loaded image: ${busybox}`));
  assert.equal(succeeded(await engine.run(['--rm', busybox, 'echo', 'loaded'])), 'loaded\n');
});

test('load from stdin', async () => {
  const answer = await new Promise<string>((resolve, reject) => {
    const sent = request({ socketPath: engine.socketPath, method: 'POST', path: '/images/load?quiet=1', headers: { 'Content-Type': 'application/x-tar' } }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => { text += chunk; }).on('end', () => { resolve(text); });
    });
    sent.on('error', reject);
    void busyboxArchive().then((file) => createReadStream(file).pipe(sent));
  });
  assert.match(answer, new RegExp(`Loaded image: ${busybox}`));
});

for (const archive of brokenArchives) {
  const file = await archive.make();
  test(`load refuses: ${archive.name}; nothing of it stays`, async () => {
    const before = await imageIds();
    const outcome = await engine.docker(['load', '-q', '-i', file]);
    assert.equal(outcome.code, 1, outcome.stdout);
    assert.notEqual(outcome.stderr.trim(), '');
    assert.ok(engine.ours ? outcome.stderr.trim().split('\n').length === 1 : true, outcome.stderr);
    // dockerd keeps an image without a name when only the name was bad, and would take its layer for the next archive's unread.
    const kept = (await imageIds()).filter((id) => !before.includes(id));
    if (kept.length > 0) await rmi(...kept);
    if (engine.ours) assert.deepEqual(kept, []);
    assert.equal((await engine.http('GET', `/images/${brokenName}/json`)).status, 404);
  });
}

test('import makes an image of a root filesystem, with changes to its configuration', async () => {

  const rootfs = tar([{ path: 'bin/', type: 'directory' }, { path: 'bin/sh', mode: 0o755, data: readFileSync('/bin/busybox') }]);
  const imported = succeeded(await engine.docker(['import', '--change', 'CMD ["sh", "-c", "echo $WORD"]', '--change', 'ENV WORD=changed', '--message', 'by hand', '-', 'estiva-test/imported:1'], { input: rootfs }));
  assert.match(imported, /^sha256:[0-9a-f]{64}\n$/);
  assert.equal(succeeded(await engine.run(['--rm', 'estiva-test/imported:1'])), 'changed\n');
  await rmi('estiva-test/imported:1');
});

const treeScript = `set -e
cp /bin/busybox "$1/busybox"; cd "$1"; mkdir -p dir/deep "dir/name with spaces"; chmod 1777 dir; chmod 2750 dir/deep; chown 70000:4000000 dir/deep
echo content > dir/file; chmod 4711 dir/file; chown 12345:54321 dir/file; touch -d '1999-12-31 23:59:58' dir/file; ln dir/file dir/deep/second-name; ln -s ../gone/../dir/file dir/link; chown -h 7:8 dir/link; ln -s /proc dir/to-proc
mkfifo -m 640 dir/pipe; mknod -m 600 dir/null c 1 3; mknod -m 660 dir/disk b 8 17; truncate -s 5M dir/sparse; printf x | dd of=dir/sparse bs=1 seek=3000000 conv=notrunc status=none
: > "dir/$(printf 'tab\there')"; long=$(printf 'n%.0s' $(seq 1 200)); mkdir -p "dir/$long"; : > "dir/$long/$long"; touch -d '1970-01-01 00:00:00 UTC' dir "dir/$long"`;
/** In words of busybox on both sides: name, mode, owner, kind, size of a file, time of modification, names, device. */
const listing = 'find dir | sort | while IFS= read -r path; do stat -c "%n %a %u:%g %F %h %t:%T %Y" "$path"; test ! -f "$path" || md5sum < "$path"; test ! -L "$path" || readlink "$path"; done';

test('import: every entry of a tree is in a container as it was: names, modes, owners, times, links, devices, pipes, holes', async () => {
  await using tree = await mkdtempDisposable(join(tmpdir(), 'tree-'));
  execFileSync('sh', ['-c', treeScript, 'sh', tree.path]);
  const packed = execFileSync('tar', ['--format=pax', '--numeric-owner', '-cSf', '-', '.'], { cwd: tree.path, maxBuffer: 64 << 20 });
  const expected = execFileSync('/bin/busybox', ['sh', '-c', listing], { cwd: tree.path, encoding: 'utf8', env: { LC_ALL: 'C' } });
  succeeded(await engine.docker(['import', '-', 'estiva-test/tree:1'], { input: packed }));
  const seen = succeeded(await engine.run(['--rm', '-e', 'LC_ALL=C', 'estiva-test/tree:1', '/busybox', 'sh', '-c', listing]));
  assert.deepEqual(seen.split('\n'), expected.split('\n'));
  assert.ok(expected.split('\n').length > 20, expected);
  await rmi('estiva-test/tree:1');
});

const debian = await debianRootfs();
test('import: a Debian minimal system made by mmdebstrap; dpkg and perl run in it', { skip: debian === undefined && 'mmdebstrap is missing' }, async () => {
  succeeded(await engine.docker(['import', debian!, 'estiva-test/debian:1'], { timeoutMs: 120_000 }));
  const seen = succeeded(await engine.run(['--rm', 'estiva-test/debian:1', 'bash', '-c', 'dpkg -l | wc -l; perl -e "print 6*7,qq(\\n)"; cat /etc/debian_version; stat -c "%a %U" /bin/su /tmp']));
  const [packages, answer, , su, tmp] = seen.split('\n');
  assert.ok(Number(packages) > 40, seen);
  assert.deepEqual([answer, su, tmp], ['42', '4755 root', '1777 root']);
  await rmi('estiva-test/debian:1');
});

test('tag gives another name to the same image; rmi of one name only takes that', async () => {
  const { Id } = (await engine.http('GET', `/images/${busybox}/json`)).json() as { Id: string };
  succeeded(await engine.docker(['tag', busybox, 'estiva-test/other:2']));
  assert.equal(((await engine.http('GET', '/images/estiva-test/other:2/json')).json() as { Id: string }).Id, Id);
  assert.equal(succeeded(await engine.docker(['rmi', 'estiva-test/other:2'])), 'Untagged: estiva-test/other:2\n');
  assert.equal((await engine.http('GET', '/images/estiva-test/other:2/json')).status, 404);
  assert.equal((await engine.http('GET', `/images/${busybox}/json`)).status, 200);
});

test('tag without a tag is latest; bad names are refused', async () => {
  succeeded(await engine.docker(['tag', busybox, 'estiva-test/untagged']));
  succeeded(await engine.docker(['rmi', 'estiva-test/untagged:latest']));
  const upper = await engine.http('POST', `/images/${busybox}/tag?repo=UPPER&tag=1`);
  assert.equal(upper.status, 400);
  assert.match((upper.json() as { message: string }).message, /invalid reference format/);
});

test('inspect by name, id, and prefix of an id; what is there', async () => {
  type View = { Id: string; RepoTags: string[]; Os: string; Architecture: string; Size: number; Config: { Cmd: string[]; Env: string[] }; RootFS: { Type: string; Layers: string[] } };
  const image = (await engine.http('GET', `/images/${busybox}/json`)).json() as View;
  assert.ok(image.RepoTags.includes(busybox));
  assert.deepEqual([image.Os, image.Config.Cmd, image.RootFS.Type, image.RootFS.Layers.length], ['linux', ['sh'], 'layers', 1]);
  assert.ok(image.Size > 1_500_000 && image.Size < 5_000_000, String(image.Size));
  for (const id of [image.Id, image.Id.slice('sha256:'.length, 19)]) assert.equal(((await engine.http('GET', `/images/${id}/json`)).json() as View).Id, image.Id);
});

test('images lists names, with ids short and long, and filters by reference', async () => {
  const table = succeeded(await engine.docker(['images', '--format', '{{.Repository}}:{{.Tag}} {{.ID}}']));
  assert.match(table, new RegExp(`^${busybox} [0-9a-f]{12}$`, 'm'));
  assert.equal(succeeded(await engine.docker(['images', '-q', 'no-such/thing'])), '');
  assert.notEqual(succeeded(await engine.docker(['images', '-q', '--filter', 'reference=estiva-test/*'])), '');
});

test('rmi refuses an image that a container uses, and says which', async () => {
  succeeded(await engine.docker(['tag', busybox, 'estiva-test/used:1']));
  const id = await engine.create({ Image: 'estiva-test/used:1', Cmd: ['true'] });
  // Another name is left, so the name goes; the image by id is in use.
  const { Id } = (await engine.http('GET', `/images/${busybox}/json`)).json() as { Id: string };
  const refused = await engine.http('DELETE', `/images/${Id}`);
  assert.equal(refused.status, 409);
  assert.match((refused.json() as { message: string }).message, /conflict: unable to (delete|remove)/);
  await engine.http('DELETE', `/containers/${id}`);
  await rmi('estiva-test/used:1');
});

test('rmi of what does not exist is 404 with Docker\'s text', async () => {
  const answer = await engine.http('DELETE', '/images/no-such-image');
  assert.equal(answer.status, 404);
  assert.equal((answer.json() as { message: string }).message, 'No such image: no-such-image:latest');
});

test('rmi says what was untagged and deleted, and the id is gone', async () => {

  const id = succeeded(await engine.docker(['import', '-', 'estiva-test/gone:1'], { input: tar([{ path: 'only', data: String(process.pid) }]) })).trim();
  const removed = succeeded(await engine.docker(['rmi', 'estiva-test/gone:1']));
  assert.match(removed, /^Untagged: estiva-test\/gone:1\nDeleted: sha256:[0-9a-f]{64}\n/);
  assert.equal((await engine.http('GET', `/images/${id}/json`)).status, 404);
});

test('a container goes on when its image has lost its name', async () => {

  const image = succeeded(await engine.docker(['import', '-', 'estiva-test/lost:1'], { input: tar([{ path: 'sh', mode: 0o755, data: readFileSync('/bin/busybox') }]) })).trim();
  const id = await engine.start(['estiva-test/lost:1', '/sh', '-c', 'while :; do sleep 1 || exit; done']);
  await engine.docker(['rmi', '-f', 'estiva-test/lost:1']);
  assert.equal((await engine.docker(['exec', id, '/sh', '-c', 'echo alive'])).stdout, 'alive\n');
  succeeded(await engine.docker(['rm', '-f', id]));
  await rmi(image);
});
