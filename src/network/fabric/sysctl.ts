// Settings of the kernel's network under /proc/sys/net. They belong to the network namespace of the thread that opens them.
import { readFileSync, writeFileSync } from 'node:fs';
import { fail } from '../../base/index.ts';
import { inNetwork, type Fd } from '../../kernel/index.ts';

/** `['net', 'ipv4', 'conf', 'eth0', 'forwarding']`: a list, as names of links have dots too. Undefined: this kernel has none of that name. */
export function readSysctl(name: readonly string[]): string | undefined {
  try {
    return readFileSync(pathOf(name), 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** @throws `invalid` when this kernel has none of that name, or takes no such value */
export function writeSysctl(name: readonly string[], value: string): void {
  try {
    writeFileSync(pathOf(name), value, { flag: 'r+' });
  } catch (error) {
    throw fail('invalid', `Cannot set ${name.join('.')} to ${JSON.stringify(value)}: ${(error as NodeJS.ErrnoException).code ?? 'unknown'}`, { cause: error });
  }
}

/** As writeSysctl; nothing where the kernel was built without (IPv6). */
export function writeSysctlIfThere(name: readonly string[], value: string): void {
  if (readSysctl(name) !== undefined) writeSysctl(name, value);
}

/** Of an interface inside: `net.ipv4.conf.IFNAME.forwarding` → `1`. @throws `invalid` for settings that are not of one interface */
export function writeInterfaceSysctls(namespace: Fd, interfaceName: string, sysctls: Readonly<Record<string, string>>): void {
  const names = Object.entries(sysctls).map(([key, value]) => [namesOf(key, interfaceName), value] as const);
  if (names.length > 0) inNetwork(namespace, () => { for (const [name, value] of names) writeSysctl(name, value); });
}

function namesOf(key: string, interfaceName: string): readonly string[] {
  const [net, family, kind, placeholder, ...rest] = key.split('.');
  const isRight = net === 'net' && ['ipv4', 'ipv6', 'mpls'].includes(family ?? '') && ['conf', 'neigh'].includes(kind ?? '') && placeholder === 'IFNAME' && rest.length === 1 && /^\w+$/.test(rest[0]!);
  if (!isRight) throw fail('invalid', `Invalid sysctl for an endpoint: ${JSON.stringify(key)}`, { hint: 'It is of the form net.ipv4.conf.IFNAME.NAME, with the word IFNAME' });
  return [net, family!, kind!, interfaceName, rest[0]!];
}

function pathOf(name: readonly string[]): string {
  return `/proc/sys/${name.map((part) => part.replaceAll('/', '.')).join('/')}`;
}
