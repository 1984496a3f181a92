// Network namespaces that are there before somebody needs one. Making one is the dearest step of a start: the kernel sets up a network stack, under a
// lock that the taking down of earlier ones holds for long. So the supervisor makes the next one when the start that took the last one is over: it is made
// on the thread that hears of what programs do, and while one is on its way nobody there shall wait a millisecond.
// Each is new and used once: nothing of a container is ever found by another.
import { newNetwork, type Fd } from '../../kernel/index.ts';

/** For two starts at once; more are made when they are needed. Each costs the kernel some 360 kB. */
const sparesMax = 2;
/** A start and the rest of a short run take less. */
const pauseMs = 25;

export class SpareNetworks implements Disposable {
  readonly #spares: Fd[] = [];
  #refilling: NodeJS.Timeout | undefined;

  /** A namespace with nothing in it but its loopback interface, up. The caller closes it. @throws KernelError */
  take(): Fd {
    this.#refilling ??= this.#later();
    return this.#spares.shift() ?? newNetwork();
  }

  #later(): NodeJS.Timeout {
    return setTimeout(() => this.#refill(), pauseMs);
  }

  /** One at a time, so that starts come in between. */
  #refill(): void {
    this.#refilling = undefined;
    if (this.#spares.length >= sparesMax) return;
    this.#spares.push(newNetwork());
    this.#refilling = this.#later();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#refilling);
    for (const fd of this.#spares) fd[Symbol.dispose]();
  }
}
