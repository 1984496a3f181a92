// Where one container's questions come in: two sockets in its namespace, and the connections to the second.
import { Socket } from 'node:net';
import { acceptStream, bindSocket, inNetwork, isKernelError, Netlink, NETLINK_NETFILTER, receiveDatagram, sendDatagram, type Fd, type Readiness } from '../../kernel/index.ts';
import type { Transport } from './ask.ts';
import { Frames, frame } from './frames.ts';
import { cutTo, datagramBytesMin, decodeQuery, encodeRefusal, queryBytesMax, type Query } from './message.ts';
import { resolverAddress, rewritePorts, usualPorts } from './rewriting.ts';

/** Datagrams that are taken in one turn: then others have theirs. */
const datagramsPerTurn = 32;
const connectionsMax = 64;
/** Nobody asks more than a few at once. */
const questionsPerPieceMax = 64;
const idleMs = 10_000;
/** Answers that a client does not fetch; until it does, it is not listened to. */
const restMs = 1000;
const unsentBytesMax = 256 * 1024;
const buffer = Buffer.alloc(0x10000);

/** A Buffer when it is known at once. */
export type Answerer = (query: Query, transport: Transport) => Buffer | Promise<Buffer>;

export class Counter implements Disposable {
  readonly #readiness: Readiness;
  readonly #answer: Answerer;
  readonly #datagrams: Fd;
  readonly #listener: Fd;
  readonly #connections = new Set<Socket>();

  /** @throws KernelError */
  constructor(namespace: Fd, readiness: Readiness, answer: Answerer) {
    using undo = new DisposableStack();
    [this.#datagrams, this.#listener] = inNetwork(namespace, () => {
      const [datagrams, listener] = [bindAnywhere('datagram', usualPorts.udp, undo), bindAnywhere('stream', usualPorts.tcp, undo)];
      using netlink = new Netlink(NETLINK_NETFILTER);
      rewritePorts(netlink, { udp: datagrams.port, tcp: listener.port });
      return [datagrams.socket, listener.socket];
    });
    this.#readiness = readiness;
    this.#answer = answer;
    this.#watch(this.#datagrams, () => this.#takeDatagrams());
    this.#watch(this.#listener, () => this.#takeConnections());
    undo.move();
  }

  /** A socket in error would be ready for ever (no descriptors left; a privileged program inside has closed it, ss -K): it is left alone for a while, never the end of the daemon. */
  #watch(socket: Fd, take: () => void): void {
    this.#readiness.watch(socket, () => {
      try {
        take();
      } catch (error) {
        if (!isKernelError(error)) throw error;
        this.#readiness.unwatch(socket);
        setTimeout(() => { if (socket.isOpen) this.#watch(socket, take); }, restMs).unref();
      }
    });
  }

  #takeDatagrams(): void {
    for (let i = 0; i < datagramsPerTurn; i++) {
      const got = receiveDatagram(this.#datagrams, buffer);
      if (got === undefined) return;
      const { from } = got;
      this.#takeQuestion(Buffer.from(buffer.subarray(0, got.length)), 'udp', (answer) => {
        if (this.#datagrams.isOpen) sendDatagram(this.#datagrams, answer, from);
      });
    }
  }

  #takeQuestion(bytes: Buffer, transport: Transport, send: (answer: Buffer) => void): void {
    const query = decodeQuery(bytes);
    if (query === undefined) return;
    if ('refuse' in query) return send(encodeRefusal(query));
    const give = (answer: Buffer): void => send(transport === 'udp' ? cutTo(query.edns?.datagramBytes ?? datagramBytesMin, answer, query) : answer);
    const answer = this.#answer(query, transport);
    if (answer instanceof Buffer) give(answer);
    else void (answer as Promise<Buffer>).then(give);
  }

  #takeConnections(): void {
    for (let accepted = acceptStream(this.#listener); accepted !== undefined; accepted = acceptStream(this.#listener)) {
      if (this.#connections.size >= connectionsMax) accepted[Symbol.dispose]();
      else this.#serve(new Socket({ fd: accepted.release(), allowHalfOpen: true }));
    }
  }

  #serve(connection: Socket): void {
    const frames = new Frames(queryBytesMax);
    let waiting = 0;
    const endWhenDone = (): void => { if (waiting === 0 && connection.readableEnded) connection.end(); };
    const takeQuestion = (message: Buffer): void => {
      waiting++;
      this.#takeQuestion(message, 'tcp', (answer) => {
        waiting--;
        if (!connection.writable) return;
        connection.write(frame(answer));
        if (connection.writableLength > unsentBytesMax) connection.pause();
        endWhenDone();
      });
    };
    this.#connections.add(connection);
    connection.setTimeout(idleMs, () => connection.destroy());
    // A client that goes away is nobody's trouble.
    connection.on('error', () => connection.destroy());
    connection.on('close', () => this.#connections.delete(connection));
    connection.on('drain', () => connection.resume());
    connection.on('end', endWhenDone);
    connection.on('data', (bytes: Buffer) => {
      const messages = frames.add(bytes);
      if (frames.isTooLong || messages.length > questionsPerPieceMax) connection.destroy();
      else messages.forEach(takeQuestion);
    });
  }

  [Symbol.dispose](): void {
    for (const connection of this.#connections) connection.destroy();
    for (const socket of [this.#datagrams, this.#listener]) {
      this.#readiness.unwatch(socket);
      socket[Symbol.dispose]();
    }
  }
}

/** At the usual port, or where a program inside (or a connection to an earlier daemon) has that, at one of the kernel's choice. */
function bindAnywhere(kind: 'datagram' | 'stream', usualPort: number, undo: DisposableStack): ReturnType<typeof bindSocket> {
  let bound: ReturnType<typeof bindSocket>;
  try {
    bound = bindSocket(kind, { address: resolverAddress, port: usualPort });
  } catch (error) {
    if (!isKernelError(error, 'EADDRINUSE')) throw error;
    bound = bindSocket(kind, { address: resolverAddress, port: 0 });
  }
  undo.use(bound.socket);
  return bound;
}
