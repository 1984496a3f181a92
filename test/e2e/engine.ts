// The engine under test: a real dockerd or ours, behind the same functions, so that the same tests run against both and the tests
// themselves are proved. Which one: ESTIVA_E2E_TARGET=dockerd|estiva (ours by default).
//
//   const engine = await openEngine();          at the top of a test file; it is closed, and looked at for leaks, after the file's tests
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { busyboxArchive, busyboxName, configuredArchive, configuredName } from '../fixtures/busybox.ts';
import { cacheDir, which } from '../fixtures/cache.ts';
import { census, leaked, openFiles, processesOf } from './census.ts';
import type { CommandOptions, Outcome } from './command.ts';
import { command, patience } from './command.ts';
import { Daemon } from './daemon.ts';
import type { Answer, Body, Hijacked, RequestSettings } from './http.ts';
import { hijack, http } from './http.ts';

export const busybox = busyboxName;
export const configured = configuredName;

export type EngineName = 'dockerd' | 'estiva';

export interface EngineUnderTest {
  readonly name: EngineName;
  readonly ours: boolean;
  readonly socketPath: string;
  readonly dockerHost: string;
  /** For tests of what only ours promises; undefined for a dockerd. */
  readonly daemon: Daemon | undefined;
  /** Flags for a container that a test starts through a shell line: `--network none`, and the label by which it is found again. */
  readonly flags: string;
  /** A name that no other test uses. */
  unique(hint: string): string;
  /** Docker's own client. */
  docker(args: readonly string[], options?: CommandOptions): Promise<Outcome>;
  /** `docker run --network none …`. */
  run(args: readonly string[], options?: CommandOptions): Promise<Outcome>;
  /** `docker run -d --network none …`; the container's id. */
  start(args: readonly string[]): Promise<string>;
  http(method: string, path: string, body?: Body, settings?: RequestSettings): Promise<Answer>;
  hijack(path: string, body?: Record<string, unknown>): Promise<Hijacked>;
  /** Creates through the API (network none); the id. */
  create(config: Record<string, unknown>, hostConfig?: Record<string, unknown>): Promise<string>;
  inspect(container: string): Promise<Inspected>;
  close(): Promise<void>;
}

export interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly Path: string;
  readonly Args: readonly string[];
  readonly Image: string;
  readonly LogPath: string;
  readonly RestartCount: number;
  readonly State: {
    readonly Status: string; readonly Running: boolean; readonly Pid: number; readonly ExitCode: number; readonly OOMKilled: boolean;
    readonly Error: string; readonly StartedAt: string; readonly FinishedAt: string;
  };
  readonly Config: Readonly<Record<string, unknown>>;
  readonly HostConfig: Readonly<Record<string, unknown>>;
}

/**
 * The docker client: on PATH, or the one that `npm test` unpacked from Debian's package. ESTIVA_E2E_CLIENT=estiva puts our own command line in
 * its place: the same tests then say whether it speaks, asks and exits as Docker's does.
 */
export function dockerClient(): string {
  if (process.env.ESTIVA_E2E_CLIENT === 'estiva') return resolve(import.meta.dirname, '../../bin/estiva');
  const unpacked = join(cacheDir(), 'docker-client/usr/bin/docker');
  const found = which('docker') ?? (existsSync(unpacked) ? unpacked : undefined);
  if (found === undefined) throw new Error('No docker client: install Debian\'s docker-cli, or run "npm test" as root once');
  return found;
}

