// Bundles for tests of a runtime's own command line: a busybox whose configuration a test changes, and the calls that engines make.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { command, type Outcome } from './command.ts';

export const runtime = process.env['ESTIVA_E2E_RUNTIME'] ?? new URL('../../bin/estiva-runtime', import.meta.url).pathname;
export const isOurs = runtime.endsWith('estiva-runtime');
export const oursAlone = isOurs ? false : 'Debian\'s runc 1.1 does not have it';
export const dir = mkdtempSync('/var/tmp/estiva-bundles-');
export const root = `${dir}/state`;
after(() => {
  for (const id of existsSync(root) ? readdirSync(root) : []) spawnSync(runtime, ['--root', root, 'delete', '--force', id]);
  rmSync(dir, { recursive: true, force: true });
  const trees = ['/sys/fs/cgroup', ...readdirSync('/sys/fs/cgroup').map((name) => `/sys/fs/cgroup/${name}`)];
  // A parent that a configuration names stays, as /docker does.
  for (const tree of trees) if (existsSync(`${tree}/estiva-test-bundles`)) rmdirSync(`${tree}/estiva-test-bundles`);
  // Others on this machine may be at work beside us.
  const isEmpty = (group: string): boolean => existsSync(group) && readdirSync(group, { withFileTypes: true }).every((entry) => !entry.isDirectory());
  if (isOurs) assert.deepEqual(trees.filter((tree) => isEmpty(`${tree}/estiva-runtime`)), [], 'our own parent went with the last container');
});

export type Json = Record<string, unknown>;
let count = 0;

/** A bundle of busybox whose configuration is changed by `change`; its path and an id. */
export function bundle(args: readonly string[], change: (config: { process: Json; linux: Json & { namespaces: Json[] }; mounts: Json[]; root: Json } & Json, path: string) => void = () => undefined): { readonly path: string; readonly id: string } {
  const id = `estiva-test-${process.pid}-${++count}`;
  const path = `${dir}/${id}`;
  mkdirSync(`${path}/rootfs/bin`, { recursive: true });
  mkdirSync(`${path}/rootfs/kept`);
  writeFileSync(`${path}/rootfs/kept/file`, 'from the image\n');
  copyFileSync('/bin/busybox', `${path}/rootfs/bin/busybox`);
  spawnSync('/bin/busybox', ['sh', '-c', `cd ${path}/rootfs/bin && for f in sh cat echo id ls sleep true mkdir touch stat mount grep hostname env ulimit uname test kill readlink; do ln -sf busybox $f; done`]);
  spawnSync(runtime, ['spec'], { cwd: path });
  const config = JSON.parse(readFileSync(`${path}/config.json`, 'utf8')) as Parameters<typeof change>[0];
  config['ociVersion'] = '1.0.2';
  config.process = { ...config.process, terminal: false, args, rlimits: [] };
  config.root['readonly'] = false;
  change(config, path);
  writeFileSync(`${path}/config.json`, JSON.stringify(config));
  return { path, id };
}

export function call(args: readonly string[], options: { readonly cwd?: string } = {}): Promise<Outcome> {
  return command(runtime, ['--root', root, ...args], { timeoutMs: 30_000, ...options });
}

export async function runOf(args: readonly string[], change?: Parameters<typeof bundle>[1]): Promise<Outcome> {
  const { path, id } = bundle(args, change);
  return call(['run', '--bundle', path, id]);
}

export const shell = (script: string): readonly string[] => ['sh', '-c', script];

/** Made, not waited for: standard streams go to a file, as an engine would have it. */
export function detached(verb: 'create' | 'run', { path, id }: { readonly path: string; readonly id: string }, more: readonly string[] = []): { readonly status: number | null; readonly stderr: string } {
  const out = openSync(`${path}/out`, 'a');
  const result = spawnSync(runtime, ['--root', root, '--log', `${path}/log`, '--log-format', 'json', verb, '--bundle', path, '--pid-file', `${path}/pid`, ...more, id], { stdio: ['ignore', out, out] });
  closeSync(out);
  return { status: result.status, stderr: readFileSync(`${path}/out`, 'utf8') };
}

export async function stateOf(id: string): Promise<Json> {
  return JSON.parse((await call(['state', id])).stdout) as Json;
}

export async function until(what: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await what()) return;
    await sleep(25);
  }
  assert.fail('it did not come to that in five seconds');
}
