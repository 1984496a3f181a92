// nf_tables: tables, chains, sets, maps and rules. A batch of changes is one transaction of the kernel: all of it holds from one packet to the next, or
// nothing is changed.
//
// A rule is a list of expressions that pass values on in registers: load the destination port, look it up in a map, write the packet's destination.
// Here each expression is a function that says what it does; `nft list ruleset` reads back what they make (the oracle of the tests).
// Source: linux/netfilter/nf_tables.h, linux/netfilter/nfnetlink.h; libnftnl's encodings of the same.
import { be16, be32, attribute, attributes, decodeAttributes, text, u32, u8, type Attribute } from './attributes.ts';
import { NetlinkListener } from './listener.ts';
import { encodeBatch, NETLINK_NETFILTER, NLM_F, type Batch, type Message, type Netlink, type Reply } from './socket.ts';

const NFNL_SUBSYS_NFTABLES = 10;
const NFNL_MSG_BATCH_BEGIN = 0x10;
const NFNL_MSG_BATCH_END = 0x11;
const NFT_MSG = { NEWTABLE: 0, GETTABLE: 1, DELTABLE: 2, NEWCHAIN: 3, DELCHAIN: 5, NEWRULE: 6, GETRULE: 7, DELRULE: 8, NEWSET: 9, DELSET: 11, NEWSETELEM: 12, GETSETELEM: 13, DELSETELEM: 14 } as const;
const TABLE_NAME = 1;
const CHAIN = { TABLE: 1, NAME: 3, HOOK: 4, POLICY: 5, TYPE: 7 } as const;
const HOOK = { NUMBER: 1, PRIORITY: 2 } as const;
const RULE = { TABLE: 1, CHAIN: 2, HANDLE: 3, EXPRESSIONS: 4, USERDATA: 7 } as const;
const SET = { TABLE: 1, NAME: 2, FLAGS: 3, KEY_TYPE: 4, KEY_LEN: 5, DATA_TYPE: 6, DATA_LEN: 7, DESC: 9, ID: 10, USERDATA: 13 } as const;
const DESC_CONCAT = 2;
const FIELD_LEN = 1;
const ELEMENTS = { TABLE: 1, SET: 2, ELEMENTS: 3 } as const;
const ELEMENT = { KEY: 1, DATA: 2, FLAGS: 3, KEY_END: 10 } as const;
const LIST_ELEM = 1;
const EXPR = { NAME: 1, DATA: 2 } as const;
const DATA = { VALUE: 1, VERDICT: 2 } as const;
const VERDICT = { CODE: 1, CHAIN: 2 } as const;
const SET_FLAG = { INTERVAL: 4, MAP: 8, CONCAT: 0x80 } as const;

export const families = { inet: 1, ip: 2, arp: 3, bridge: 7, ip6: 10 } as const;
export type Family = keyof typeof families;
const hooks = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 } as const;
export type Hook = keyof typeof hooks;

export interface TableName {
  readonly family: Family;
  readonly table: string;
}

/** struct nfgenmsg */
function message(type: number, { family }: { readonly family: Family }, flags: number, list: readonly Attribute[], what: string): Message {
  return { type: (NFNL_SUBSYS_NFTABLES << 8) | type, flags, head: Uint8Array.of(families[family], 0, 0, 0), attributes: list, what };
}

const batchHead = Uint8Array.of(0, 0, 0, NFNL_SUBSYS_NFTABLES);
const begin: Message = { type: NFNL_MSG_BATCH_BEGIN, flags: 0, head: batchHead, attributes: [], what: 'change the firewall' };
const end: Message = { type: NFNL_MSG_BATCH_END, flags: 0, head: batchHead, attributes: [], what: 'change the firewall' };

/** All of them or none. @throws KernelError naming the change that was refused */
export function commit(netlink: Netlink, changes: readonly Message[]): void {
  if (changes.length > 0) netlink.sendBatch(prepare(changes));
}

/** Changes that are made in many namespaces, written down once: `netlink.sendBatch` makes them there. */
export function prepare(changes: readonly Message[]): Batch {
  return encodeBatch(begin, changes, end);
}

