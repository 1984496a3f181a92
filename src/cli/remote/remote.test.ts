// manifest and image copy, against real registries: one without, one with a password.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { after, test } from 'node:test';
import { hasDockerRegistry, openDockerRegistry, user } from '../../../test/fixtures/docker-registry.ts';
import { digestOf, type Digest } from '../../base/index.ts';
import { openRegistries, type Repository } from '../../registry/index.ts';
import { mediaTypes, type Descriptor } from '../../spec/oci/image.ts';
import { parseReference } from '../../spec/reference.ts';
import { runCli } from '../main.ts';

const skip = hasDockerRegistry ? false : 'docker-registry is not installed';
const dir = mkdtempSync(join(tmpdir(), 'estiva-remote-'));
const opened = new AsyncDisposableStack();
after(async () => {
  await opened.disposeAsync();
  rmSync(dir, { recursive: true });
});
const open = skip === false ? opened.use(await openDockerRegistry()) : { host: '' };
const locked = skip === false ? opened.use(await openDockerRegistry({ password: true })) : { host: '' };
const registries = opened.use(openRegistries({ certsDirs: [] }));
const at = (name: string, credentials = {}): Repository => registries.repository(parseReference(name), { credentials }, 'push');

async function cli(...argv: readonly string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const texts = { out: '', err: '' };
  const sink = (name: 'out' | 'err'): Writable => new Writable({ write(chunk: Buffer, _, done) { texts[name] += chunk.toString(); done(); } });
  const code = await runCli(argv, { stdin: new PassThrough(), stdout: sink('out'), stderr: sink('err'), environment: { DOCKER_CONFIG: dir }, runDaemon: async () => undefined });
  return { code, ...texts };
}

async function* once(bytes: Buffer, offset: number): AsyncGenerator<Uint8Array> { yield bytes.subarray(offset); }

async function putImage(name: string, architecture: string): Promise<Digest> {
  const repository = at(name);
  const put = async (bytes: Buffer, mediaType: string): Promise<Descriptor> => {
    const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
    await repository.putBlob(descriptor, (offset) => once(bytes, offset));
    return descriptor;
  };
  const config = await put(Buffer.from(JSON.stringify({ architecture, os: 'linux', rootfs: { type: 'layers', diff_ids: [] } })), mediaTypes.ociConfig);
  const manifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [await put(randomBytes(100_000), mediaTypes.ociLayer)] };
  return repository.putDocument(parseReference(name).tag ?? '', Buffer.from(JSON.stringify(manifest)), mediaTypes.ociManifest);
}

test('manifest create, annotate, inspect, push, rm: one name for two platforms', { skip }, async () => {
  const [list, one, two] = [`${open.host}/box:1`, `${open.host}/box:amd64`, `${open.host}/other/box:arm`];
  const digests = [await putImage(one, 'amd64'), await putImage(two, 'arm')];
  assert.deepEqual(await cli('manifest', 'create', list, one, two), { code: 0, out: `Created manifest list ${list}\n`, err: '' });
  assert.deepEqual(await cli('manifest', 'create', list, one), { code: 1, out: '', err: 'refusing to amend an existing manifest list with no --amend flag\n' });
  assert.equal((await cli('manifest', 'create', '--amend', list, one)).code, 0);
  assert.equal((await cli('manifest', 'annotate', '--variant', 'v7', '--os-features', 'x', list, two)).code, 0);
  assert.equal((await cli('manifest', 'annotate', list, 'nope')).err, `manifest for image nope does not exist in ${list}\n`);
  const local = JSON.parse((await cli('manifest', 'inspect', list)).out) as { manifests: { digest: string; platform: object }[] };
  assert.deepEqual(new Set(local.manifests.map(({ digest }) => digest)), new Set(digests));
  assert.deepEqual(local.manifests.find(({ digest }) => digest === digests[1])?.platform, { architecture: 'arm', os: 'linux', variant: 'v7', 'os.features': ['x'] });
  const pushed = await cli('manifest', 'push', '--purge', list);
  assert.equal(pushed.code, 0, pushed.err);
  assert.match(pushed.out, /^Pushed ref .*\/box@sha256:[0-9a-f]{64} with digest: sha256:[0-9a-f]{64}\nsha256:[0-9a-f]{64}\n$/, 'what is in the repository already is not pushed');
  const remote = JSON.parse((await cli('manifest', 'inspect', list)).out) as object;
  assert.deepEqual(remote, local);
  const verbose = JSON.parse((await cli('manifest', 'inspect', '-v', list)).out) as { Ref: string; Descriptor: { digest: string; platform: object }; OCIManifest: object }[];
  assert.deepEqual(new Set(verbose.map(({ Descriptor }) => Descriptor.digest)), new Set(digests));
  assert.equal((await cli('manifest', 'rm', list)).err, `No such manifest: ${list}\n`);
  assert.equal((await cli('manifest', 'push', 'foo')).err, 'No such manifest: docker.io/library/foo:latest\n');
  assert.equal((await cli('manifest', 'create', `${list}-2`, list)).err, `${list} is a manifest list\n`);
  assert.equal((await cli('manifest', 'create', `${locked.host}/x`, one)).code, 0);
  assert.equal((await cli('manifest', 'push', `${locked.host}/x`)).err, `cannot use source images from a different registry than the target image: ${open.host} != ${locked.host}\n`);
  assert.equal((await cli('manifest', 'rm', `${locked.host}/x`)).code, 0);
});

test('image copy: all platforms from registry to registry, byte for byte, with the credentials of each', { skip }, async () => {
  const source = `${open.host}/multi:1`;
  const digests = [await putImage(`${open.host}/multi:a`, 'amd64'), await putImage(`${open.host}/multi:b`, 'arm64')];
  await cli('manifest', 'create', source, `${open.host}/multi:a`, `${open.host}/multi:b`);
  await cli('manifest', 'push', '-p', source);
  const target = `${locked.host}/mirror/multi:1`;
  assert.match((await cli('image', 'copy', source, target)).err, /no basic auth credentials/);
  writeFileSync(join(dir, 'config.json'), JSON.stringify({ auths: { [locked.host]: { auth: Buffer.from(`${user.username}:${user.password}`).toString('base64') } } }));
  const copied = await cli('image', 'copy', source, target);
  assert.equal(copied.code, 0, copied.err);
  assert.match(copied.out, /^[0-9a-f]{12}: Copied\n/);
  const [before, now] = [await at(source).document('1'), await at(target, user).document('1')];
  assert.deepEqual(now, before);
  for (const digest of digests) assert.ok(await at(target, user).exists(digest));
  assert.equal((await cli('image', 'copy', '-q', source, target)).out, `${before.descriptor.digest}\n`);
  assert.match((await cli('image', 'copy', source, target)).out, /^[0-9a-f]{12}: Already exists\n/);
  const one = await cli('image', 'copy', '--platform', 'linux/arm64', source, `${open.host}/arm:1`);
  assert.match(one.out, /Mounted\n.*digest: sha256/s);
  assert.equal((await at(`${open.host}/arm:1`).document('1')).descriptor.digest, digests[1]);
  assert.match((await cli('image', 'copy', '--platform', 'linux/s390x', source, `${open.host}/s:1`)).err, /no matching manifest for linux\/s390x/);
  assert.match((await cli('image', 'copy', `${open.host}/nope:1`, target)).err, /^manifest for .*\/nope:1 not found/);
});
