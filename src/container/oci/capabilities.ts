// The capabilities of a container: Docker's fourteen, with what --cap-add and --cap-drop change. Pure.
import { fail } from '../../base/index.ts';
import { capabilityNames } from '../../kernel/index.ts';
import type { Capabilities } from '../../spec/oci/runtime.ts';

const defaults = [
  'CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FSETID', 'CAP_FOWNER', 'CAP_MKNOD', 'CAP_NET_RAW', 'CAP_SETGID', 'CAP_SETUID', 'CAP_SETFCAP', 'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE', 'CAP_SYS_CHROOT', 'CAP_KILL', 'CAP_AUDIT_WRITE',
];

export interface CapabilityWish {
  readonly privileged: boolean;
  readonly add: readonly string[];
  readonly drop: readonly string[];
}

/** Names in the kernel's order. `available`: what this daemon has to give. @throws `invalid` for a name that is none. */
export function chooseCapabilities({ privileged, add, drop }: CapabilityWish, available: ReadonlySet<string>): readonly string[] {
  const added = add.map((name) => parseCapability(name, 'CapAdd'));
  const dropped = drop.map((name) => parseCapability(name, 'CapDrop'));
  if (privileged) return capabilityNames.filter((name) => available.has(name));
  const chosen = new Set(dropped.includes('ALL') ? [] : added.includes('ALL') ? capabilityNames : defaults);
  for (const name of dropped) chosen.delete(name);
  for (const name of added) if (name !== 'ALL' && !dropped.includes(name)) chosen.add(name);
  const missing = added.find((name) => name !== 'ALL' && !available.has(name));
  if (missing !== undefined) throw fail('invalid', `invalid CapAdd: capability not supported by your kernel or not available in the current environment: "${missing}"`);
  return capabilityNames.filter((name) => chosen.has(name) && available.has(name));
}

/** Root has them all in force; another user only as a ceiling. None is ever inherited. */
export function capabilitySets(names: readonly string[], uid: number): Capabilities {
  const inForce = uid === 0 ? names : [];
  return { bounding: names, effective: inForce, permitted: inForce, inheritable: [], ambient: [] };
}

function parseCapability(text: string, field: string): string {
  const name = text.toUpperCase();
  if (name === 'ALL' || name === 'CAP_ALL') return 'ALL';
  const full = name.startsWith('CAP_') ? name : `CAP_${name}`;
  if (!(capabilityNames as readonly string[]).includes(full)) throw fail('invalid', `invalid ${field}: unknown capability: "${full}"`);
  return full;
}
