// What this host has to give to containers: read once, when the engine opens.
import { readFileSync } from 'node:fs';
import { availableParallelism, hostname, release } from 'node:os';
import { capabilityNames } from '../kernel/index.ts';

export interface Host {
  readonly cpus: number;
  readonly hostname: string;
  /** As `uname -r`. */
  readonly kernelRelease: string;
  /** The capabilities of this process: more than it has it cannot give. */
  readonly capabilities: ReadonlySet<string>;
}

export function readHost(): Host {
  const bits = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`);
  return {
    cpus: availableParallelism(), hostname: hostname(), kernelRelease: release(),
    capabilities: new Set(capabilityNames.filter((_, number) => ((bits >> BigInt(number)) & 1n) === 1n)),
  };
}
