// Commands that do the same to several objects: all are tried, each success is said, each failure too, and the code is 1 if one failed.
import { isDaemonError } from '../client/index.ts';
import { textOfError } from './errors.ts';
import { say, warn, type Session } from './session.ts';

/** How many are asked of the daemon at the same time: a stop may take ten seconds. */
const concurrencyMax = 50;

export interface EachOptions {
  /** What is to be gone and was never there is said, but is no failure. */
  readonly force?: boolean;
}

/** `act` resolves with what is said of a success, in the order of the names. Resolves with the exit code. */
export async function forEach(session: Session, names: readonly string[], { force = false }: EachOptions, act: (name: string) => Promise<string>): Promise<number> {
  let code = 0;
  for (let at = 0; at < names.length; at += concurrencyMax) {
    const results = await Promise.allSettled(names.slice(at, at + concurrencyMax).map(act));
    for (const result of results) {
      if (result.status === 'fulfilled') {
        say(session, result.value);
        continue;
      }
      if (!force || !isDaemonError(result.reason, 404)) code = 1;
      warn(session, textOfError(result.reason));
    }
  }
  return code;
}
