// What the host itself does with its ports: which are held by its programs, and at which addresses one can be held at all.
import { readFileSync } from 'node:fs';
import { boundSockets, isKernelError, NETLINK_ROUTE, Netlink, route, type BoundSocket } from '../../kernel/index.ts';
import type { Protocol } from '../network.ts';
import { isEvery, meet, type HostPorts } from './ports.ts';

/** Looked at when it is first asked for, once for all the ports of one container; then thrown away. */
export function lookAtHostPorts(): HostPorts {
  const sockets = new Map<Protocol, Map<number, BoundSocket[]>>();
  const socketsOf = (protocol: Protocol): Map<number, BoundSocket[]> => {
    const known = sockets.get(protocol) ?? Map.groupBy(held(protocol), ({ port }) => port);
    sockets.set(protocol, known);
    return known;
  };
  let addresses: ReadonlySet<string> | undefined;
  return {
    isTaken: (protocol, address, port) => (socketsOf(protocol).get(port) ?? []).some((socket) => meet(socket.address, address) || (socket.isDual && socket.address === '::' && !address.includes(':'))),
    isOurs: (address) => isEvery(address) || address.startsWith('127.') || address === '::1' || (addresses ??= hostAddresses()).has(address),
    ephemeral: ephemeralPorts,
  };
}

/** A kernel without the protocol, or without the module that tells of its sockets, has nothing to say about them. */
function held(protocol: Protocol): readonly BoundSocket[] {
  try {
    return boundSockets(protocol);
  } catch (error) {
    if (isKernelError(error, 'ENOENT')) return [];
    throw error;
  }
}

function hostAddresses(): ReadonlySet<string> {
  using netlink = new Netlink(NETLINK_ROUTE);
  return new Set(route.listAddresses(netlink).map(({ address }) => address.replace(/\/\d+$/, '')));
}

function ephemeralPorts(): readonly [number, number] {
  const [first = 32_768, last = 60_999] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').trim().split(/\s+/).map(Number);
  return [first, last];
}
