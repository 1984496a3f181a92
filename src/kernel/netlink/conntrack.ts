// The kernel's memory of connections. One that was sent to a container stays known after the rule that sent it is gone, and lets packets through to
// whoever has the container's address next: so it is forgotten with the rule.
// Source: linux/netfilter/nfnetlink_conntrack.h; net/netfilter/nf_conntrack_netlink.c (ctnetlink_parse_filter) for the filter of a dump.
import { KernelError } from '../error.ts';
import { AF_INET, formatAddress, parseAddress } from './address.ts';
import { attribute, decodeAttributes, u32, type Attribute, type Attributes } from './attributes.ts';
import type { Message, Netlink } from './socket.ts';

const NFNL_SUBSYS_CTNETLINK = 1;
const CT = { GET: 1, DELETE: 2 } as const;
const CTA = { TUPLE_ORIG: 1, TUPLE_REPLY: 2, ID: 12, FILTER: 25 } as const;
const TUPLE = { IP: 1, PROTO: 2 } as const;
const IP_SOURCE = { 4: 1, 6: 3 } as const;
const IP_DESTINATION = { 4: 2, 6: 4 } as const;
const PROTO = { NUMBER: 1, SOURCE_PORT: 2, DESTINATION_PORT: 3 } as const;
const FILTER = { ORIG_FLAGS: 1, REPLY_FLAGS: 2 } as const;
const FLAG = { IP_SRC: 1, PROTO_NUM: 8 } as const;
const ENOENT = 2;

export interface Connection {
  /** The number of its protocol over IP. */
  readonly protocol: number;
  /** Where its first packet was sent to, and who answers. */
  readonly destination: { readonly address: string; readonly port: number };
  readonly answerer: { readonly address: string; readonly port: number };
  readonly forget: Message;
}

/** Those that `address` answers to. The kernel looks through all it knows: about a millisecond. */
export function connectionsAnsweredBy(netlink: Netlink, address: string): readonly Connection[] {
  const { family, bytes } = parseAddress(address);
  const source = attribute(TUPLE.IP, [attribute(family === AF_INET ? IP_SOURCE[4] : IP_SOURCE[6], bytes)]);
  return list(netlink, family, [attribute(CTA.TUPLE_REPLY, [source]), attribute(CTA.FILTER, [attribute(FILTER.ORIG_FLAGS, u32(0)), attribute(FILTER.REPLY_FLAGS, u32(FLAG.IP_SRC))])]);
}

/** Those of one protocol over IPv4 or IPv6. */
export function connectionsOver(netlink: Netlink, family: number, protocol: number): readonly Connection[] {
  const over = attribute(TUPLE.PROTO, [attribute(PROTO.NUMBER, Uint8Array.of(protocol))]);
  return list(netlink, family, [attribute(CTA.TUPLE_ORIG, [over]), attribute(CTA.FILTER, [attribute(FILTER.ORIG_FLAGS, u32(FLAG.PROTO_NUM)), attribute(FILTER.REPLY_FLAGS, u32(0))])]);
}

/** Those that are gone by themselves meanwhile are forgotten already. */
export function forget(netlink: Netlink, connections: readonly Connection[]): void {
  for (const { forget: message } of connections) {
    try {
      netlink.send([message]);
    } catch (error) {
      if (!(error instanceof KernelError) || error.errno !== ENOENT) throw error;
    }
  }
}

function list(netlink: Netlink, family: number, filter: readonly Attribute[]): readonly Connection[] {
  const head = Uint8Array.of(family, 0, 0, 0);
  return netlink.dump({ type: (NFNL_SUBSYS_CTNETLINK << 8) | CT.GET, flags: 0, head, attributes: filter, what: 'list connections' }).flatMap(({ body }) => {
    const found = decodeAttributes(body.subarray(4));
    const [original, reply, id] = [found.bytes(CTA.TUPLE_ORIG), found.bytes(CTA.TUPLE_REPLY), found.bytes(CTA.ID)];
    if (original === undefined || reply === undefined || id === undefined) return [];
    const [there, back] = [decodeAttributes(original), decodeAttributes(reply)];
    const attributes = [attribute(CTA.TUPLE_ORIG, nested(original)), attribute(CTA.ID, id)];
    return [{
      protocol: there.in(TUPLE.PROTO)?.bytes(PROTO.NUMBER)?.[0] ?? 0, destination: end(there, IP_DESTINATION, PROTO.DESTINATION_PORT), answerer: end(back, IP_SOURCE, PROTO.SOURCE_PORT),
      forget: { type: (NFNL_SUBSYS_CTNETLINK << 8) | CT.DELETE, flags: 0, head, attributes, what: 'forget a connection' },
    }];
  });
}

/** The same attributes, to be sent again: with the mark that those inside are attributes too. */
function nested(tuple: Buffer): readonly Attribute[] {
  return decodeAttributes(tuple).all().map(({ type, bytes }) => attribute(type, decodeAttributes(bytes).all().map((inner) => attribute(inner.type, inner.bytes))));
}

function end(tuple: Attributes, addressTypes: typeof IP_SOURCE | typeof IP_DESTINATION, portType: number): Connection['answerer'] {
  const address = tuple.in(TUPLE.IP)?.bytes(addressTypes[4]) ?? tuple.in(TUPLE.IP)?.bytes(addressTypes[6]);
  return { address: address === undefined ? '' : formatAddress(address), port: tuple.in(TUPLE.PROTO)?.bytes(portType)?.readUInt16BE(0) ?? 0 };
}
