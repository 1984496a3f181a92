// Names and ids of networks.
import { randomBytes } from 'node:crypto';
import type { NetworkId } from './network.ts';

/** Always there: where a container is that asks for nothing else, the host's own, and none. */
export const predefined = ['bridge', 'host', 'none'] as const;

export function isPredefined(name: string): boolean {
  return (predefined as readonly string[]).includes(name);
}

/** 32 random bytes: of a network, or of an endpoint. */
export function newId(): string {
  return randomBytes(32).toString('hex');
}

export function newNetworkId(): NetworkId {
  return newId() as NetworkId;
}

/** Of no maker, for one station. Docker gives random ones as well: an address that comes back with another container must not be taken for the old one. */
export function newMac(): string {
  const bytes = randomBytes(6);
  bytes[0] = bytes[0]! & 0xfe | 0x02;
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}
