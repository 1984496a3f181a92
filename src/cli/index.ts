// Estiva's command line: Docker's commands, flags, output and exit codes, over the Docker Engine API alone.
export { runCli } from './main.ts';
export type { DaemonOptions } from './session.ts';
