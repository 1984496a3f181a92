// The command line: global flags, then a command, then its own affairs. Resolves with the exit code; nothing here ends the process.
import { resolve } from 'node:path';
import { fail } from '../base/index.ts';
import { apiVersionDefault, info, openDocker, parseHost, type Docker } from '../client/index.ts';
import { commands, groups, laterCommands, type Catalog } from './catalog.ts';
import { openConfig, type ClientConfig } from './config.ts';
import { defaultName, openContexts } from './context/store.ts';
import { settingsOf, tlsOfFlags } from './context/tls.ts';
import { Exit, textOfError, UsageError } from './errors.ts';
import { flag, type Values } from './flags.ts';
import { chooseHost, contextNameOf, type HostChoice } from './host.ts';
import { parseArguments } from './parse.ts';
import { program, productVersion } from './product.ts';
import { groupHelp, nearestCommand, programHelp } from './program-help.ts';
import { say, warn, type Session } from './session.ts';

const globalFlags = {
  config: flag.text('', 'string', 'Directory of the client\'s configuration (DOCKER_CONFIG or ~/.docker unless given)'),
  context: flag.text('c', 'string', 'Context to use, instead of the current one'),
  host: flag.text('H', 'string', 'Daemon to talk to (unix:///path, tcp://127.0.0.1:port, or any tcp://host:port with TLS)'),
  root: flag.text('', 'string', 'Data root of the daemon that is started when there is none'),
  run: flag.text('', 'string', 'Run directory: its socket, and where a daemon is started'),
  tls: flag.choice('', 'Use TLS; implied by --tlsverify'),
  tlscacert: flag.text('', 'string', 'Trust daemons whose certificates are signed by this CA alone (default: ca.pem in DOCKER_CERT_PATH or ~/.docker)'),
  tlscert: flag.text('', 'string', 'File of this client\'s certificate (default: cert.pem there)'),
  tlskey: flag.text('', 'string', 'File of this client\'s key (default: key.pem there)'),
  tlsverify: flag.choice('', 'Use TLS, and verify who the daemon is (DOCKER_TLS_VERIFY)'),
  version: flag.on('v', 'Print the version and quit'),
} as const;

const globalLater = { 'debug|D': 'see the daemon\'s log', 'log-level|l': 'see the daemon\'s log' } as const;

/** What the process gives: its streams, its environment, and the way to run the daemon itself. */
export type Surroundings = Omit<Session, 'program' | 'docker' | 'config' | 'contextName' | 'defaultEndpoint' | 'now'>;

/** `argv` without node and script. */
export async function runCli(argv: readonly string[], surroundings: Surroundings): Promise<number> {
  try {
    const { values, operands, isHelp } = parseArguments(argv, { flags: globalFlags, later: globalLater, stopsAtOperand: true });
    const [name, ...rest] = operands;
    using docker = lazyDocker(values, surroundings);
    const session = sessionIn(surroundings, values, docker);
    if (values.version) {
      say(session, `Estiva version ${productVersion}`);
      return 0;
    }
    if (name === undefined || isHelp) {
      say(session, programHelp(globalFlags));
      return 0;
    }
    if (name === 'daemon') return await dispatch([name, ...placeWords(values), ...rest], session);
    if (values.root !== undefined) await checkRoot(session.docker, resolve(values.root));
    return await dispatch(name === 'help' ? [...rest, '--help'] : operands, session);
  } catch (error) {
    return report(error, surroundings);
  }
}

type GlobalValues = Values<typeof globalFlags>;

function sessionIn(surroundings: Surroundings, values: GlobalValues, docker: LazyDocker): Session {
  const { config, contextName } = docker;
  return {
    program,
    config,
    contextName,
    defaultEndpoint: () => {
      const tls = tlsOfFlags(values, surroundings.environment, config.dir);
      return { host: chooseHost(values, surroundings.environment, tls && settingsOf(tls.files, tls.isVerified)).host.text, tls };
    },
    get docker() { return docker.get(); },
    environment: surroundings.environment,
    runDaemon: surroundings.runDaemon,
    now: () => new Date(),
    // Passed on as getters: a stream is opened by whoever first uses it.
    get stdin() { return surroundings.stdin; },
    get stdout() { return surroundings.stdout; },
    get stderr() { return surroundings.stderr; },
  };
}

function report(error: unknown, { stderr }: Surroundings): number {
  if (error instanceof UsageError) {
    stderr.write(`${error.message}\n\nUsage:  ${program} [OPTIONS] COMMAND [ARG...]\n\nRun '${program} --help' for more information\n`);
    return error.code;
  }
  if (error instanceof Exit) {
    if (error.message !== '') stderr.write(`${error.message}\n`);
    return error.code;
  }
  stderr.write(`${textOfError(error)}\n`);
  return 1;
}

