// Speed of whole commands: what a person at a terminal, or a script, feels. Beside the engines: runc and podman, where they are installed.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { busyboxArchive } from '../test/fixtures/busybox.ts';
import { which } from '../test/fixtures/cache.ts';
import { command } from '../test/e2e/command.ts';
import type { BenchEngine } from './engines.ts';
import { image } from './engines.ts';
import type { BenchCase, Subject } from './measure.ts';
import { timed } from './measure.ts';

export function processCases(engines: readonly BenchEngine[]): readonly BenchCase[] {
  const own = engines.find((engine) => engine.ours);
  return [
    {
      name: 'docker-run', what: 'docker run --rm --network none busybox true, whole process; runc and podman alike', promise: '>= 10 times faster than dockerd', unit: 'ms', runs: 20, warmUp: true,
      subjects: async () => [...engines.map(dockerRun), ...await runc(), ...await podman()],
    },
    {
      name: 'oci-run', what: 'an OCI runtime runs a bundle of busybox true, whole process', promise: 'below runc', unit: 'ms', runs: 30, warmUp: true,
      subjects: bundleRuns,
    },
    {
      name: 'estiva-run', what: 'estiva run --rm --network none busybox true, whole process', promise: '<= 45 ms above node -e 0', unit: 'ms', runs: 30, warmUp: true,
      subjects: () => Promise.resolve([...(own === undefined ? [] : [estivaRun(own)]), emptyNode(), { name: 'docker --version', run: () => program('docker', ['--version']) }]),
    },
    {
      name: 'cli-version', what: 'our command line and docker\'s say version, both of our daemon, whole process', promise: '<= 1.3 times docker', unit: 'ms', runs: 30, warmUp: true,
      subjects: () => Promise.resolve([...(own === undefined ? [] : [estivaVersion(own), dockerVersion(own)]), emptyNode()]),
    },
  ];
}

async function program(file: string, args: readonly string[], options: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string } = {}): Promise<number> {
  return timed(async () => {
    const outcome = await command(file, args, options);
    if (outcome.code !== 0) throw new Error(`${file} ${args.join(' ')}: ${outcome.code} ${outcome.stderr}`);
  });
}

function dockerRun(engine: BenchEngine): Subject {
  return {
    name: `docker -> ${engine.name}`,
    run: () => timed(async () => {
      const outcome = await engine.docker(['run', '--rm', '--network', 'none', image, 'true']);
      if (outcome.code !== 0) throw new Error(outcome.stderr);
    }),
  };
}

function estivaRun(engine: BenchEngine): Subject {
  const env = { ...process.env, ESTIVA_HOST: `unix://${engine.socketPath}` };
  return { name: 'estiva run', run: () => program(resolve(import.meta.dirname, '../bin/estiva'), ['run', '--rm', '--network', 'none', image, 'true'], { env }) };
}

function estivaVersion({ socketPath }: BenchEngine): Subject {
  const env = { ...process.env, ESTIVA_HOST: `unix://${socketPath}` };
  return { name: 'estiva version', run: () => program(resolve(import.meta.dirname, '../bin/estiva'), ['version'], { env }) };
}

function dockerVersion({ socketPath }: BenchEngine): Subject {
  return { name: 'docker version', run: () => program('docker', ['version'], { env: { ...process.env, DOCKER_HOST: `unix://${socketPath}` } }) };
}

function emptyNode(): Subject {
  return { name: 'node -e 0', run: () => program(process.execPath, ['-e', '0']) };
}

/** The same root filesystem as a bundle, by OCI runtimes as whole processes. */
async function bundleRuns(): Promise<Subject[]> {
  const own = resolve(import.meta.dirname, '../bin/estiva-runtime');
  return [await bundleRun('estiva-runtime run', own, [own]), ...await runc(), ...await crun(), emptyNode()];
}

export async function runc(): Promise<Subject[]> {
  const file = which('runc');
  return file === undefined ? [] : [await bundleRun('runc run', file, [file])];
}

/** It refuses to work beside a version 2 cgroup tree with controllers: there it is shown none, and two small programs more are started. */
async function crun(): Promise<Subject[]> {
  const file = which('crun');
  if (file === undefined) return [];
  const isHybrid = existsSync('/sys/fs/cgroup/unified');
  return [await bundleRun(isHybrid ? 'unshare, sh, crun run' : 'crun run', file, isHybrid ? ['unshare', '-m', 'sh', '-c', `umount /sys/fs/cgroup/unified; exec ${file} "$@"`, 'crun'] : [file])];
}

/** The runtime's own `spec`, with `true` and no terminal. */
async function bundleRun(name: string, file: string, [first, ...words]: readonly string[]): Promise<Subject> {
  const dir = mkdtempSync(join(tmpdir(), 'estiva-bench-bundle-'));
  mkdirSync(join(dir, 'rootfs'));
  execFileSync('sh', ['-c', `tar -xOf '${await busyboxArchive()}' layer-0/layer.tar | tar -x -C '${dir}/rootfs'`]);
  execFileSync(file, ['spec'], { cwd: dir });
  const spec = JSON.parse(readFileSync(join(dir, 'config.json'), 'utf8')) as { process: { terminal: boolean; args: string[]; capabilities: Record<string, string[]> } };
  // Some ask for ambient capabilities that root may not raise here.
  const capabilities = { ...spec.process.capabilities, ambient: [] };
  writeFileSync(join(dir, 'config.json'), JSON.stringify({ ...spec, process: { ...spec.process, capabilities, rlimits: [], terminal: false, args: ['true'] } }));
  let number = 0;
  return {
    name,
    run: () => program(first!, [...words, '--root', join(dir, 'state'), 'run', `bench-${process.pid}-${number++}`], { cwd: dir }),
    close: async () => { rmSync(dir, { recursive: true, force: true }); },
  };
}

async function podman(): Promise<Subject[]> {
  const file = which('podman');
  if (file === undefined) return [];
  const dir = mkdtempSync(join(tmpdir(), 'estiva-bench-podman-'));
  const own = ['--root', join(dir, 'root'), '--runroot', join(dir, 'run'), '--runtime', 'runc', '--cgroup-manager', 'cgroupfs', '--events-backend', 'none'];
  const load = await command(file, [...own, 'load', '-q', '-i', await busyboxArchive()]);
  const close = async (): Promise<void> => {
    await command(file, [...own, 'rmi', '-af']);
    rmSync(dir, { recursive: true, force: true });
  };
  if (load.code !== 0) {
    console.log(`podman is left out: it cannot load the image: ${load.stderr.trim().split('\n').at(-1)}`);
    await close();
    return [];
  }
  // Limits of its own: podman's defaults cannot be set where root lacks CAP_SYS_RESOURCE.
  return [{ name: 'podman run', run: () => program(file, [...own, 'run', '--rm', '--network', 'none', '--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024', `localhost/${image}`, 'true']), close }];
}
