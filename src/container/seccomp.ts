// The seccomp filter of a container: from what `--security-opt seccomp=` says to BPF, compiled once per profile and set of capabilities.
import { fail } from '../base/index.ts';
import { asksAgent, compileSeccomp, hostArchitecture, seccompFlags } from '../kernel/index.ts';
import type { SeccompFilter } from '../runtime/index.ts';
import { defaultSeccompProfile } from '../spec/docker/default-seccomp.ts';
import { parseSeccompProfile, resolveSeccomp } from '../spec/docker/seccomp.ts';
import type { Seccomp } from '../spec/oci/runtime.ts';

/** Filters are a few kilobytes each; engines see few different ones. */
const cachedMax = 32;

export class SeccompFilters {
  readonly #kernelRelease: string;
  readonly #filters = new Map<string, SeccompFilter>();

  constructor(kernelRelease: string) {
    this.#kernelRelease = kernelRelease;
  }

  /** `choice`: `unconfined`, `builtin` or a profile as JSON. Undefined: no filter. @throws `invalid` for a profile that is none. */
  get(choice: string, capabilities: readonly string[]): SeccompFilter | undefined {
    if (choice === 'unconfined') return undefined;
    const key = [choice, ...capabilities].join('\0');
    let filter = this.#filters.get(key);
    if (filter === undefined) {
      const resolved = this.#resolve(choice, capabilities);
      if (asksAgent(resolved)) throw fail('unsupported', 'Unsupported seccomp action: "SCMP_ACT_NOTIFY"', { hint: 'It needs an agent that answers for each system call; estiva-runtime can hand a container\'s calls to one' });
      filter = { instructions: compileSeccomp(resolved, hostArchitecture()), flags: seccompFlags(resolved) };
      if (this.#filters.size >= cachedMax) this.#filters.clear();
      this.#filters.set(key, filter);
    }
    return filter;
  }

  /** The same as the OCI configuration says it, for another runtime. */
  profile(choice: string, capabilities: readonly string[]): Seccomp | undefined {
    return choice === 'unconfined' ? undefined : this.#resolve(choice, capabilities);
  }

  #resolve(choice: string, capabilities: readonly string[]): Seccomp {
    const profile = choice === 'builtin' ? defaultSeccompProfile : parseSeccompProfile(choice);
    return resolveSeccomp(profile, { architecture: hostArchitecture(), capabilities, kernelRelease: this.#kernelRelease });
  }
}
