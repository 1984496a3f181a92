// The daemon's main: `estiva daemon` in the foreground.
import { fail } from '../base/index.ts';

/** Resolves when the daemon has been asked to end and has closed. */
export async function runDaemon(_argv: readonly string[]): Promise<void> {
  throw fail('unsupported', 'The daemon is not part of this build');
}
