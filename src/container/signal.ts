// Signals as users write them.
import { fail } from '../base/index.ts';
import { signalNumber } from '../kernel/index.ts';

/** `TERM`, `SIGTERM`, `15`. @throws `invalid` with Docker's text */
export function parseSignal(text: string): number {
  const number = signalNumber(text);
  if (number === undefined) throw fail('invalid', `Invalid signal: ${text}`);
  return number;
}
