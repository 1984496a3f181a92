// The endpoint that a connection becomes: its addresses, its names, the name of its interface. Nothing of it is in the kernel yet.
import { fail } from '../base/index.ts';
import { newId, newMac } from './names.ts';
import type { Connection, Endpoint, NetworkRecord, Sandbox } from './network.ts';
import { interfacePrefixOf } from './options.ts';
import { answersNames, membersOf, type Room } from './room.ts';
import type { Plugged } from './way-out.ts';

const interfaceName = 'com.docker.network.endpoint.ifname';
const sysctls = 'com.docker.network.endpoint.sysctls';

/** @throws `conflict` for addresses that are taken, and when there are none left */
export function draftEndpoint(room: Room, sandbox: Omit<Sandbox, 'namespace'>, network: NetworkRecord, connection: Connection, others: readonly Endpoint[]): Plugged {
  const hasLink = network.driver !== 'host' && network.driver !== 'null';
  const id = newId();
  const draft: Plugged = {
    network, connection,
    endpoint: {
      id, networkId: network.id, network: connection.network, dnsNames: [], linkLocal: connection.linkLocal,
      interface: hasLink ? freeInterface(network, connection, others) : '', hostLink: network.driver === 'bridge' ? `ev${id.slice(0, 13)}` : '',
      // An ipvlan has that of its parent.
      mac: hasLink && network.driver !== 'ipvlan' ? connection.mac ?? newMac() : '',
    },
  };
  const addresses = hasLink ? room.ipam.give(network, connection, (address) => holderOf(room, network, address)) : {};
  return { ...draft, endpoint: { ...draft.endpoint, ...addresses, dnsNames: answersNames(draft) ? namesOf(sandbox, connection) : [] } };
}

/** In Docker's order, each once. */
export function namesOf({ name, hostname, containerId }: Omit<Sandbox, 'namespace'>, { aliases }: Connection): readonly string[] {
  return [...new Set([name, ...aliases, containerId.slice(0, 12), hostname])].filter((one) => one !== '');
}

function holderOf(room: Room, { id }: NetworkRecord, address: string): string | undefined {
  const found = membersOf(room, id).find(({ plugged: { endpoint } }) => [endpoint.ipv4, endpoint.ipv6].some((one) => one?.startsWith(`${address}/`)));
  return found && `container ${JSON.stringify(found.member.name)}`;
}

function freeInterface({ options }: NetworkRecord, { driverOptions }: Connection, others: readonly Endpoint[]): string {
  const isTaken = (name: string): boolean => others.some((endpoint) => endpoint.interface === name);
  const asked = driverOptions[interfaceName];
  if (asked !== undefined) {
    if (isTaken(asked)) throw fail('conflict', `Interface name ${JSON.stringify(asked)} is used by another network of the container`, { hint: 'Choose another, or leave it away' });
    return asked;
  }
  const prefix = interfacePrefixOf(options);
  for (let number = 0; ; number += 1) if (!isTaken(`${prefix}${number}`)) return `${prefix}${number}`;
}

/** What `check` says of a connection's driver options: one complaint a line. */
export function driverOptionComplaints({ driverOptions }: Connection): readonly string[] {
  const name = driverOptions[interfaceName];
  const isName = name === undefined || (/^[^\s/:%]{1,15}$/.test(name) && !['lo', '.', '..'].includes(name));
  return [
    ...isName ? [] : [`invalid interface name ${JSON.stringify(name.slice(0, 100))}: at most 15 characters, without spaces, slashes, colons and percent signs`],
    ...(driverOptions[sysctls] ?? '').split(',').filter((one) => one.trim() !== '').flatMap((one) => (sysctlPattern.test(one.trim()) ? [] : [`invalid sysctl ${JSON.stringify(one.slice(0, 100))}: expected net.ipv4.conf.IFNAME.NAME=VALUE (or net.ipv6, net.mpls; conf, neigh)`])),
  ];
}

const sysctlPattern = /^(net\.(?:ipv4|ipv6|mpls)\.(?:conf|neigh)\.IFNAME\.[a-z0-9_]+)=(.+)$/i;

/** `net.ipv4.conf.IFNAME.log_martians` → `1`. */
export function sysctlsOf({ driverOptions }: Connection): Readonly<Record<string, string>> {
  return Object.fromEntries((driverOptions[sysctls] ?? '').split(',').flatMap((one) => {
    const [, key, value] = sysctlPattern.exec(one.trim()) ?? [];
    return key === undefined ? [] : [[key, value!]];
  }));
}