/** `estiva --root DIR daemon` means `estiva daemon --root DIR`. */
function placeWords(values: Values<typeof globalFlags>): string[] {
  if ([values.tls, values.tlsverify, values.tlscacert, values.tlscert, values.tlskey].some((one) => one !== undefined)) throw fail('unsupported', 'This daemon listens at a socket of this machine: TLS flags are for commands', { hint: 'ssh -L PORT:/run/estiva/estiva.sock HOST reaches it from another' });
  return (['host', 'root', 'run'] as const).flatMap((name) => (values[name] === undefined ? [] : [`--${name}`, values[name]]));
}

/** A daemon that is running already has its own data root: --root must not be ignored by it. */
async function checkRoot(docker: Docker, root: string): Promise<void> {
  const { DockerRootDir: actual } = await info(docker);
  if (actual === root) return;
  throw fail('conflict', `The daemon at ${docker.host.text} has the data root ${JSON.stringify(actual)}, not ${JSON.stringify(root)}`, { hint: 'Give a run directory of its own with --run' });
}

/** The daemon: chosen when a command first asks for it (`context use` must work when the current context does not), connected at the first request. */
interface LazyDocker extends Disposable {
  readonly config: ClientConfig;
  readonly contextName: () => string;
  readonly get: () => Docker;
}

function lazyDocker(values: GlobalValues, { environment, stderr }: Surroundings): LazyDocker {
  const config = openConfig(values.config ?? (environment['DOCKER_CONFIG'] || `${environment['HOME'] ?? ''}/.docker`), (line) => stderr.write(`${line}\n`));
  const contextName = (): string => contextNameOf(values, environment, () => config.setting('currentContext'));
  let docker: Docker | undefined;
  return {
    config,
    contextName,
    get: () => docker ??= connect(hostOf(contextName(), config, values, environment), values, environment),
    [Symbol.dispose]: () => docker?.[Symbol.dispose](),
  };
}

type Environment = Surroundings['environment'];

function hostOf(context: string, config: ClientConfig, values: GlobalValues, environment: Environment): HostChoice {
  if (context === defaultName) {
    const tls = tlsOfFlags(values, environment, config.dir);
    return chooseHost(values, environment, tls && settingsOf(tls.files, tls.isVerified));
  }
  try {
    const store = openContexts(config.dir);
    const { Host: host, SkipTLSVerify: skips = false } = store.get(context).Endpoints.docker ?? {};
    const files = store.tls(context);
    const tls = skips || Object.keys(files).length > 0 ? settingsOf(files, !skips) : undefined;
    return host === undefined || host === '' ? chooseHost({ host: undefined, run: undefined }, environment) : { host: parseHost(host, tls), runDir: undefined };
  } catch (error) {
    throw new Exit(1, `Failed to initialize: unable to resolve docker endpoint: ${textOfError(error)}`);
  }
}

/** A daemon that is not there is started, if it is ours to run. */
function connect({ host, runDir }: HostChoice, { root }: GlobalValues, environment: Environment): Docker {
  const apiVersion = environment['DOCKER_API_VERSION'] || apiVersionDefault;
  if (runDir === undefined || host.kind !== 'unix') return openDocker({ host, apiVersion });
  const wake = async (): Promise<void> => {
    if (process.getuid?.() !== 0) throw fail('denied', `No daemon runs at ${host.text}, and only root can start one`, { hint: 'Run the command as root' });
    const { startDaemon } = await import('./daemon.ts');
    await startDaemon({ runDir, rootDir: root ?? environment['ESTIVA_ROOT'], socket: host.path, program: [process.execPath, ...process.execArgv, process.argv[1] ?? ''] });
  };
  return openDocker({ host, apiVersion, wake });
}

async function dispatch([name = '', ...rest]: readonly string[], session: Session): Promise<number> {
  if (name === '--help') {
    say(session, programHelp(globalFlags));
    return 0;
  }
  const group = groups[name];
  if (group === undefined) return call(commands, name, name, rest, session);
  const [second = '--help', ...words] = rest;
  if (second !== '--help') return call(group.commands, second, `${name} ${second}`, words, session);
  say(session, groupHelp(name, group.summary, group.commands));
  return 0;
}

async function call(catalog: Catalog, name: string, path: string, argv: readonly string[], session: Session): Promise<number> {
  const entry = Object.hasOwn(catalog, name) ? catalog[name] : undefined;
  if (entry !== undefined) return (await entry.load()).execute(path, argv, session);
  const later = Object.hasOwn(laterCommands, name) ? laterCommands[name] : undefined;
  const parent = path.includes(' ') ? `${program} ${path.split(' ', 1)[0] ?? ''}` : program;
  warn(session, later !== undefined ? `${program}: '${program} ${path}' is not there yet in Estiva: ${later}` : `${program}: unknown command: ${program} ${path}`);
  const near = later === undefined ? nearestCommand(name, catalog) : undefined;
  if (near !== undefined) warn(session, `\nDid you mean '${parent} ${near}'?`);
  warn(session, `${parent === program ? '' : `\nUsage:  ${parent}\n`}\nRun '${parent} --help' for more information`);
  return 1;
}
