// Links, addresses, routes and neighbours: what `ip` does, as messages. Several of them can go to the kernel in one call.
// Source: rtnetlink(7), linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h, linux/neighbour.h.
import { fdNumber, type Fd } from '../fd.ts';
import { AF_INET, AF_INET6, formatAddress, parseAddress } from './address.ts';
import { attribute, attributes, decodeAttributes, encodeAttributes, text, u16, u32, u8, type Attribute } from './attributes.ts';
import { NLM_F, type Message, type Netlink, type Reply } from './socket.ts';

const RTM = { NEWLINK: 16, DELLINK: 17, GETLINK: 18, NEWADDR: 20, DELADDR: 21, GETADDR: 22, NEWROUTE: 24, DELROUTE: 25, GETROUTE: 26, NEWNEIGH: 28 } as const;
const IFLA = { ADDRESS: 1, IFNAME: 3, MTU: 4, LINK: 5, MASTER: 10, LINKINFO: 18, IFALIAS: 20, NET_NS_FD: 28 } as const;
const INFO = { KIND: 1, DATA: 2, SLAVE_KIND: 4, SLAVE_DATA: 5 } as const;
const BRPORT = { MODE: 4, ISOLATED: 33 } as const;
const VETH_INFO_PEER = 1;
const BR = { STP_STATE: 5 } as const;
const MACVLAN_MODE = 1;
const IPVLAN_MODE = 1;
const VLAN_ID = 1;
const IFA = { ADDRESS: 1, LOCAL: 2, BROADCAST: 4, FLAGS: 8 } as const;
const RTA = { DST: 1, OIF: 4, GATEWAY: 5, PRIORITY: 6, PREFSRC: 7, TABLE: 15 } as const;
const NDA = { DST: 1, LLADDR: 2 } as const;
const IFF_UP = 1;
/** No waiting for other hosts to object: the addresses are given out by us. */
const IFA_F_NODAD = 2;
const RT_TABLE_MAIN = 254;
/** An administrator's, not the kernel's own. */
const RTPROT_STATIC = 4;
const RTN_UNICAST = 1;
const RT_SCOPE = { universe: 0, link: 253 } as const;

export const macvlanModes = { private: 1, vepa: 2, bridge: 4, passthru: 8 } as const;
export const ipvlanModes = { l2: 0, l3: 1, l3s: 2 } as const;

/** struct ifinfomsg */
function linkHead({ index = 0, up }: { readonly index?: number | undefined; readonly up?: boolean | undefined }): Uint8Array {
  const head = Buffer.alloc(16);
  head.writeInt32LE(index, 4);
  head.writeUInt32LE(up === true ? IFF_UP : 0, 8);
  head.writeUInt32LE(up === undefined ? 0 : IFF_UP, 12);
  return head;
}

export interface LinkSettings {
  readonly name?: string | undefined;
  /** 6 bytes, as `02:42:ac:11:00:02`. */
  readonly mac?: string | undefined;
  readonly mtu?: number | undefined;
  /** Index of the bridge that it becomes a port of; 0 takes it off. */
  readonly master?: number | undefined;
  /** The network namespace that it goes to. */
  readonly namespace?: Fd | undefined;
  readonly up?: boolean | undefined;
  /** For people who look at links (`ip link` shows it); the kernel takes it only when a link is changed. */
  readonly alias?: string | undefined;
}

function linkAttributes({ name, mac, mtu, master, namespace, alias }: LinkSettings): readonly Attribute[] {
  return attributes(
    [IFLA.IFNAME, name === undefined ? undefined : text(name)], [IFLA.ADDRESS, mac === undefined ? undefined : macBytes(mac)], [IFLA.MTU, mtu === undefined ? undefined : u32(mtu)],
    [IFLA.MASTER, master === undefined ? undefined : u32(master)], [IFLA.NET_NS_FD, namespace === undefined ? undefined : u32(fdNumber(namespace))], [IFLA.IFALIAS, alias === undefined ? undefined : Buffer.from(alias)],
  );
}

function macBytes(mac: string): Uint8Array {
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(mac)) throw new Error(`Not a link address: ${JSON.stringify(mac)}`);
  return Uint8Array.from(mac.split(':'), (byte) => Number.parseInt(byte, 16));
}

