// Network namespaces that are there before somebody needs one. Making one is the dearest step of a start: the kernel sets up a network stack, under a
// lock that the taking down of earlier ones holds for long. So the supervisor makes the next one while the program that took the last one runs.
// Each is new and used once: nothing of a container is ever found by another.
import { newNetwork, type Fd } from '../../kernel/index.ts';

/** For two starts at once; more are made when they are needed. Each costs the kernel some 360 kB. */
const sparesMax = 2;

export class SpareNetworks implements Disposable {
  readonly #spares: Fd[] = [];
  #refilling: NodeJS.Immediate | undefined;

  /** A namespace with nothing in it but its loopback interface, up. The caller closes it. @throws KernelError */
  take(): Fd {
    this.#refilling ??= setImmediate(() => this.#refill());
    return this.#spares.shift() ?? newNetwork();
  }

  /** One at a time, so that starts come in between. */
  #refill(): void {
    this.#refilling = undefined;
    if (this.#spares.length >= sparesMax) return;
    this.#spares.push(newNetwork());
    this.#refilling = setImmediate(() => this.#refill());
  }

  [Symbol.dispose](): void {
    clearImmediate(this.#refilling);
    for (const fd of this.#spares) fd[Symbol.dispose]();
  }
}
