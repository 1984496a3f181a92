// The command `estiva`: the process's streams, the command line, its exit code.
import { runCli } from '../cli/index.ts';

/** A reader that has gone away (`estiva logs x | head`) ends the command the way SIGPIPE would. */
const brokenPipeCode = 141;

process.on('uncaughtException', (error) => {
  const isBrokenPipe = 'code' in error && error.code === 'EPIPE';
  if (!isBrokenPipe) process.stderr.write(`${error.stack ?? error.message}\n`);
  process.exit(isBrokenPipe ? brokenPipeCode : 1);
});

runCli(process.argv.slice(2), {
  // Opened when first used: each costs time at start.
  get stdin() { return process.stdin; },
  get stdout() { return process.stdout; },
  get stderr() { return process.stderr; },
  environment: process.env,
  runDaemon: async (options) => (await import('./estivad.ts')).runDaemon(options),
}).then((code) => { process.exitCode = code; }, (error: unknown) => { throw error; });