function newLink(kind: string, settings: LinkSettings, data: readonly Attribute[], more: readonly Attribute[] = []): Message {
  const info = [attribute(INFO.KIND, text(kind)), ...data.length === 0 ? [] : [attribute(INFO.DATA, data)]];
  return { type: RTM.NEWLINK, flags: NLM_F.CREATE | NLM_F.EXCL, head: linkHead({ up: settings.up }), attributes: [...linkAttributes(settings), ...more, attribute(IFLA.LINKINFO, info)], what: `make ${kind} ${settings.name ?? ''}` };
}

export function newBridge(settings: LinkSettings): Message {
  return newLink('bridge', settings, [attribute(BR.STP_STATE, u32(0))]);
}

/** A link that leads nowhere. */
export function newDummy(settings: LinkSettings): Message {
  return newLink('dummy', settings, []);
}

/** Both ends at once, each where it belongs: the peer is never seen in this namespace when it has another. */
export function newVeth(settings: LinkSettings, peer: LinkSettings): Message {
  // The peer's own header and attributes, as a message within.
  const inner = Buffer.concat([linkHead({ up: peer.up }), encodeAttributes(linkAttributes(peer))]);
  return newLink('veth', settings, [attribute(VETH_INFO_PEER, inner)]);
}

export function newMacvlan(settings: LinkSettings, parent: number, mode: keyof typeof macvlanModes): Message {
  return newLink('macvlan', settings, [attribute(MACVLAN_MODE, u32(macvlanModes[mode]))], [attribute(IFLA.LINK, u32(parent))]);
}

export function newIpvlan(settings: LinkSettings, parent: number, mode: keyof typeof ipvlanModes): Message {
  return newLink('ipvlan', settings, [attribute(IPVLAN_MODE, u16(ipvlanModes[mode]))], [attribute(IFLA.LINK, u32(parent))]);
}

export function newVlan(settings: LinkSettings, parent: number, id: number): Message {
  return newLink('vlan', settings, [attribute(VLAN_ID, u16(id))], [attribute(IFLA.LINK, u32(parent))]);
}

/** Changes the link of that index or name. */
export function setLink(link: number | string, settings: LinkSettings): Message {
  const isNamed = typeof link === 'string';
  return {
    type: RTM.NEWLINK, flags: 0, head: linkHead({ index: isNamed ? undefined : link, up: settings.up }), attributes: isNamed ? [attribute(IFLA.IFNAME, text(link)), ...linkAttributes(settings)] : linkAttributes(settings),
    what: `change link ${link}`,
  };
}

export interface PortSettings {
  /** Only the bridge itself hears it, and no other isolated port. */
  readonly isIsolated?: boolean;
  /** What came in by it may go out by it again. */
  readonly isHairpin?: boolean;
}

/** Changes a port of a bridge. */
export function setPort(link: number | string, { isIsolated, isHairpin }: PortSettings): Message {
  const message = setLink(link, {});
  const flag = (value: boolean | undefined): Uint8Array | undefined => (value === undefined ? undefined : u8(value ? 1 : 0));
  const port = attribute(IFLA.LINKINFO, [attribute(INFO.SLAVE_KIND, text('bridge')), attribute(INFO.SLAVE_DATA, attributes([BRPORT.MODE, flag(isHairpin)], [BRPORT.ISOLATED, flag(isIsolated)]))]);
  return { ...message, attributes: [...message.attributes, port], what: `change the bridge port ${link}` };
}

export function deleteLink(link: number | string): Message {
  const isNamed = typeof link === 'string';
  return { type: RTM.DELLINK, flags: 0, head: linkHead({ index: isNamed ? undefined : link }), attributes: isNamed ? [attribute(IFLA.IFNAME, text(link))] : [], what: `remove link ${link}` };
}

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly isUp: boolean;
  /** `02:42:ac:11:00:02`; '' for links without one. */
  readonly mac: string;
  readonly mtu: number;
  /** The bridge that it is a port of; 0: none. */
  readonly master: number;
  /** The link that it sits on, or the other end of a veth (in its own namespace); 0: none. */
  readonly parent: number;
  /** `bridge`, `veth`, …; '' for hardware. */
  readonly kind: string;
  readonly alias: string;
}

