// Which ports programs of this network namespace hold: asked of the kernel's socket tables, where the listening ones are told apart by the kernel
// itself, however many connections there are.
// Source: sock_diag(7), linux/inet_diag.h (struct inet_diag_req_v2, struct inet_diag_msg), net/tcp_states.h
import { AF_INET, AF_INET6, formatAddress } from './address.ts';
import { decodeAttributes } from './attributes.ts';
import { Netlink } from './socket.ts';

const NETLINK_SOCK_DIAG = 4;
const SOCK_DIAG_BY_FAMILY = 20;
const protocolNumber = { tcp: 6, udp: 17, sctp: 132 } as const;
/** TCP_LISTEN; of UDP, which knows no listening: those that speak to nobody in particular (TCP_CLOSE) and to one (TCP_ESTABLISHED). */
const heldStates = { tcp: 1 << 10, udp: 1 << 7 | 1 << 1, sctp: 1 << 10 } as const;
const INET_DIAG_SKV6ONLY = 11;
const messageBytes = 72;

export interface BoundSocket {
  readonly family: typeof AF_INET | typeof AF_INET6;
  readonly address: string;
  readonly port: number;
  /** Of `::`: it takes IPv4 as well. */
  readonly isDual: boolean;
}

/** @throws KernelError ENOENT when the kernel cannot tell for this protocol: it has none, or not the module for it */
export function boundSockets(protocol: keyof typeof protocolNumber): readonly BoundSocket[] {
  using netlink = new Netlink(NETLINK_SOCK_DIAG);
  return ([AF_INET, AF_INET6] as const).flatMap((family) => netlink.dump({ type: SOCK_DIAG_BY_FAMILY, flags: 0, head: request(family, protocol), attributes: [], what: `list the ${protocol} sockets` }).map(({ body }) => ({
    family, port: body.readUInt16BE(4), address: formatAddress(body.subarray(8, family === AF_INET ? 12 : 24)),
    isDual: family === AF_INET6 && decodeAttributes(body.subarray(messageBytes)).bytes(INET_DIAG_SKV6ONLY)?.[0] === 0,
  })));
}

function request(family: number, protocol: keyof typeof protocolNumber): Uint8Array {
  const head = Buffer.alloc(56);
  head.set([family, protocolNumber[protocol]]);
  head.writeUInt32LE(heldStates[protocol], 4);
  return head;
}
