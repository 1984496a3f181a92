// How a container is asked to stop: the flags that stop and restart share.
import { flag, type Values } from './flags.ts';

export const stopFlags = {
  signal: flag.text('s', 'string', 'Signal that asks to stop'),
  timeout: flag.integer('t', 'int', 'Seconds to wait before killing'),
  // Docker's older name of --timeout.
  time: flag.integer('', 'int', ''),
};

export function stopOptionsOf({ signal, timeout, time }: Values<typeof stopFlags>): { readonly signal: string | undefined; readonly timeoutSeconds: number | undefined } {
  return { signal, timeoutSeconds: timeout ?? time };
}
