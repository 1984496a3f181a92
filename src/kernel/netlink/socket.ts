// A netlink socket: requests go to the kernel and it answers at once, before send(2) returns. So asking is synchronous: one call to send, one to read.
//
// A socket belongs to the network namespace in which it was made, for as long as it lives: `inNamespace` goes there for a moment, and what is sent
// through the socket afterwards changes that namespace's links and rules, from wherever it is sent.
// Source: netlink(7), linux/netlink.h; Documentation/userspace-api/netlink/intro.rst for the extended acknowledgements.
import { write } from 'node:fs';
import { call, tryCall } from '../call.ts';
import { KernelError } from '../error.ts';
import { Fd } from '../fd.ts';
import { inNetwork } from '../network-namespace.ts';
import { align, Attributes, decodeAttributes, encodeAttributes, type Attribute } from './attributes.ts';

export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;

/** What a request wants of the kernel. */
export const NLM_F = { REQUEST: 0x1, ACK: 0x4, ECHO: 0x8, REPLACE: 0x100, EXCL: 0x200, CREATE: 0x400, APPEND: 0x800, DUMP: 0x300 } as const;

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const SOL_SOCKET = 1;
const SO_SNDBUFFORCE = 32;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_ACK_TLVS = 0x200;
const NLM_F_DUMP_INTR = 0x10;
const NLMSGERR_ATTR_MSG = 1;
const ERROR_HEADER = 4 + 16;
const MSG_DONTWAIT = 0x40;
const headerBytes = 16;
/** struct sockaddr_nl */
const sockaddrBytes = 12;
const EAGAIN = -11;
const ENODEV = 19;
const SIOCGIFINDEX = 0x8933;
const IFNAMSIZ = 16;
const ifreqBytes = 40;

export interface Message {
  readonly type: number;
  readonly flags: number;
  /** The fixed part before the attributes (struct ifinfomsg and so on). */
  readonly head: Uint8Array;
  readonly attributes: readonly Attribute[];
  /** In words, for errors: `make the bridge "br0"`. */
  readonly what: string;
}

export interface Reply {
  readonly type: number;
  readonly flags: number;
  /** What comes after netlink's own header. */
  readonly body: Buffer;
}

/** A batch of nf_tables, written down: it can be sent through many sockets. */
export interface Batch {
  readonly bytes: Buffer;
  readonly messages: readonly Message[];
}

/** Where the numbers of a batch's messages begin; those of other messages never come so far. */
const batchSequence = 0x8000_0000;

export function encodeBatch(begin: Message, messages: readonly Message[], end: Message): Batch {
  const all = [begin, ...messages, end];
  return { messages: all, bytes: Buffer.concat(all.map((message, i) => encodeMessage(message, message.flags | NLM_F.REQUEST | (message === end ? NLM_F.ACK : 0), batchSequence + i))) };
}

function encodeMessage({ type, head, attributes }: Message, flags: number, sequence: number): Buffer {
  const body = encodeAttributes(attributes);
  const message = Buffer.alloc(headerBytes + align(head.length) + body.length);
  message.writeUInt32LE(message.length, 0);
  message.writeUInt16LE(type, 4);
  message.writeUInt16LE(flags, 6);
  message.writeUInt32LE(sequence, 8);
  message.set(head, headerBytes);
  message.set(body, headerBytes + align(head.length));
  return message;
}

/** Of all sockets: reading is one turn, and what was read is copied. */
const buffer = Buffer.alloc(256 * 1024);

export class Netlink implements Disposable {
  readonly #socket: Fd;
  #sequence = 0;

  constructor(protocol: number) {
    this.#socket = new Fd(call('socket', AF_NETLINK, SOCK_RAW_CLOEXEC, protocol));
    // Errors then say in words what was wrong, and do not repeat the request.
    for (const option of [NETLINK_EXT_ACK, NETLINK_CAP_ACK]) this.#option(SOL_NETLINK, option, 1);
  }