export function listLinks(netlink: Netlink): readonly Link[] {
  return netlink.dump({ type: RTM.GETLINK, flags: 0, head: linkHead({}), attributes: [], what: 'list links' }).map(linkOf);
}

/** @throws KernelError ENODEV when there is none of that name */
export function linkNamed(netlink: Netlink, name: string): Link {
  const [reply] = netlink.send([lookAt(name)]);
  return linkOf(reply!);
}

/** Among other messages: until it is answered, the kernel has also noticed whether something is at the other end. */
export function lookAt(link: number | string): Message {
  const isNamed = typeof link === 'string';
  return { type: RTM.GETLINK, flags: 0, head: linkHead({ index: isNamed ? undefined : link }), attributes: isNamed ? [attribute(IFLA.IFNAME, text(link))] : [], what: `look at link ${link}` };
}

function linkOf({ body }: Reply): Link {
  const found = decodeAttributes(body.subarray(16));
  return {
    index: body.readInt32LE(4), isUp: (body.readUInt32LE(8) & IFF_UP) !== 0, name: found.text(IFLA.IFNAME) ?? '', mac: [...found.bytes(IFLA.ADDRESS) ?? []].map((byte) => byte.toString(16).padStart(2, '0')).join(':'),
    mtu: found.u32(IFLA.MTU) ?? 0, master: found.u32(IFLA.MASTER) ?? 0, parent: found.u32(IFLA.LINK) ?? 0, kind: found.in(IFLA.LINKINFO)?.text(INFO.KIND) ?? '', alias: found.text(IFLA.IFALIAS) ?? '',
  };
}

/** struct ifaddrmsg */
function addressHead(family: number, prefix: number, link: number): Uint8Array {
  const head = Buffer.alloc(8);
  head.set([family, prefix, 0, RT_SCOPE.universe]);
  head.writeUInt32LE(link, 4);
  return head;
}

/** `address` is `172.17.0.2/16` or `fd00::2/64`. */
export function newAddress(link: number, address: string): Message {
  const { family, bytes, prefix } = parsePrefix(address);
  const more = family === AF_INET6 ? attribute(IFA.FLAGS, u32(IFA_F_NODAD)) : attribute(IFA.BROADCAST, broadcastOf(bytes, prefix));
  return { type: RTM.NEWADDR, flags: NLM_F.CREATE | NLM_F.EXCL, head: addressHead(family, prefix, link), attributes: [attribute(IFA.LOCAL, bytes), attribute(IFA.ADDRESS, bytes), more], what: `give address ${address} to link ${link}` };
}

/** The last address of its network; a pair (/31) and a single one (/32) have none. */
function broadcastOf(bytes: Uint8Array, prefix: number): Uint8Array {
  return prefix > 30 ? new Uint8Array(4) : bytes.map((byte, at) => byte | (0xff >> Math.min(8, Math.max(0, prefix - 8 * at))));
}

export function deleteAddress(link: number, address: string): Message {
  const { family, bytes, prefix } = parsePrefix(address);
  return { type: RTM.DELADDR, flags: 0, head: addressHead(family, prefix, link), attributes: [attribute(IFA.LOCAL, bytes)], what: `take address ${address} from link ${link}` };
}

export interface LinkAddress {
  readonly link: number;
  /** With its prefix length: `172.17.0.2/16`. */
  readonly address: string;
}

export function listAddresses(netlink: Netlink): readonly LinkAddress[] {
  return netlink.dump({ type: RTM.GETADDR, flags: 0, head: addressHead(0, 0, 0), attributes: [], what: 'list addresses' }).map(({ body }) => {
    const found = decodeAttributes(body.subarray(8));
    return { link: body.readUInt32LE(4), address: `${formatAddress(found.bytes(IFA.LOCAL) ?? found.bytes(IFA.ADDRESS)!)}/${body[1]!}` };
  });
}