/** The socket of a dockerd to compare with: ESTIVA_E2E_DOCKERD; DOCKER_HOST only when a dockerd was asked for, because tests make containers there. */
export function dockerdSocket(): string | undefined {
  const host = process.env.ESTIVA_E2E_DOCKERD ?? (process.env.ESTIVA_E2E_TARGET === 'dockerd' ? process.env.DOCKER_HOST : undefined);
  const path = host?.replace(/^unix:\/\//, '');
  return path !== undefined && existsSync(path) ? path : undefined;
}

export async function openEngine(name = process.env.ESTIVA_E2E_TARGET ?? 'estiva'): Promise<EngineUnderTest> {
  if (name !== 'dockerd' && name !== 'estiva') throw new Error(`ESTIVA_E2E_TARGET is "${name}", not dockerd or estiva`);
  const engine = name === 'dockerd' ? await openDockerd() : await openOurs();
  after(() => engine.close());
  return engine;
}

async function openDockerd(): Promise<EngineUnderTest> {
  const socketPath = dockerdSocket();
  if (socketPath === undefined) throw new Error('No dockerd: set ESTIVA_E2E_DOCKERD=unix:///path/to/docker.sock');
  const mark = `estiva-e2e=${process.pid}`;
  const engine = functionsOf('dockerd', socketPath, undefined, mark, async () => { await removeAll(engine, mark); });
  await loadImages(engine);
  return engine;
}

/** Removes what the tests made on an engine that is not ours to stop. The images stay: loading them is the fixture, and they are shared. */
async function removeAll(engine: EngineUnderTest, mark: string): Promise<void> {
  const left = await engine.docker(['ps', '-aq', '--filter', `label=${mark}`]);
  const ids = left.stdout.split('\n').filter((id) => id !== '');
  if (ids.length > 0) await engine.docker(['rm', '-f', '-v', ...ids], { timeoutMs: 120_000 });
}

async function openOurs(): Promise<EngineUnderTest> {
  const before = census();
  const dir = mkdtempSync(join(tmpdir(), 'estiva-e2e-'));
  const daemon = new Daemon({ rootDir: join(dir, 'root'), runDir: join(dir, 'run'), logPath: join(dir, 'daemon.log') });
  const engine = functionsOf('estiva', daemon.socketPath, daemon, 'estiva-e2e=ours', async () => { await closeOurs(engine, daemon, dir, before); });
  try {
    await daemon.start();
    await loadImages(engine);
  } catch (error) {
    await end(daemon, dir);
    throw error;
  }
  return engine;
}

/**
 * Everything removed through the API, the daemon stopped: then nothing of it may be left on the machine. `npm test` runs in namespaces of its
 * own and so counts exactly (ESTIVA_E2E_CENSUS=exact); elsewhere others come and go, and only what bears the test's directory is ours.
 */
async function closeOurs(engine: EngineUnderTest, daemon: Daemon, dir: string, before: ReadonlySet<string>): Promise<void> {
  const files = await emptied(engine, daemon);
  for (const line of bugs(daemon.log).slice(0, 5)) console.log(`the daemon's log: ${line}`);
  await end(daemon, dir);
  const left = leaked(before).filter((line) => process.env.ESTIVA_E2E_CENSUS === 'exact' || line.includes(dir));
  assert.deepEqual([...files, ...left], [], 'the engine left something behind');
}

/** What the daemon did not foresee: its answers say only "internal error", its log says what happened. */
function bugs(log: string): string[] {
  return [...new Set(log.split('\n').filter((line) => /"level":[56]0/.test(line)).map((line) => {
    const { err, error, msg } = JSON.parse(line) as { err?: { stack?: string }; error?: unknown; msg?: string };
    return [msg, err?.stack ?? error].filter((part) => part !== undefined).map(String).join(': ');
  }))];
}

/** Removes all containers; what the daemon then still holds or keeps of them. */
async function emptied(engine: EngineUnderTest, daemon: Daemon): Promise<string[]> {
  const ids = (await engine.docker(['ps', '-aq'])).stdout.split('\n').filter((id) => id !== '');
  if (ids.length > 0) await engine.docker(['rm', '-f', ...ids], { timeoutMs: 120_000 });
  await sleep(200);
  const directory = join(daemon.place.rootDir, 'containers');
  const kept = existsSync(directory) ? readdirSync(directory).map((name) => `file containers/${name}`) : [];
  const held = [...openFiles(daemon.pid).keys()].filter((target) => target.includes('/containers/')).map((target) => `open file of the daemon ${target}`);
  return [...kept, ...held];
}

async function end(daemon: Daemon, dir: string): Promise<void> {
  try {
    await daemon.stop();
  } finally {
    await killOwn(dir);
    rmSync(dir, { recursive: true, force: true });
  }
}

/** The supervisor is made to outlive its daemon: a test that ends tells it to go, and waits until it and its containers are gone. */
async function killOwn(dir: string): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    const own = processesOf(dir);
    if (own.length === 0) return;
    const signal = tries < 20 ? 'SIGTERM' : 'SIGKILL';
    for (const { pid } of own) {
      try {
        process.kill(pid, signal);
      } catch {
        // It ended by itself between the look and the kill.
      }
    }
    await sleep(50);
  }
}

async function loadImages(engine: EngineUnderTest): Promise<void> {
  for (const archive of [await busyboxArchive(), await configuredArchive()]) {
    const loaded = await engine.docker(['load', '-q', '-i', archive]);
    assert.equal(loaded.code, 0, `docker load: ${loaded.stderr}`);
  }
}

function functionsOf(name: EngineName, socketPath: string, daemon: Daemon | undefined, mark: string, close: () => Promise<void>): EngineUnderTest {
  const dockerHost = `unix://${socketPath}`;
  const client = dockerClient();
  const env = { ...process.env, DOCKER_HOST: dockerHost, DOCKER_CLI_HINTS: 'false' };
  const docker: EngineUnderTest['docker'] = (args, options) => command(client, args, { env, ...options });
  const marked = ['--network', 'none', '--label', mark];
  const ask: EngineUnderTest['http'] = (method, path, body, settings) => http(socketPath, method, path, body, settings);
  let names = 0;
  return {
    name, ours: name === 'estiva', socketPath, dockerHost, daemon, docker, close, http: ask, flags: marked.join(' '),
    unique: (hint) => `e2e-${process.pid}-${hint}-${names++}`,
    run: (args, options) => docker(['run', ...marked, ...args], options),
    start: async (args) => succeeded(await docker(['run', '-d', ...marked, ...args])).trim(),
    hijack: (path, body) => hijack(socketPath, path, body),
    create: async (config, hostConfig) => {
      const [label, value] = mark.split('=') as [string, string];
      const answer = await ask('POST', '/containers/create', { Image: busybox, ...config, Labels: { [label]: value, ...(config['Labels'] as object | undefined) }, HostConfig: { NetworkMode: 'none', ...hostConfig } });
      assert.equal(answer.status, 201, answer.text);
      return (answer.json() as { Id: string }).Id;
    },
    inspect: async (container) => {
      const answer = await ask('GET', `/containers/${container}/json`);
      assert.equal(answer.status, 200, answer.text);
      return answer.json() as Inspected;
    },
  };
}

/** Its stdout; fails with its stderr when the exit code is not 0. */
export function succeeded(outcome: Outcome): string {
  assert.equal(outcome.code, 0, outcome.stderr || outcome.stdout);
  return outcome.stdout;
}

/** Asks again until `done` holds; fails with `what` after `timeoutMs`. */
export async function until(what: string, done: () => Promise<boolean> | boolean, timeoutMs = 15_000): Promise<void> {
  const deadline = performance.now() + timeoutMs * patience;
  while (!await done()) {
    if (performance.now() > deadline) throw new Error(`Not within ${timeoutMs} ms: ${what}`);
    await sleep(25);
  }
}
