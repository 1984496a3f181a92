// The daemon's main: `estiva daemon` in the foreground. Opens the engine, serves the API, and closes both when it is asked to end; containers go on.
import { dirname, extname, resolve } from 'node:path';
import { realpathSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { destination, pino } from 'pino';
import { serve } from '../api/index.ts';
import { fail, messageOf } from '../base/index.ts';
import { openEngine } from '../engine/index.ts';
import { version } from './version.ts';

/** Resolves when the daemon has been asked to end (SIGTERM, SIGINT) and has closed. */
export async function runDaemon(argv: readonly string[]): Promise<void> {
  const options = parseDaemonOptions(argv);
  const log = pino({ level: options.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination({ dest: 2, sync: true }));
  const ended = Promise.withResolvers<void>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => ended.resolve());
  process.umask(0o022);
  await using engine = await openEngine({ rootDir: options.rootDir, runDir: options.runDir, supervisorCommand: supervisorCommand(options.runDir), log });
  await using _api = await serve({ engine, socketPath: options.socketPath, version, log });
  log.info({ root: options.rootDir, socket: options.socketPath }, 'ready');
  await ended.promise;
}

interface DaemonOptions {
  readonly rootDir: string;
  readonly runDir: string;
  readonly socketPath: string;
  readonly logLevel: string;
}

const logLevels = ['debug', 'info', 'warn', 'error', 'fatal'];

function parseDaemonOptions(argv: readonly string[]): DaemonOptions {
  const { values } = parse(argv);
  const runDir = resolve(values.run ?? process.env['ESTIVA_RUN'] ?? '/run/estiva');
  const host = values.host ?? `unix://${runDir}/estiva.sock`;
  if (!host.startsWith('unix://')) throw fail('unsupported', `Cannot listen on ${JSON.stringify(host)}: only unix sockets are supported yet`, { hint: 'Use -H unix:///path/to.sock' });
  const logLevel = values.debug === true ? 'debug' : values['log-level'] ?? 'info';
  if (!logLevels.includes(logLevel)) throw fail('invalid', `Unknown log level: ${JSON.stringify(logLevel)}`, { hint: `One of ${logLevels.join(', ')}` });
  return { rootDir: resolve(values.root ?? process.env['ESTIVA_ROOT'] ?? '/var/lib/estiva'), runDir, socketPath: host.slice('unix://'.length), logLevel };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: { root: { type: 'string' }, run: { type: 'string' }, host: { type: 'string', short: 'H' }, 'log-level': { type: 'string' }, debug: { type: 'boolean', short: 'D' } },
    });
  } catch (error) {
    throw fail('invalid', messageOf(error), { hint: 'See "estiva daemon --help"', cause: error });
  }
}

/** The supervisor's main lies beside ours, as source or as bundle. It holds little and never computes: a small heap is enough. */
function supervisorCommand(runDir: string): readonly string[] {
  const main = realpathSync(process.argv[1]!);
  return [process.execPath, '--disable-warning=ExperimentalWarning', '--max-semi-space-size=1', `${dirname(main)}/supervisor${extname(main)}`, runDir];
}
