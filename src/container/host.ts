// What this host has to give to containers: read once, when the engine opens.
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, hostname, release } from 'node:os';
import { capabilityNames, readBlockIoAbilities, type BlockIoAbilities } from '../kernel/index.ts';
import type { SecurityModules } from './oci/security.ts';

export interface Host {
  readonly cpus: number;
  readonly hostname: string;
  /** As `uname -r`. */
  readonly kernelRelease: string;
  /** The capabilities of this process: more than it has it cannot give. */
  readonly capabilities: ReadonlySet<string>;
  readonly blockIo: BlockIoAbilities;
  readonly modules: SecurityModules;
}

export function readHost(): Host {
  const bits = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`);
  return {
    cpus: availableParallelism(), hostname: hostname(), kernelRelease: release(),
    capabilities: new Set(capabilityNames.filter((_, number) => ((bits >> BigInt(number)) & 1n) === 1n)),
    blockIo: readBlockIoAbilities(),
    modules: { appArmor: existsSync('/sys/kernel/security/apparmor'), seLinux: existsSync('/sys/fs/selinux/enforce') },
  };
}
