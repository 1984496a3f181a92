// Sockets of IPv4 and IPv6 as bare descriptors: for those that are made in another network namespace, or by the hundred behind one Readiness.
// Source: ip(7), ipv6(7), udp(7), tcp(7); struct sockaddr_in, struct sockaddr_in6.
import { call, tryCall } from './call.ts';
import { KernelError } from './error.ts';
import { Fd } from './fd.ts';
import { AF_INET, AF_INET6, formatAddress, parseAddress } from './netlink/address.ts';

export interface SocketAddress {
  readonly address: string;
  readonly port: number;
  /** Index of the link that a link-local IPv6 address belongs to. */
  readonly scope?: number | undefined;
}

const types = { datagram: 2, stream: 1 } as const;
const SOCK_NONBLOCK_CLOEXEC = 0o4000 | 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const EAGAIN = 11;
const addressBytesMax = 28;
const [SOL_SOCKET, SO_REUSEADDR] = [1, 2];
const [IPPROTO_IPV6, IPV6_V6ONLY] = [41, 26];
const one = new Uint8Array(Uint32Array.of(1).buffer);
const listenBacklog = 4096;

/** A socket that waits for nothing, for addresses of the family of `address`. @throws KernelError */
export function openSocket(kind: keyof typeof types, address: string): Fd {
  return new Fd(call('socket', parseAddress(address).family, types[kind] | SOCK_NONBLOCK_CLOEXEC, 0));
}

/**
 * Bound to `at`, of that family alone; a stream socket listens, also where connections of an earlier one at the same port are still ending. Port 0 is one of
 * the kernel's choice. @throws KernelError
 */
export function bindSocket(kind: keyof typeof types, at: SocketAddress): { readonly socket: Fd; readonly port: number } {
  using undo = new DisposableStack();
  const socket = undo.use(openSocket(kind, at.address));
  const address = encodeSocketAddress(at);
  if (kind === 'stream') call('setsockopt', socket.number, SOL_SOCKET, SO_REUSEADDR, one, one.length);
  if (at.address.includes(':')) call('setsockopt', socket.number, IPPROTO_IPV6, IPV6_V6ONLY, one, one.length);
  call('bind', socket.number, address, address.length);
  if (kind === 'stream') call('listen', socket.number, listenBacklog);
  undo.move();
  return { socket, port: ownAddress(socket).port };
}

/** Sends to `to`, and hears only from there. @throws KernelError */
export function connectDatagram(to: SocketAddress): Fd {
  using undo = new DisposableStack();
  const socket = undo.use(openSocket('datagram', to.address));
  const address = encodeSocketAddress(to);
  call('connect', socket.number, address, address.length);
  undo.move();
  return socket;
}

/** The next who has connected; undefined when nobody has. @throws KernelError (EMFILE …) */
export function acceptStream(listener: Fd): Fd | undefined {
  const number = tryCall('accept4', listener.number, 0, 0, SOCK_NONBLOCK_CLOEXEC);
  if (number === -EAGAIN) return undefined;
  if (number < 0) throw new KernelError('accept4', '', -number);
  return new Fd(number);
}

/** What waits at a datagram socket: its length in `buffer`, and who sent it, as `sendDatagram` takes it. Undefined: nothing waits. @throws KernelError what the network answered instead (ECONNREFUSED …) */
export function receiveDatagram(socket: Fd, buffer: Uint8Array): { readonly length: number; readonly from: Uint8Array } | undefined {
  const from = new Uint8Array(addressBytesMax);
  const fromLength = new Uint8Array(Uint32Array.of(addressBytesMax).buffer);
  const length = tryCall('recvfrom', socket.number, buffer, buffer.length, MSG_DONTWAIT, from, fromLength);
  if (length === -EAGAIN) return undefined;
  if (length < 0) throw new KernelError('recvfrom', '', -length);
  return { length, from: from.subarray(0, new DataView(fromLength.buffer).getUint32(0, true)) };
}

/** As with all datagrams, nobody knows whether it comes to somebody. `to` may be absent for a connected socket. */
export function sendDatagram(socket: Fd, bytes: Uint8Array, to?: Uint8Array): void {
  tryCall('sendto', socket.number, bytes, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL, to ?? 0, to?.length ?? 0);
}

function encodeSocketAddress({ address, port, scope = 0 }: SocketAddress): Uint8Array {
  const { family, bytes } = parseAddress(address);
  const encoded = Buffer.alloc(family === AF_INET ? 16 : addressBytesMax);
  encoded.writeUInt16LE(family, 0);
  encoded.writeUInt16BE(port, 2);
  encoded.set(bytes, family === AF_INET ? 4 : 8);
  if (family === AF_INET6) encoded.writeUInt32LE(scope, 24);
  return encoded;
}

/** Where the socket is bound. */
function ownAddress(socket: Fd): SocketAddress {
  const bytes = Buffer.alloc(addressBytesMax);
  call('getsockname', socket.number, bytes, new Uint8Array(Uint32Array.of(addressBytesMax).buffer));
  const is6 = bytes.readUInt16LE(0) === AF_INET6;
  return { address: formatAddress(bytes.subarray(is6 ? 8 : 4, is6 ? 24 : 8)), port: bytes.readUInt16BE(2) };
}
