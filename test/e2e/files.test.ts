// Files of containers and images: copies in and out, what changed, export, commit, history, save.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import { tar, type TarEntry } from '../fixtures/tar.ts';
import { noReference, SchemaDirectory } from '../schemas/reference.ts';
import { busybox, openEngine, succeeded } from './engine.ts';

const engine = await openEngine();
const dir = mkdtempSync(`${tmpdir()}/estiva-files-`);
after(() => rmSync(dir, { recursive: true }));
const ok = async (...args: string[]): Promise<string> => succeeded(await engine.docker(args));
const fails = async (...args: string[]): Promise<string> => {
  const outcome = await engine.docker(args);
  assert.equal(outcome.code, 1, outcome.stdout);
  return outcome.stderr;
};

mkdirSync(`${dir}/tree/sub`, { recursive: true });
writeFileSync(`${dir}/tree/file`, 'content');
symlinkSync('file', `${dir}/tree/link`);

test('cp: a tree in and out again, of a container that runs and of one that does not', async () => {
  const running = await engine.start([busybox, 'sleep', '60']);
  const stopped = await engine.create({ Image: busybox, Cmd: ['true'] });
  for (const [i, id] of [running, stopped].entries()) {
    await ok('cp', `${dir}/tree`, `${id}:/tmp`);
    await ok('cp', `${id}:/tmp/tree`, `${dir}/out${i}`);
    assert.equal(readFileSync(`${dir}/out${i}/file`, 'utf8'), 'content');
    assert.equal(readlinkSync(`${dir}/out${i}/link`), 'file');
    assert.match(await fails('cp', `${id}:/nope`, dir), /Could not find the file \/nope in container/);
    assert.match(await fails('cp', `${dir}/tree`, `${id}:/etc/group`), /cannot copy directory/);
  }
  assert.equal(await ok('exec', running, 'cat', '/tmp/tree/link'), 'content');
});

test('cp: a link out of the container leads nowhere else than in it', async () => {
  writeFileSync(`${dir}/canary`, 'host');
  const id = await engine.start([busybox, 'sh', '-c', `mkdir -p /x${dir}; ln -s ${dir} /out; while :; do rm -rf /x/d; ln -s ${dir} /x/d; rm /x/d; mkdir /x/d; done`]);
  for (let i = 0; i < 10; i++) {
    // Whether it succeeds is a matter of the race; where it goes is not.
    await engine.docker(['cp', `${dir}/tree/file`, `${id}:/x/d/canary`]);
    await engine.docker(['cp', `${id}:/x/d/canary`, '-']);
  }
  await engine.docker(['cp', `${dir}/tree/file`, `${id}:/out/canary`]);
  assert.equal(readFileSync(`${dir}/canary`, 'utf8'), 'host');
  assert.ok(!existsSync(`${dir}/d`));
});

test('diff, commit, history and save: what changed becomes a layer whose digest is true, and the archive is what the OCI describes', async (context) => {
  const name = engine.unique('changed');
  const image = `${name}:1`;
  succeeded(await engine.run(['--name', name, busybox, 'sh', '-c', 'echo new > /new; rm /etc/to-delete']));
  assert.deepEqual((await ok('diff', name)).trim().split('\n').toSorted(), ['A /new', 'C /etc', 'D /etc/to-delete']);
  await ok('commit', '-m', 'why', '-c', 'CMD ["cat","/new"]', name, image);
  try {
    assert.equal(succeeded(await engine.run(['--rm', image])), 'new\n');
    assert.match(await ok('history', '--format', '{{.Comment}}', image), /^why\n/);
    await ok('save', '-o', `${dir}/saved.tar`, image);
    const members = spawnSync('tar', ['tf', `${dir}/saved.tar`], { encoding: 'utf8' }).stdout.split('\n').filter((path) => /sha256\/./.test(path));
    assert.ok(members.length >= 4);
    for (const path of members) {
      const bytes = spawnSync('tar', ['xOf', `${dir}/saved.tar`, path], { maxBuffer: 64 << 20 }).stdout;
      assert.equal(createHash('sha256').update(bytes).digest('hex'), path.slice(-64));
    }
    if (noReference === false) assert.deepEqual(imageViolations((path) => spawnSync('tar', ['xOf', `${dir}/saved.tar`, path], { encoding: 'utf8' }).stdout), []);
    else context.diagnostic(noReference);
  } finally {
    await ok('rmi', '-f', image);
  }
  await ok('load', '-i', `${dir}/saved.tar`);
  assert.equal(succeeded(await engine.run(['--rm', image])), 'new\n');
  await ok('rmi', image);
  await ok('export', '-o', `${dir}/root.tar`, name);
  assert.equal(spawnSync('tar', ['xOf', `${dir}/root.tar`, 'new'], { encoding: 'utf8' }).stdout, 'new\n');
});

