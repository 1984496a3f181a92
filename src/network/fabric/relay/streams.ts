// A TCP port of the host that leads to one of a container: each connection that comes is answered by one that goes on. One side may end before the other.
import { connect, createServer, type Server, type Socket } from 'node:net';
import { bindSocket } from '../../../kernel/index.ts';
import type { Forward } from '../fabric.ts';

/** At once, of one port: more wait in the kernel's queue, and then at their own side. */
const connectionsMax = 8192;

export class StreamRelay implements Disposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  /** @throws KernelError EADDRINUSE */
  constructor({ hostAddress, hostPort, containerAddress, containerPort }: Forward) {
    const { socket } = bindSocket('stream', { address: hostAddress, port: hostPort });
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (near) => this.#join(near, connect({ host: containerAddress, port: containerPort, allowHalfOpen: true, noDelay: true })));
    this.#server.maxConnections = connectionsMax;
    this.#server.listen({ fd: socket.release() });
    this.#server.unref();
  }

  #join(near: Socket, far: Socket): void {
    const end = (): void => { near.destroy(); far.destroy(); };
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      // What was broken at one side is broken at the other: nobody waits for what does not come.
      socket.on('error', end);
    }
    near.pipe(far);
    far.pipe(near);
  }

  /** The port is closed, and so are its connections: they lead to a container that ends. */
  [Symbol.dispose](): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
