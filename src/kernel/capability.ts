// Capabilities by name. Source: linux/capability.h. The position in the list is the number.

export const capabilityNames = [
  'CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_DAC_READ_SEARCH', 'CAP_FOWNER', 'CAP_FSETID', 'CAP_KILL', 'CAP_SETGID', 'CAP_SETUID', 'CAP_SETPCAP',
  'CAP_LINUX_IMMUTABLE', 'CAP_NET_BIND_SERVICE', 'CAP_NET_BROADCAST', 'CAP_NET_ADMIN', 'CAP_NET_RAW', 'CAP_IPC_LOCK', 'CAP_IPC_OWNER',
  'CAP_SYS_MODULE', 'CAP_SYS_RAWIO', 'CAP_SYS_CHROOT', 'CAP_SYS_PTRACE', 'CAP_SYS_PACCT', 'CAP_SYS_ADMIN', 'CAP_SYS_BOOT', 'CAP_SYS_NICE',
  'CAP_SYS_RESOURCE', 'CAP_SYS_TIME', 'CAP_SYS_TTY_CONFIG', 'CAP_MKNOD', 'CAP_LEASE', 'CAP_AUDIT_WRITE', 'CAP_AUDIT_CONTROL', 'CAP_SETFCAP',
  'CAP_MAC_OVERRIDE', 'CAP_MAC_ADMIN', 'CAP_SYSLOG', 'CAP_WAKE_ALARM', 'CAP_BLOCK_SUSPEND', 'CAP_AUDIT_READ', 'CAP_PERFMON', 'CAP_BPF',
  'CAP_CHECKPOINT_RESTORE',
] as const;

const numbers = new Map<string, number>(capabilityNames.map((name, number) => [name, number]));

/** Undefined for a name that the kernel (as we know it) does not have. */
export function capabilityNumber(name: string): number | undefined {
  return numbers.get(name);
}

/** A set of names as the two 32-bit halves that capset(2) takes. */
export function capabilityBits(names: Iterable<string>): readonly [low: number, high: number] {
  let low = 0;
  let high = 0;
  for (const name of names) {
    const number = numbers.get(name);
    if (number === undefined) continue;
    if (number < 32) low = (low | (1 << number)) >>> 0;
    else high = (high | (1 << (number - 32))) >>> 0;
  }
  return [low, high];
}