  /** The kernel's number of this socket, which others are told with what it did. */
  get port(): number {
    const name = Buffer.alloc(sockaddrBytes);
    call('getsockname', this.#socket.number, name, new Uint8Array(Uint32Array.of(sockaddrBytes).buffer));
    return name.readUInt32LE(4);
  }

  /** Of the link of that name in this socket's namespace: asked without the lock that everything else about links waits for. Source: netdevice(7). @throws KernelError */
  linkIndex(name: string): number {
    const request = Buffer.alloc(ifreqBytes);
    const length = request.write(name);
    const result = length < IFNAMSIZ ? tryCall('ioctl', this.#socket.number, SIOCGIFINDEX, request) : -ENODEV;
    if (result < 0) throw new KernelError('ioctl', `SIOCGIFINDEX ${JSON.stringify(name)}`, -result);
    return request.readInt32LE(IFNAMSIZ);
  }

  /** A socket into another network namespace. One turn of the event loop: nothing else runs while this thread is there. */
  static inNamespace(namespace: Fd, protocol: number): Netlink {
    return inNetwork(namespace, () => new Netlink(protocol));
  }

  /** Sends the messages in one go; each is acknowledged. @throws KernelError for the first that was not: what it was to do, and the kernel's reason */
  send(messages: readonly Message[]): readonly Reply[] {
    const first = this.#sequence + 1;
    this.#write(messages.map((message) => this.#encode(message, message.flags | NLM_F.REQUEST | NLM_F.ACK)));
    const replies: Reply[] = [];
    for (let left = messages.length; left > 0;) {
      for (const { sequence, ...reply } of this.#read()) {
        if (sequence < first) continue;
        if (reply.type !== NLMSG_ERROR) replies.push(reply);
        else {
          left--;
          this.#check(reply, messages[sequence - first]!);
        }
      }
    }
    return replies;
  }

  /** As `send` of one message, which is worked on in a thread of the pool: for what the kernel takes tens of milliseconds for. Nothing else goes through this socket meanwhile. */
  async sendElsewhere(message: Message): Promise<void> {
    const bytes = this.#encode(message, message.flags | NLM_F.REQUEST | NLM_F.ACK);
    await new Promise<void>((resolve, reject) => { write(this.#socket.number, bytes, (error) => (error === null ? resolve() : reject(error))); });
    for (const reply of this.#read()) if (reply.type === NLMSG_ERROR) this.#check(reply, message);
  }

  /**
   * Sends a batch of nf_tables: `begin` and `end` around the messages make it one change, done whole or not at all. Only what fails is answered, so
   * that thousands of elements cost no thousands of answers; the end of the batch is acknowledged.
   */
  sendBatch(batch: Batch): void {
    this.#makeRoom(batch.bytes.length);
    this.#write([batch.bytes]);
    for (;;) {
      for (const { sequence, ...reply } of this.#read()) {
        if (sequence < batchSequence || reply.type !== NLMSG_ERROR) continue;
        this.#check(reply, batch.messages[sequence - batchSequence]!, () => this.#drain());
        if (sequence - batchSequence === batch.messages.length - 1) return;
      }
    }
  }

  /** All there is of a kind. Asked again when it changed meanwhile. */
  dump(message: Message): readonly Reply[] {
    for (;;) {
      const { replies, isTorn } = this.#dumpOnce(message);
      if (!isTorn) return replies;
    }
  }

  #dumpOnce(message: Message): { readonly replies: readonly Reply[]; readonly isTorn: boolean } {
    this.#write([this.#encode(message, message.flags | NLM_F.REQUEST | NLM_F.DUMP)]);
    const replies: Reply[] = [];
    let isTorn = false;
    for (;;) {
      for (const { sequence, ...reply } of this.#read()) {
        if (sequence !== this.#sequence) continue;
        isTorn ||= (reply.flags & NLM_F_DUMP_INTR) !== 0;
        if (reply.type === NLMSG_ERROR) this.#check(reply, message);
        if (reply.type === NLMSG_ERROR || reply.type === NLMSG_DONE) return { replies, isTorn };
        replies.push(reply);
      }
    }
  }

  #encode(message: Message, flags: number): Buffer {
    return encodeMessage(message, flags, ++this.#sequence);
  }

  #write(messages: readonly Buffer[]): void {
    const bytes = Buffer.concat(messages);
    call('sendto', this.#socket.number, bytes, bytes.length, 0, 0, 0);
  }

  *#read(flags = 0): Generator<Reply & { readonly sequence: number }, void, undefined> {
    const length = call('recvfrom', this.#socket.number, buffer, buffer.length, flags, 0, 0);
    for (let at = 0; at + headerBytes <= length;) {
      const end = at + buffer.readUInt32LE(at);
      // Copied: the buffer serves the next read.
      yield { type: buffer.readUInt16LE(at + 4), flags: buffer.readUInt16LE(at + 6), sequence: buffer.readUInt32LE(at + 8), body: Buffer.from(buffer.subarray(at + headerBytes, end)) };
      at = align(end);
    }
  }

  /** Takes what is still there of answers to a batch that failed. */
  #drain(): void {
    try {
      for (;;) for (const _ of this.#read(MSG_DONTWAIT)) { /* Each tells of the same failure. */ }
    } catch (error) {
      if (!(error instanceof KernelError) || error.errno !== -EAGAIN) throw error;
    }
  }

  #check({ flags, body }: Reply, { what }: Message, before?: () => void): void {
    const errno = -body.readInt32LE(0);
    if (errno === 0) return;
    before?.();
    const details = flags & NLM_F_ACK_TLVS ? decodeAttributes(body.subarray(ERROR_HEADER)) : new Attributes([]);
    const reason = details.text(NLMSGERR_ATTR_MSG);
    throw new KernelError('netlink', reason === undefined ? what : `${what}: ${reason}`, errno);
  }

  #makeRoom(bytes: number): void {
    const sendBufferDefault = 212_992;
    if (bytes > sendBufferDefault / 2) this.#option(SOL_SOCKET, SO_SNDBUFFORCE, bytes * 2);
  }

  #option(level: number, option: number, value: number): void {
    call('setsockopt', this.#socket.number, level, option, new Uint8Array(Uint32Array.of(value).buffer), 4);
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }
}
