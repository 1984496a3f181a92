// An image like those that people pull: eight layers, some 27,000 entries, 285 MB compressed, 780 MB unpacked; of Debian's packages, so that it can be made
// anywhere, and kept between runs as an OCI layout. Undefined where a tool or a package is missing.
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { copyFileSync, createReadStream, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cached, which } from '../test/fixtures/cache.ts';
import { debianRootfs } from '../test/fixtures/debian.ts';

/** Each line is a layer above Debian's essential packages. */
const layers: readonly (readonly string[])[] = [
  ['golang-1.19-src'], ['python3-scipy'], ['openjdk-17-jre-headless'], ['python3.11-doc'], ['rabbitmq-server', 'dict-gcide'], ['texlive-base'],
  ['gcc-12-aarch64-linux-gnu', 'gcc-12-arm-linux-gnueabihf'],
];
const types = { manifest: 'application/vnd.oci.image.manifest.v1+json', config: 'application/vnd.oci.image.config.v1+json', layer: 'application/vnd.oci.image.layer.v1.tar+gzip' };

export interface ImageFixture {
  /** An OCI layout; its image is called `1`. */
  readonly layout: string;
  /** Files of the layers, compressed, lowest first. */
  readonly blobs: readonly string[];
}

export async function imageFixture(): Promise<ImageFixture | undefined> {
  const missing = ['apt-get', 'dpkg-deb', 'tar', 'gzip', 'skopeo', 'docker-registry'].find((program) => which(program) === undefined);
  const base = missing === undefined ? await debianRootfs() : undefined;
  if (base === undefined) return undefined;
  const layout = await cached('bench-image-1', (dir) => makeLayout(dir, base));
  const { manifests } = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as { manifests: { digest: string }[] };
  const manifest = JSON.parse(readFileSync(blobPath(layout, manifests[0]!.digest), 'utf8')) as { layers: { digest: string }[] };
  return { layout, blobs: manifest.layers.map(({ digest }) => blobPath(layout, digest)) };
}

function blobPath(layout: string, digest: string): string {
  return join(layout, 'blobs/sha256', digest.slice('sha256:'.length));
}

async function makeLayout(dir: string, base: string): Promise<void> {
  mkdirSync(join(dir, 'blobs/sha256'), { recursive: true });
  const work = join(dir, 'work');
  mkdirSync(work);
  const tars = [join(work, '0.tar'), ...layers.map((packages, i) => layerTar(join(work, String(i + 1)), packages))];
  copyFileSync(base, tars[0]!);
  const blobs: { mediaType: string; digest: string; size: number }[] = [];
  const diffIds: string[] = [];
  for (const tar of tars) {
    diffIds.push(await sha256(tar));
    execFileSync('gzip', ['-n', '-6', tar]);
    blobs.push(await keep(dir, `${tar}.gz`, types.layer));
  }
  const config = await keepJson(dir, { architecture: process.arch === 'arm64' ? 'arm64' : 'amd64', os: 'linux', created: '2024-01-01T00:00:00Z', config: { Cmd: ['true'] }, rootfs: { type: 'layers', diff_ids: diffIds } }, types.config);
  const manifest = await keepJson(dir, { schemaVersion: 2, mediaType: types.manifest, config, layers: blobs }, types.manifest);
  writeFileSync(join(dir, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(join(dir, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations: { 'org.opencontainers.image.ref.name': '1' } }] }));
  rmSync(work, { recursive: true });
}

function layerTar(dir: string, packages: readonly string[]): string {
  mkdirSync(`${dir}/debs`, { recursive: true });
  execFileSync('apt-get', ['-qq', '-o', 'APT::Sandbox::User=root', 'download', ...packages], { cwd: `${dir}/debs`, stdio: ['ignore', 'ignore', 'inherit'] });
  for (const deb of readdirSync(`${dir}/debs`)) execFileSync('dpkg-deb', ['-x', `${dir}/debs/${deb}`, `${dir}/root`]);
  execFileSync('tar', ['-C', `${dir}/root`, '--sort=name', '-cf', `${dir}.tar`, '.']);
  rmSync(dir, { recursive: true });
  return `${dir}.tar`;
}

async function keep(dir: string, file: string, mediaType: string): Promise<{ mediaType: string; digest: string; size: number }> {
  const digest = await sha256(file);
  const { size } = statSync(file);
  renameSync(file, blobPath(dir, digest));
  return { mediaType, digest, size };
}

async function keepJson(dir: string, value: object, mediaType: string): Promise<{ mediaType: string; digest: string; size: number }> {
  const file = join(dir, 'work/document');
  writeFileSync(file, JSON.stringify(value));
  return keep(dir, file, mediaType);
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Uint8Array);
  return `sha256:${hash.digest('hex')}`;
}
