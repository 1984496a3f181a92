// The engines that are compared: ours, started here with a root of its own, and a dockerd where there is one (ESTIVA_BENCH_PEER, DOCKER_HOST,
// or its usual socket).
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { busyboxArchive, busyboxName } from '../test/fixtures/busybox.ts';
import { processesOf } from '../test/e2e/census.ts';
import type { Outcome } from '../test/e2e/command.ts';
import { command } from '../test/e2e/command.ts';
import { Daemon } from '../test/e2e/daemon.ts';
import { dockerClient } from '../test/e2e/engine.ts';
import { Api } from './api.ts';

export const image = busyboxName;

export interface BenchEngine {
  readonly name: string;
  readonly ours: boolean;
  readonly socketPath: string;
  readonly api: Api;
  /** Directory of its own, for what only ours can be asked (leftovers). */
  readonly dir: string | undefined;
  docker(args: readonly string[]): Promise<Outcome>;
  /** The engine's own processes: for a dockerd also its containerd and shims, never the containers'. */
  processes(): readonly number[];
  close(): Promise<void>;
}

export async function openEngines(): Promise<readonly BenchEngine[]> {
  return [...await ours(), ...await peer()];
}

async function ours(): Promise<BenchEngine[]> {
  if (process.env.ESTIVA_BENCH_OURS === 'no') return [];
  const dir = mkdtempSync(join(tmpdir(), 'estiva-bench-'));
  const daemon = new Daemon({ rootDir: join(dir, 'root'), runDir: join(dir, 'run'), logPath: join(dir, 'daemon.log') });
  await daemon.start();
  const processes = (): number[] => [daemon.pid, ...[daemon.supervisorPid].filter((pid) => pid !== undefined)];
  const engine = engineAt('estiva', true, daemon.socketPath, dir, processes, async () => {
    await daemon.stop();
    for (const { pid } of processesOf(dir)) process.kill(pid, 'SIGTERM');
    await sleep(500);
    rmSync(dir, { recursive: true, force: true });
  });
  return [await loaded(engine)];
}

async function peer(): Promise<BenchEngine[]> {
  const hosts = [process.env.ESTIVA_BENCH_PEER, process.env.DOCKER_HOST, '/var/run/docker.sock'];
  const socketPath = hosts.map((host) => host?.replace(/^unix:\/\//, '')).find((path) => path !== undefined && existsSync(path));
  if (socketPath === undefined) return [];
  return [await loaded(engineAt('dockerd', false, socketPath, undefined, () => processesNamed(/^(dockerd|containerd|containerd-shim.*)$/), async () => { /* Not ours to stop. */ }))];
}

function engineAt(name: string, isOurs: boolean, socketPath: string, dir: string | undefined, processes: () => readonly number[], close: () => Promise<void>): BenchEngine {
  const api = new Api(socketPath);
  const env = { ...process.env, DOCKER_HOST: `unix://${socketPath}`, DOCKER_CLI_HINTS: 'false' };
  return {
    name, ours: isOurs, socketPath, api, dir, processes,
    docker: (args) => command(dockerClient(), args, { env, timeoutMs: 300_000 }),
    close: async () => {
      api.close();
      await close();
    },
  };
}

async function loaded(engine: BenchEngine): Promise<BenchEngine> {
  const outcome = await engine.docker(['load', '-q', '-i', await busyboxArchive()]);
  if (outcome.code !== 0) throw new Error(`${engine.name} cannot load the image: ${outcome.stderr}`);
  return engine;
}

function processesNamed(name: RegExp): number[] {
  return readdirSync('/proc').filter((entry) => /^\d+$/.test(entry)).map(Number).filter((pid) => name.test(readIfAlive(`/proc/${pid}/comm`).trim()));
}

/** A file of a process; nothing when it ended while it was looked at (a shim of a container just removed). */
function readIfAlive(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Sums over processes, in kB: their share of memory (PSS) and what they have resident (RSS). */
export function memoryOf(pids: readonly number[]): { readonly pss: number; readonly rss: number } {
  const rollups = pids.map((pid) => readIfAlive(`/proc/${pid}/smaps_rollup`));
  const total = (field: string): number => rollups.reduce((sum, text) => sum + Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0), 0);
  return { pss: total('Pss'), rss: total('Rss') };
}