/** Makes the table; one that is there stays. */
export function addTable(table: TableName): Message {
  return message(NFT_MSG.NEWTABLE, table, NLM_F.CREATE, [attribute(TABLE_NAME, text(table.table))], `make the table ${nameOf(table)}`);
}

export function deleteTable(table: TableName): Message {
  return message(NFT_MSG.DELTABLE, table, 0, [attribute(TABLE_NAME, text(table.table))], `remove the table ${nameOf(table)}`);
}

export function listTables(netlink: Netlink): readonly TableName[] {
  const all = netlink.dump({ type: (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG.GETTABLE, flags: 0, head: new Uint8Array(4), attributes: [], what: 'list the tables' });
  return all.flatMap(({ body }) => {
    const family = (Object.keys(families) as Family[]).find((name) => families[name] === body[0]);
    const table = decodeAttributes(body.subarray(4)).text(TABLE_NAME);
    return family === undefined || table === undefined ? [] : [{ family, table }];
  });
}

/** Hears of every change to nf_tables in this network namespace. */
export function listen(): NetlinkListener {
  return new NetlinkListener(NETLINK_NETFILTER, NFNLGRP_NFTABLES);
}

const NFNLGRP_NFTABLES = 7;
const removals: readonly number[] = [NFT_MSG.DELTABLE, NFT_MSG.DELCHAIN, NFT_MSG.DELRULE, NFT_MSG.DELSET, NFT_MSG.DELSETELEM];

/** Whether it tells that something was taken out of that table, or the table itself. All of these messages have the table's name as their first attribute. */
export function isRemovalFrom({ family, table }: TableName, { type, body }: Reply): boolean {
  return removals.includes(type & 0xff) && body[0] === families[family] && decodeAttributes(body.subarray(4)).text(TABLE_NAME) === table;
}

export interface BaseChain {
  readonly type: 'filter' | 'nat' | 'route';
  readonly hook: Hook;
  readonly priority: number;
  readonly policy?: 'accept' | 'drop';
}

/** A chain to jump to, or with `base` one that packets run through. */
export function addChain(table: TableName, chain: string, base?: BaseChain): Message {
  return message(NFT_MSG.NEWCHAIN, table, NLM_F.CREATE, attributes(
    [CHAIN.TABLE, text(table.table)], [CHAIN.NAME, text(chain)],
    [CHAIN.HOOK, base && [attribute(HOOK.NUMBER, be32(hooks[base.hook])), attribute(HOOK.PRIORITY, be32(base.priority))]],
    [CHAIN.POLICY, base && be32(base.policy === 'drop' ? 0 : 1)], [CHAIN.TYPE, base && text(base.type)],
  ), `make the chain ${nameOf(table)} ${chain}`);
}

/** Takes all rules out of a chain. */
export function flushChain(table: TableName, chain: string): Message {
  return message(NFT_MSG.DELRULE, table, 0, [attribute(RULE.TABLE, text(table.table)), attribute(RULE.CHAIN, text(chain))], `empty the chain ${nameOf(table)} ${chain}`);
}

/** Must be empty, and nobody may jump there. */
export function deleteChain(table: TableName, chain: string): Message {
  return message(NFT_MSG.DELCHAIN, table, 0, [attribute(CHAIN.TABLE, text(table.table)), attribute(CHAIN.NAME, text(chain))], `remove the chain ${nameOf(table)} ${chain}`);
}

/** At the end of the chain. `comment` is what `nft` shows of it. */
export function addRule(table: TableName, chain: string, expressions: readonly Attribute[], comment?: string): Message {
  return message(NFT_MSG.NEWRULE, table, NLM_F.CREATE | NLM_F.APPEND, attributes(
    [RULE.TABLE, text(table.table)], [RULE.CHAIN, text(chain)], [RULE.EXPRESSIONS, expressions], [RULE.USERDATA, comment === undefined ? undefined : userComment(comment)],
  ), `add a rule to ${nameOf(table)} ${chain}`);
}

/** libnftnl's user data: type 0 is the comment. */
function userComment(comment: string): Uint8Array {
  const bytes = Buffer.from(`${comment.slice(0, 120)}\0`);
  return Buffer.concat([Uint8Array.of(0, bytes.length), bytes]);
}

/** What can stand in a set, as `nft` calls it: its number there, and its bytes. Source: nftables' datatype.h. */
export const keyTypes = {
  ipv4_addr: { number: 7, bytes: 4 }, ipv6_addr: { number: 8, bytes: 16 }, inet_proto: { number: 12, bytes: 1 }, inet_service: { number: 13, bytes: 2 }, ifname: { number: 41, bytes: 16 },
} as const;
export type KeyType = keyof typeof keyTypes;

export interface SetShape {
  /** Several: their values one after the other. */
  readonly key: readonly KeyType[];
  /** What a map gives for a key. */
  readonly data?: readonly KeyType[];
  /** Elements may be ranges. */
  readonly interval?: boolean;
}

const typeOf = (types: readonly KeyType[]): number => types.reduce((sum, type) => sum * 64 + keyTypes[type].number, 0);
/** Every field of a key takes whole words. */
const fieldBytes = (type: KeyType): number => (keyTypes[type].bytes + 3) & ~3;
const lengthOf = (types: readonly KeyType[]): number => (types.length === 1 ? keyTypes[types[0]!].bytes : types.reduce((sum, type) => sum + fieldBytes(type), 0));

export function addSet(table: TableName, name: string, { key, data, interval }: SetShape): Message {
  const isConcatenated = key.length > 1;
  const flags = (interval === true ? SET_FLAG.INTERVAL : 0) | (data === undefined ? 0 : SET_FLAG.MAP) | (isConcatenated && interval === true ? SET_FLAG.CONCAT : 0);
  return message(NFT_MSG.NEWSET, table, NLM_F.CREATE, attributes(
    [SET.TABLE, text(table.table)], [SET.NAME, text(name)], [SET.FLAGS, be32(flags)], [SET.KEY_TYPE, be32(typeOf(key))], [SET.KEY_LEN, be32(lengthOf(key))],
    [SET.DATA_TYPE, data && be32(typeOf(data))], [SET.DATA_LEN, data && be32(lengthOf(data))], [SET.ID, be32(1)], [SET.USERDATA, userByteOrder(key)],
    [SET.DESC, isConcatenated && interval === true ? [attribute(DESC_CONCAT, key.map((type) => attribute(LIST_ELEM, [attribute(FIELD_LEN, be32(keyTypes[type].bytes))])))] : undefined],
  ), `make the set ${nameOf(table)} ${name}`);
}

/** libnftnl's user data of a set: type 0 is the byte order that `nft` shows its keys in; for names it is this machine's. */
function userByteOrder(key: readonly KeyType[]): Uint8Array | undefined {
  return key.length === 1 && key[0] === 'ifname' ? Buffer.concat([Uint8Array.of(0, 4), u32(1)]) : undefined;
}

export interface Element {
  /** From `join`. */
  readonly key: Uint8Array;
  /** The last key of a range, in sets with intervals. */
  readonly end?: Uint8Array | undefined;
  readonly data?: Uint8Array | undefined;
}

/** The values of a key of several fields, each padded to whole words. */
export function join(...fields: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(fields.map((field) => Buffer.concat([field], (field.length + 3) & ~3)));
}

export function port(value: number): Uint8Array {
  return be16(value);
}

/** The number of the protocol over IP: 6 tcp, 17 udp, 132 sctp. */
export function protocol(number: number): Uint8Array {
  return u8(number);
}

/** `again`: one that is there already stays, instead of being refused. */
export function addElements(table: TableName, set: string, elements: readonly Element[], { again = false }: { readonly again?: boolean } = {}): Message {
  return elementsMessage(NFT_MSG.NEWSETELEM, NLM_F.CREATE | (again ? 0 : NLM_F.EXCL), table, set, elements, 'add to');
}

export function deleteElements(table: TableName, set: string, elements: readonly Element[]): Message {
  return elementsMessage(NFT_MSG.DELSETELEM, 0, table, set, elements, 'take from');
}

function elementsMessage(type: number, flags: number, table: TableName, set: string, elements: readonly Element[], verb: string): Message {
  const list = elements.map(({ key, end: last, data }) => attribute(LIST_ELEM, attributes(
    [ELEMENT.KEY, value(key)], [ELEMENT.KEY_END, last && value(last)], [ELEMENT.DATA, data && value(data)],
  )));
  return message(type, table, flags, [attribute(ELEMENTS.TABLE, text(table.table)), attribute(ELEMENTS.SET, text(set)), attribute(ELEMENTS.ELEMENTS, list)], `${verb} the set ${nameOf(table)} ${set}`);
}

/** How many elements a set has. @throws KernelError ENOENT */
export function countElements(netlink: Netlink, table: TableName, set: string): number {
  const replies = netlink.dump(message(NFT_MSG.GETSETELEM, table, 0, [attribute(ELEMENTS.TABLE, text(table.table)), attribute(ELEMENTS.SET, text(set))], `list the set ${nameOf(table)} ${set}`));
  return replies.reduce((sum, { body }) => sum + (decodeAttributes(body.subarray(4)).in(ELEMENTS.ELEMENTS)?.each(LIST_ELEM).length ?? 0), 0);
}

const value = (bytes: Uint8Array): readonly Attribute[] => [attribute(DATA.VALUE, bytes)];

function nameOf({ family, table }: TableName): string {
  return `${family} ${table}`;
}

// Expressions. Registers are words 0 to 15 (NFT_REG32_00 is 8); an IPv6 address takes four of them.

const REG32 = 8;
const register = (word: number): Uint8Array => be32(REG32 + word);

function expression(name: string, ...list: readonly (readonly [type: number, payload: Attribute['payload'] | undefined])[]): Attribute {
  return attribute(LIST_ELEM, [attribute(EXPR.NAME, text(name)), attribute(EXPR.DATA, attributes(...list))]);
}

const metaKeys = { protocol: 1, mark: 3, iifname: 6, oifname: 7, nfproto: 15, l4proto: 16 } as const;

/** Loads what is known of the packet besides its bytes. */
export function meta(key: keyof typeof metaKeys, to = 0): Attribute {
  return expression('meta', [1, register(to)], [2, be32(metaKeys[key])]);
}

const bases = { link: 0, network: 1, transport: 2 } as const;

/** Loads bytes of the packet. */
export function payload(base: keyof typeof bases, offset: number, length: number, to = 0): Attribute {
  return expression('payload', [1, register(to)], [2, be32(bases[base])], [3, be32(offset)], [4, be32(length)]);
}

/** The usual places in a packet. */
export const field = {
  destinationPort: (to = 0): Attribute => payload('transport', 2, 2, to),
  sourcePort: (to = 0): Attribute => payload('transport', 0, 2, to),
  source4: (to = 0): Attribute => payload('network', 12, 4, to),
  destination4: (to = 0): Attribute => payload('network', 16, 4, to),
  source6: (to = 0): Attribute => payload('network', 8, 16, to),
  destination6: (to = 0): Attribute => payload('network', 24, 16, to),
} as const;

const comparisons = { is: 0, isNot: 1, below: 2, atMost: 3, above: 4, atLeast: 5 } as const;

const NFT_PAYLOAD_CSUM_INET = 1;
/** Where the checksum lies in the header. Source: udp.h, tcp.h. */
const checksumAt = { udp: 6, tcp: 16 } as const;

/** Writes a port of the packet, and its checksum anew: without any memory of the connection. */
export function rewritePort(which: 'source' | 'destination', protocolName: keyof typeof checksumAt, from = 0): Attribute {
  return expression('payload', [5, register(from)], [2, be32(bases.transport)], [3, be32(which === 'source' ? 0 : 2)], [4, be32(2)], [6, be32(NFT_PAYLOAD_CSUM_INET)], [7, be32(checksumAt[protocolName])]);
}

/** Puts bytes into a register. */
export function load(bytes: Uint8Array, to = 0): Attribute {
  return expression('immediate', [1, register(to)], [2, value(bytes)]);
}

/** The rule goes on when the register compares so. */
export function compare(how: keyof typeof comparisons, bytes: Uint8Array, from = 0): Attribute {
  return expression('cmp', [1, register(from)], [2, be32(comparisons[how])], [3, value(bytes)]);
}

/** The register with only the bits of `bits`: for addresses of a subnet. */
export function mask(bits: Uint8Array, at = 0): Attribute {
  return expression('bitwise', [1, register(at)], [2, register(at)], [3, be32(bits.length)], [4, value(bits)], [5, value(new Uint8Array(bits.length))]);
}

/** The rule goes on when the set has what lies from the register on; a map's data goes to `to`. */
export function lookUp(set: string, { from = 0, to, isNot = false }: { readonly from?: number; readonly to?: number; readonly isNot?: boolean } = {}): Attribute {
  return expression('lookup', [1, text(set)], [2, register(from)], [3, to === undefined ? undefined : register(to)], [5, isNot ? be32(1) : undefined]);
}

const ctKeys = { state: 0, direction: 1, status: 2, mark: 3 } as const;

/** Loads what connection tracking knows. */
export function tracked(key: keyof typeof ctKeys, to = 0): Attribute {
  return expression('ct', [1, register(to)], [2, be32(ctKeys[key])]);
}

/** Bits of `tracked('state')` and of `tracked('status')`, in this machine's byte order. */
export const trackedBits = { invalid: 1, established: 2, related: 4, new: 8, destinationChanged: 0x20 } as const;

/** The rule goes on when one of the bits is set in the register. */
export function anyOf(bits: number, at = 0): readonly Attribute[] {
  const word = new Uint8Array(Uint32Array.of(bits).buffer);
  return [mask(word, at), compare('isNot', new Uint8Array(4), at)];
}

const RTN_LOCAL = 2;

/** The rule goes on when the destination is an address of this machine. */
export function destinationIsLocal(): readonly Attribute[] {
  const [ADDRTYPE, DADDR] = [3, 2];
  return [expression('fib', [1, register(0)], [2, be32(ADDRTYPE)], [3, be32(DADDR)]), compare('is', new Uint8Array(Uint32Array.of(RTN_LOCAL).buffer))];
}

/** Writes the destination: the address from one register, the port from another. */
export function destinationFrom(family: 'ip' | 'ip6', address: number, portAt: number | undefined): Attribute {
  return expression('nat', [1, be32(1)], [2, be32(families[family])], [3, register(address)], [5, portAt === undefined ? undefined : register(portAt)]);
}

/** Writes the source address from a register. */
export function sourceFrom(family: 'ip' | 'ip6', address: number): Attribute {
  return expression('nat', [1, be32(0)], [2, be32(families[family])], [3, register(address)]);
}

export function masquerade(): Attribute {
  return expression('masq');
}

const NFT_REG_VERDICT = 0;
const verdicts = { drop: 0, accept: 1, jump: -3, goto: -4, return: -5 } as const;

/** Ends the rule. */
export function verdict(how: 'drop' | 'accept' | 'return'): Attribute;
export function verdict(how: 'jump' | 'goto', chain: string): Attribute;
export function verdict(how: keyof typeof verdicts, chain?: string): Attribute {
  const code = [attribute(VERDICT.CODE, be32(verdicts[how] >>> 0)), ...chain === undefined ? [] : [attribute(VERDICT.CHAIN, text(chain))]];
  return expression('immediate', [1, be32(NFT_REG_VERDICT)], [2, [attribute(DATA.VERDICT, code)]]);
}

/** Counts the packets that come so far. */
export function counter(): Attribute {
  return expression('counter');
}

/** An interface's name, as meta's names are compared. */
export function interfaceName(name: string): Uint8Array {
  return Buffer.concat([Buffer.from(name)], 16);
}