test('archive: what strangers pack goes nowhere but into the container', async () => {
  writeFileSync(`${dir}/canary`, 'host', { mode: 0o600 });
  const canary = (): string => JSON.stringify([readFileSync(`${dir}/canary`, 'utf8'), statSync(`${dir}/canary`).mode, readdirSync(dir).toSorted()]);
  const [before, up] = [canary(), '../'.repeat(12)];
  const stopped = await engine.create({ Image: busybox, Cmd: ['true'] });
  const running = await engine.start([busybox, 'sleep', '1000']);
  const written = { mode: 0o4777, data: 'stranger' };
  const archives: Readonly<Record<string, readonly TarEntry[]>> = {
    'a path upwards': [{ path: `${up}${dir.slice(1)}/canary`, ...written }],
    'an absolute path': [{ path: `${dir}/canary`, ...written }, { path: `${dir}/new`, ...written }],
    'through a link': [{ path: 'way', type: 'symlink', target: dir }, { path: 'way/canary', ...written }, { path: 'way/new', ...written }],
    'through a link upwards': [{ path: 'up', type: 'symlink', target: `${up}${dir.slice(1)}` }, { path: 'up/new', ...written }],
    'a second name for a file outside': [{ path: 'name', type: 'hardlink', target: `${dir}/canary` }, { path: 'name', ...written }],
    'a second name upwards': [{ path: 'name', type: 'hardlink', target: `${up}${dir.slice(1)}/canary` }, { path: 'name', ...written }],
    'a link in the place of a directory': [{ path: 'sub', type: 'directory' }, { path: 'sub', type: 'symlink', target: dir }, { path: 'sub/new', ...written }],
    'less than it says': [{ path: 'short', ...written, claimedSize: 1 << 20 }],
  };
  for (const id of [stopped, running]) {
    for (const [name, entries] of Object.entries(archives)) {
      const outcome = await engine.docker(['cp', '-', `${id}:/tmp`], { input: tar(entries) });
      assert.equal(canary(), before, `${name}: ${outcome.stderr}`);
      assert.ok(outcome.code === 0 || outcome.stderr.trim() !== '', name);
    }
    succeeded(await engine.docker(['cp', '-', `${id}:/tmp`], { input: tar([{ path: 'good', data: 'good' }]) }));
  }
  assert.equal(await ok('exec', running, 'cat', '/tmp/good'), 'good');
});

test('archive: bad paths and archives are refused, a read-only root too', async () => {
  const id = await engine.create({ Image: busybox, Cmd: ['true'] }, { ReadonlyRootfs: true });
  assert.match(await fails('cp', `${dir}/tree/file`, `${id}:/tmp`), /container rootfs is marked read-only/);
  const other = await engine.create({ Image: busybox, Cmd: ['true'] });
  const answer = await engine.http('PUT', `/containers/${other}/archive?path=/etc/group`);
  assert.equal(answer.status, 400);
  assert.equal((await engine.http('HEAD', `/containers/${other}/archive?path=/nope`)).status, 404);
});

/** What the OCI's schemas object to in an archive's index, and in the manifest and configuration that it leads to. */
function imageViolations(textOf: (path: string) => string): readonly string[] {
  const schemas = new SchemaDirectory('oci-image-spec');
  const judged = (file: string, path: string): { readonly value: Record<string, unknown>; readonly violations: readonly string[] } => {
    const value = JSON.parse(textOf(path)) as Record<string, unknown>;
    return { value, violations: schemas.violations(file, value).map((line) => `${path}: ${line}`) };
  };
  const blob = ({ digest }: { readonly digest: string }): string => `blobs/${digest.replace(':', '/')}`;
  const layout = judged('image-layout-schema.json', 'oci-layout');
  const index = judged('image-index-schema.json', 'index.json');
  const first = (index.value.manifests as { digest: string; mediaType: string }[])[0]!;
  const nested = /index|list/.test(first.mediaType) ? judged('image-index-schema.json', blob(first)) : undefined;
  const manifest = judged('image-manifest-schema.json', blob(nested === undefined ? first : (nested.value.manifests as { digest: string }[])[0]!));
  const config = judged('config-schema.json', blob(manifest.value.config as { digest: string }));
  return [layout, index, nested, manifest, config].flatMap((part) => part?.violations ?? []);
}