export interface RouteSettings {
  /** `10.0.0.0/8`; `default` for all. */
  readonly to: string;
  readonly via?: string | undefined;
  readonly link?: number | undefined;
  /** The address that this machine speaks from. */
  readonly from?: string | undefined;
  readonly metric?: number | undefined;
}

/** struct rtmsg */
function routeHead(family: number, prefix: number, scope: number): Uint8Array {
  return Uint8Array.of(family, prefix, 0, 0, RT_TABLE_MAIN, RTPROT_STATIC, scope, RTN_UNICAST, 0, 0, 0, 0);
}

function routeMessage(type: number, flags: number, { to, via, link, from, metric }: RouteSettings, verb: string): Message {
  const target = to === 'default' ? undefined : parsePrefix(to);
  const family = target?.family ?? parseAddress(via ?? from ?? '0.0.0.0').family;
  return {
    type, flags, head: routeHead(family, target?.prefix ?? 0, via === undefined && family === AF_INET ? RT_SCOPE.link : RT_SCOPE.universe),
    attributes: attributes(
      [RTA.DST, target?.bytes], [RTA.GATEWAY, via === undefined ? undefined : parseAddress(via).bytes], [RTA.OIF, link === undefined ? undefined : u32(link)],
      [RTA.PREFSRC, from === undefined ? undefined : parseAddress(from).bytes], [RTA.PRIORITY, metric === undefined ? undefined : u32(metric)],
    ),
    what: `${verb} the route to ${to}${via === undefined ? '' : ` by ${via}`}`,
  };
}

export function newRoute(route: RouteSettings): Message {
  return routeMessage(RTM.NEWROUTE, NLM_F.CREATE | NLM_F.EXCL, route, 'make');
}

export function deleteRoute(route: RouteSettings): Message {
  return routeMessage(RTM.DELROUTE, 0, route, 'remove');
}

export interface Route {
  /** `default`, or with its prefix length. */
  readonly to: string;
  readonly via: string | undefined;
  readonly link: number;
  readonly from: string | undefined;
}

/** Of the main table. */
export function listRoutes(netlink: Netlink, family: typeof AF_INET | typeof AF_INET6): readonly Route[] {
  const head = Buffer.alloc(12);
  head[0] = family;
  return netlink.dump({ type: RTM.GETROUTE, flags: 0, head, attributes: [], what: 'list routes' }).flatMap(({ body }) => {
    const found = decodeAttributes(body.subarray(12));
    if ((found.u32(RTA.TABLE) ?? body[4]) !== RT_TABLE_MAIN) return [];
    const address = (type: number): string | undefined => { const bytes = found.bytes(type); return bytes === undefined ? undefined : formatAddress(bytes); };
    const to = address(RTA.DST);
    return [{ to: to === undefined ? 'default' : `${to}/${body[1]!}`, via: address(RTA.GATEWAY), link: found.u32(RTA.OIF) ?? 0, from: address(RTA.PREFSRC) }];
  });
}

const NUD_PERMANENT = 0x80;

/** Who has `address` on that link, for good: no question is sent into the network. */
export function newNeighbour(link: number, address: string, mac: string): Message {
  const { family, bytes } = parseAddress(address);
  return { type: RTM.NEWNEIGH, flags: NLM_F.CREATE | NLM_F.REPLACE, head: neighbourHead(family, link), attributes: [attribute(NDA.DST, bytes), attribute(NDA.LLADDR, macBytes(mac))], what: `set the neighbour ${address}` };
}

/** struct ndmsg */
function neighbourHead(family: number, link: number): Uint8Array {
  const head = Buffer.alloc(12);
  head[0] = family;
  head.writeInt32LE(link, 4);
  head.writeUInt16LE(NUD_PERMANENT, 8);
  return head;
}

function parsePrefix(cidr: string): ReturnType<typeof parseAddress> & { readonly prefix: number } {
  const [address = '', length] = cidr.split('/', 2);
  const parsed = parseAddress(address);
  const bits = parsed.bytes.length * 8;
  const prefix = length === undefined ? bits : Number(length);
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > bits) throw new Error(`Not a prefix length: ${JSON.stringify(cidr)}`);
  return { ...parsed, prefix };
}
