// Which daemon: what the command line names (-H, --run), then Estiva's own variables (ESTIVA_HOST, ESTIVA_RUN), then DOCKER_HOST, else the
// socket in the default run directory. Only in a run directory is a daemon started on demand: a host that was named is somebody else's to run.
import { resolve } from 'node:path';
import { fail } from '../base/index.ts';
import { parseHost, type Host, type TlsSettings } from '../client/index.ts';

export interface HostChoice {
  readonly host: Host;
  /** The run directory of the daemon that may be started; undefined when the host was named. */
  readonly runDir: string | undefined;
}

export interface HostFlags {
  readonly host: string | undefined;
  readonly run: string | undefined;
}

export interface ContextFlags extends HostFlags {
  readonly context: string | undefined;
}

/**
 * Docker's order: --context; then whatever names a daemon directly (-H, --run and the variables of hosts) means `default`; then DOCKER_CONTEXT; then
 * the configuration. @throws `invalid` when the command line says both.
 */
export function contextNameOf(flags: ContextFlags, environment: Readonly<Record<string, string | undefined>>, current: () => string | undefined): string {
  const isHostNamed = flags.host !== undefined || flags.run !== undefined;
  if (flags.context !== undefined && flags.context !== '') {
    if (isHostNamed) throw fail('invalid', `conflicting options: cannot specify both --${flags.host === undefined ? 'run' : 'host'} and --context`);
    return flags.context;
  }
  if (isHostNamed || ['ESTIVA_HOST', 'ESTIVA_RUN', 'DOCKER_HOST'].some((variable) => (environment[variable] ?? '') !== '')) return 'default';
  return environment['DOCKER_CONTEXT'] || current() || 'default';
}

const runDirDefault = '/run/estiva';

/** `tls`: for a host that is named. @throws `invalid` or `unsupported` */
export function chooseHost(flags: HostFlags, environment: Readonly<Record<string, string | undefined>>, tls?: TlsSettings): HostChoice {
  const ownRun = flags.run ?? (environment['ESTIVA_RUN'] || undefined);
  const named = flags.host ?? (flags.run === undefined ? environment['ESTIVA_HOST'] || (ownRun === undefined ? environment['DOCKER_HOST'] : undefined) : undefined);
  if (named !== undefined && named !== '') return { host: parseHost(named, tls), runDir: undefined };
  const runDir = resolve(ownRun ?? runDirDefault);
  return { host: parseHost(`unix://${runDir}/estiva.sock`), runDir };
}
