// Whether this machine forwards packets at all. Containers need it; a machine that did not do it before must not become a router for its neighbours by
// that: then our rules forward for containers only. That it was us is written in the table (sets forwarding4 and forwarding6): whoever opens the fabric
// after us reads it there.
import { readdirSync } from 'node:fs';
import { isKernelError, nft, type Netlink } from '../../kernel/index.ts';
import { NFPROTO, type Version } from './firewall/rules.ts';
import type { Entry } from './firewall/sets.ts';
import { readSysctl, writeSysctl } from './sysctl.ts';

const switches: Readonly<Record<Version, readonly string[]>> = { 4: ['net', 'ipv4', 'ip_forward'], 6: ['net', 'ipv6', 'conf', 'all', 'forwarding'] };

export function isForwarding(version: Version): boolean {
  return readSysctl(switches[version]) !== '0';
}

export function turnOnForwarding(version: Version): void {
  if (version === 6) keepHearingRouters();
  writeSysctl(switches[version], '1');
}

/** A machine that forwards IPv6 no longer believes routers, unless told so: an interface that has its addresses and routes from one would lose them. */
function keepHearingRouters(): void {
  for (const link of readdirSync('/proc/sys/net/ipv6/conf')) {
    const name = ['net', 'ipv6', 'conf', link, 'accept_ra'];
    if (link !== 'lo' && readSysctl(name) === '1') writeSysctl(name, '2');
  }
}

export function forwardingEntry(version: Version): Entry {
  return { set: `forwarding${version}`, key: Uint8Array.of(NFPROTO[version]) };
}

/** Whether a table of ours that is in the kernel says that it was us. */
export function wasTurnedOn(netlink: Netlink, table: nft.TableName, version: Version): boolean {
  try {
    return nft.countElements(netlink, table, `forwarding${version}`) > 0;
  } catch (error) {
    if (isKernelError(error, 'ENOENT')) return false;
    throw error;
  }
}
