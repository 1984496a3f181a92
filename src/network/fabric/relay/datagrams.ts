// A UDP port of the host that leads to one of a container. Each client gets a socket of its own towards the container, so that answers find their way
// back; a client that was not heard of for a while is forgotten.
import { bindSocket, connectDatagram, isKernelError, receiveDatagram, sendDatagram, type Fd, type Readiness } from '../../../kernel/index.ts';
import type { Forward } from '../fabric.ts';

/** As Docker's proxy. */
const silenceMsMax = 90_000;
/** Of one port. Whoever was heard of longest ago gives way. */
const clientsMax = 1024;
/** In one turn of the event loop, so that a flood at one port holds up nobody else. */
const datagramsPerTurn = 64;
const buffer = Buffer.alloc(0x10000);

interface Client {
  readonly address: Uint8Array;
  readonly socket: Fd;
  heardAt: number;
}

export class DatagramRelay implements Disposable {
  readonly #readiness: Readiness;
  readonly #socket: Fd;
  readonly #target: { readonly address: string; readonly port: number };
  /** By address; the one heard of longest ago first. */
  readonly #clients = new Map<string, Client>();
  #sweep: NodeJS.Timeout | undefined;

  /** @throws KernelError EADDRINUSE */
  constructor({ hostAddress, hostPort, containerAddress, containerPort }: Forward, readiness: Readiness) {
    this.#readiness = readiness;
    this.#target = { address: containerAddress, port: containerPort };
    this.#socket = bindSocket('datagram', { address: hostAddress, port: hostPort }).socket;
    readiness.watch(this.#socket, () => this.#take());
  }

  #take(): void {
    forEachDatagram(this.#socket, (bytes, from) => {
      const client = this.#clientAt(from);
      if (client !== undefined) sendDatagram(client.socket, bytes);
    });
  }

  #clientAt(address: Uint8Array): Client | undefined {
    const key = Buffer.from(address).toString('latin1');
    const known = this.#clients.get(key);
    if (known !== undefined) {
      known.heardAt = performance.now();
      this.#clients.delete(key);
      this.#clients.set(key, known);
      return known;
    }
    if (this.#clients.size >= clientsMax) this.#forget(this.#clients.keys().next().value!);
    const socket = this.#reach();
    if (socket === undefined) return undefined;
    const client = { address, socket, heardAt: performance.now() };
    this.#clients.set(key, client);
    this.#readiness.watch(socket, () => forEachDatagram(socket, (bytes) => sendDatagram(this.#socket, bytes, address)));
    this.#sweep ??= setInterval(() => this.#forgetSilent(), silenceMsMax / 3).unref();
    return client;
  }

  /** Undefined: no way there now, or no descriptor is left. The datagram is lost, as datagrams may be. */
  #reach(): Fd | undefined {
    try {
      return connectDatagram(this.#target);
    } catch (error) {
      if (isKernelError(error)) return undefined;
      throw error;
    }
  }

  #forgetSilent(): void {
    const before = performance.now() - silenceMsMax;
    for (const [key, { heardAt }] of this.#clients) if (heardAt < before) this.#forget(key);
  }

  #forget(key: string): void {
    const { socket } = this.#clients.get(key)!;
    this.#clients.delete(key);
    this.#readiness.unwatch(socket);
    socket[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#sweep);
    for (const key of this.#clients.keys()) this.#forget(key);
    this.#readiness.unwatch(this.#socket);
    this.#socket[Symbol.dispose]();
  }
}

function forEachDatagram(socket: Fd, body: (bytes: Uint8Array, from: Uint8Array) => void): void {
  for (let count = 0; count < datagramsPerTurn; count++) {
    try {
      const got = receiveDatagram(socket, buffer);
      if (got === undefined) return;
      body(buffer.subarray(0, got.length), got.from);
    } catch (error) {
      // An earlier one was refused at the other end (ICMP): it is told at the next call, and the socket goes on.
      if (!isKernelError(error, 'ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EINTR')) throw error;
    }
  }
}
