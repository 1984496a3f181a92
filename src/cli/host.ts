// Which daemon: -H, then ESTIVA_HOST, then DOCKER_HOST, else the socket in Estiva's own run directory. Only for the last one is a daemon
// started on demand: a host that was named is somebody else's to run.
import { resolve } from 'node:path';
import { parseHost, type Host } from '../client/index.ts';

export interface HostChoice {
  readonly host: Host;
  /** The run directory of the daemon that may be started; undefined when the host was named. */
  readonly runDir: string | undefined;
}

export interface HostFlags {
  readonly host: string | undefined;
  readonly run: string | undefined;
}

const runDirDefault = '/run/estiva';

/** @throws `invalid` or `unsupported` */
export function chooseHost(flags: HostFlags, environment: Readonly<Record<string, string | undefined>>): HostChoice {
  const named = flags.host ?? (flags.run === undefined ? environment['ESTIVA_HOST'] || environment['DOCKER_HOST'] : undefined);
  if (named !== undefined && named !== '') return { host: parseHost(named), runDir: undefined };
  const runDir = resolve(flags.run ?? (environment['ESTIVA_RUN'] || runDirDefault));
  return { host: parseHost(`unix://${runDir}/estiva.sock`), runDir };
}
