// Real packets between network namespaces: hosts of a test, each with its own links, and sockets that are asked one after the other. A connection is
// complete when the other side's kernel has taken it, so one thread is enough.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { AF_INET, AF_INET6, call, CLONE, errnoName, Fd, formatAddress, inNetwork, newNetwork, O, parseAddress, tryCall } from '../../kernel/index.ts';

const types = { tcp: 1, udp: 2 } as const;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const SOL_SOCKET = 1;
const [SO_REUSEADDR, SO_RCVTIMEO, SO_SNDTIMEO] = [2, 20, 21];
const waitMs = 250;
const EINTR = 4;
const EISCONN = 106;
const EINPROGRESS = 115;
const addressBytes = 28;

/** A machine of the test: a network namespace, and programs and sockets in it. */
export class Host implements Disposable {
  readonly namespace: Fd;
  readonly #sockets: Fd[] = [];

  constructor() {
    // Its addresses are its own at once.
    this.namespace = newNetwork(() => writeFileSync('/proc/sys/net/ipv6/conf/default/accept_dad', '0'));
  }

  /** What `command` writes: `ip -j link`. */
  run(command: string): string {
    return inNetwork(this.namespace, () => {
      const [program, ...args] = command.split(' ');
      const { status, stdout, stderr } = spawnSync(program!, args, { encoding: 'utf8' });
      assert.equal(status, 0, `${command}: ${stderr}`);
      return stdout;
    });
  }

  within<T>(body: () => T): T {
    return inNetwork(this.namespace, body);
  }

  /** This thread is in there until it is disposed. */
  stay(): Disposable {
    const own = Fd.open('/proc/thread-self/ns/net', O.RDONLY);
    call('setns', this.namespace.number, CLONE.NEWNET);
    return { [Symbol.dispose]: () => { call('setns', own.number, CLONE.NEWNET); own[Symbol.dispose](); } };
  }

  listen(protocol: keyof typeof types, port: number, address = '::'): Fd {
    const socket = this.#socket(protocol, address);
    call('setsockopt', socket.number, SOL_SOCKET, SO_REUSEADDR, word(1), 4);
    const name = encode(address, port);
    call('bind', socket.number, name, name.length);
    if (protocol === 'tcp') call('listen', socket.number, 64);
    return socket;
  }

  /** `open`, or why not: ECONNREFUSED, EAGAIN for no answer at all, … */
  connect(address: string, port: number): string {
    using socket = this.#make('tcp', address);
    const name = encode(address, port);
    const result = tryCall('connect', socket.number, name, name.length);
    if (result === -EINTR) return this.connect(address, port);
    return result === 0 ? 'open' : errnoName(-result).replace('EINPROGRESS', 'EAGAIN');
  }

