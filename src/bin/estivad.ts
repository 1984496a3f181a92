// The daemon's main: `estiva daemon` in the foreground. Opens the engine, serves the API, and closes both when it is asked to end; containers go on.
import { extname, join, resolve } from 'node:path';
import { destination, pino } from 'pino';
import { serve } from '../api/index.ts';
import { fail } from '../base/index.ts';
import type { DaemonOptions } from '../cli/index.ts';
import { openEngine, registrySettings, supervisorCommand, type RuntimeSettings } from '../engine/index.ts';
import { version } from './version.ts';

/** Resolves when the daemon has been asked to end (SIGTERM, SIGINT) and has closed. */
export async function runDaemon(given: DaemonOptions): Promise<void> {
  if (process.getuid?.() !== 0) throw fail('denied', 'The daemon must run as root: it makes namespaces, mounts and cgroups');
  const options = settingsOf(given);
  const log = pino({ level: options.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination({ dest: 2, sync: true }));
  const ended = Promise.withResolvers<void>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => ended.resolve());
  process.umask(0o022);
  await using engine = await openEngine({ rootDir: options.rootDir, runDir: options.runDir, supervisorCommand: supervisorCommand(supervisorMain(), options.runDir), runtimes: options.runtimes, registries: { ...options.registries, userAgent: `estiva/${version}` }, concurrent: options.concurrent, imageBudgetBytes: given.imageBudgetBytes, log });
  await using _api = await serve({ engine, socketPath: options.socketPath, version, log });
  log.info({ root: options.rootDir, socket: options.socketPath }, 'ready');
  await ended.promise;
}

interface Settings {
  readonly rootDir: string;
  readonly runDir: string;
  readonly socketPath: string;
  readonly logLevel: string;
  readonly runtimes: RuntimeSettings;
  readonly registries: ReturnType<typeof registrySettings>;
  readonly concurrent: DaemonOptions['concurrent'];
}

const logLevels = ['debug', 'info', 'warn', 'error', 'fatal'];

function settingsOf({ root, run, host, logLevel = 'info', addedRuntimes, defaultRuntime = 'estiva', registries, concurrent }: DaemonOptions): Settings {
  const runDir = resolve(run ?? (process.env['ESTIVA_RUN'] || '/run/estiva'));
  const socket = host ?? `unix://${runDir}/estiva.sock`;
  if (!socket.startsWith('unix://')) throw fail('unsupported', `Cannot listen on ${JSON.stringify(socket)}: only unix sockets are supported yet`, { hint: 'Use -H unix:///path/to.sock' });
  if (!logLevels.includes(logLevel)) throw fail('invalid', `Unknown log level: ${JSON.stringify(logLevel)}`, { hint: `One of ${logLevels.join(', ')}` });
  checkConcurrent(concurrent);
  return { rootDir: resolve(root ?? (process.env['ESTIVA_ROOT'] || '/var/lib/estiva')), runDir, socketPath: socket.slice('unix://'.length), logLevel, runtimes: { added: addedOf(addedRuntimes), defaultName: defaultRuntime }, registries: registrySettings(registries, process.env), concurrent };
}

function checkConcurrent(concurrent: DaemonOptions['concurrent']): void {
  for (const [name, count] of Object.entries(concurrent)) {
    if (count !== undefined && count < 1) throw fail('invalid', `invalid max concurrent ${name}: ${count}`, { hint: 'Give at least 1' });
  }
}

function addedOf(words: readonly string[]): ReadonlyMap<string, string> {
  return new Map(words.map((word) => {
    const [, name, path] = /^([^=]+)=(.+)$/.exec(word) ?? [];
    if (name === undefined || path === undefined) throw fail('invalid', `--add-runtime: expected NAME=PATH, not ${JSON.stringify(word)}`);
    return [name, path];
  }));
}

/** The supervisor's main lies beside ours, as source or as bundle. */
function supervisorMain(): string {
  return join(import.meta.dirname, `supervisor${extname(import.meta.filename)}`);
}
