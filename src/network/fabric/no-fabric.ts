// A kernel without nf_tables: containers run there, with the networks none and host. Whoever asks for another hears why not.
import { fail } from '../../base/index.ts';
import type { Fabric } from './fabric.ts';

export function noFabric(cause: unknown): Fabric {
  const refuse = (): never => {
    throw fail('unsupported', 'This kernel has no nf_tables, which networks are made with', { hint: 'Use --network none or host', cause });
  };
  const nothing = (): void => undefined;
  return { makeNetwork: refuse, plug: refuse, isPlugged: () => false, setWayOut: refuse, open: (forwards) => (forwards.length === 0 ? undefined : refuse()), removeNetwork: nothing, unplug: nothing, abandon: nothing, close: nothing, reconcile: nothing, [Symbol.dispose]: nothing };
}