  /** Which of these take a connection: all are tried at once, and waited for together, so that many that are closed cost one wait. */
  reachable(places: readonly (readonly [address: string, port: number])[]): readonly string[] {
    using sockets = new DisposableStack();
    const tries = places.map(([address, port]) => {
      const socket = sockets.use(this.#make('tcp', address, SOCK_NONBLOCK));
      const name = encode(address, port);
      return { place: `${address} ${port}`, connect: () => tryCall('connect', socket.number, name, name.length) };
    });
    const answers = tries.map(({ connect }) => connect());
    if (answers.includes(-EINPROGRESS)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, waitMs);
    return tries.filter(({ connect }, i) => answers[i] === 0 || (answers[i] === -EINPROGRESS && [0, -EISCONN].includes(connect()))).map(({ place }) => place);
  }

  /** Sends a datagram; what comes back when `server` answers it, and who `server` saw. */
  ask(address: string, port: number, server: Fd, by?: Fd): { readonly answer: string; readonly seen: string } {
    using own = by === undefined ? this.#make('udp', address) : undefined;
    const socket = (by ?? own)!;
    const name = encode(address, port);
    call('connect', socket.number, name, name.length);
    // What an earlier datagram was answered with is told now, once.
    if (tryCall('sendto', socket.number, Buffer.from('ping'), 4, 0, 0, 0) < 0) call('sendto', socket.number, Buffer.from('ping'), 4, 0, 0, 0);
    const from = Buffer.alloc(addressBytes);
    const buffer = Buffer.alloc(16);
    if (tryCall('recvfrom', server.number, buffer, 16, 0, from, word(addressBytes)) < 0) return { answer: 'none', seen: '' };
    call('sendto', server.number, Buffer.from('pong'), 4, 0, from, from.readUInt16LE(0) === AF_INET ? 16 : addressBytes);
    const length = tryCall('recvfrom', socket.number, buffer, 16, 0, 0, 0);
    return { answer: length < 0 ? 'lost' : buffer.toString('utf8', 0, length), seen: decode(from) };
  }

  /** A socket that always sends from the same port; the caller's. */
  bound(protocol: keyof typeof types, port: number): Fd {
    const socket = this.#make(protocol, '0.0.0.0');
    const name = encode('0.0.0.0', port);
    call('bind', socket.number, name, name.length);
    return socket;
  }

  /** As `ask`, with something in between that runs in this process. */
  async askSlowly(address: string, port: number, server: Fd): Promise<{ readonly answer: string; readonly seen: string }> {
    using socket = this.#make('udp', address);
    const name = encode(address, port);
    const turn = (): Promise<void> => new Promise((resolve) => { setTimeout(resolve, 50); });
    call('sendto', socket.number, Buffer.from('ping'), 4, 0, name, name.length);
    await turn();
    const from = Buffer.alloc(addressBytes);
    const buffer = Buffer.alloc(16);
    if (tryCall('recvfrom', server.number, buffer, 16, 0, from, word(addressBytes)) < 0) return { answer: 'none', seen: '' };
    call('sendto', server.number, Buffer.from('pong'), 4, 0, from, from.readUInt16LE(0) === AF_INET ? 16 : addressBytes);
    await turn();
    const length = tryCall('recvfrom', socket.number, buffer, 16, 0, 0, 0);
    return { answer: length < 0 ? 'lost' : buffer.toString('utf8', 0, length), seen: decode(from) };
  }

  #socket(protocol: keyof typeof types, address: string): Fd {
    const socket = this.#make(protocol, address);
    this.#sockets.push(socket);
    return socket;
  }

  #make(protocol: keyof typeof types, address: string, flags = 0): Fd {
    const socket = new Fd(inNetwork(this.namespace, () => call('socket', parseAddress(address).family, types[protocol] | SOCK_CLOEXEC | flags, 0)));
    const timeout = Buffer.alloc(16);
    timeout.writeBigInt64LE(BigInt(waitMs) * 1000n, 8);
    for (const option of [SO_RCVTIMEO, SO_SNDTIMEO]) call('setsockopt', socket.number, SOL_SOCKET, option, timeout, 16);
    return socket;
  }

  [Symbol.dispose](): void {
    for (const socket of [...this.#sockets, this.namespace]) socket[Symbol.dispose]();
  }
}

/** Who opened the next connection at that listener. */
export function acceptFrom(listener: Fd): string {
  const from = Buffer.alloc(addressBytes);
  using _connection = new Fd(call('accept4', listener.number, from, word(addressBytes), SOCK_CLOEXEC));
  return decode(from);
}

function word(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

function encode(address: string, port: number): Uint8Array {
  const { family, bytes } = parseAddress(address);
  const encoded = Buffer.alloc(family === AF_INET ? 16 : addressBytes);
  encoded.writeUInt16LE(family, 0);
  encoded.writeUInt16BE(port, 2);
  encoded.set(bytes, family === AF_INET ? 4 : 8);
  return encoded;
}

function decode(name: Buffer): string {
  if (name.readUInt16LE(0) !== AF_INET6) return formatAddress(name.subarray(4, 8));
  return formatAddress(name.subarray(8, 24)).replace(/^::ffff:(\w+):(\w+)$/, (_, high: string, low: string) => [high, low].flatMap((half) => [Number.parseInt(half, 16) >> 8, Number.parseInt(half, 16) & 255]).join('.'));
}
