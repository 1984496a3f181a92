// A gate: so many at a time, the others in the order in which they came.

export class Gate {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(concurrentMax: number) {
    this.#free = concurrentMax;
  }

  get isFull(): boolean {
    return this.#free === 0;
  }

  /** Resolves when there is room; disposing makes room for the next. @throws the reason of `signal` when it is aborted first. */
  async enter(signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#turn(signal);
    return { [Symbol.dispose]: () => this.#leave() };
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const come = (): void => {
        signal.removeEventListener('abort', go);
        resolve();
      };
      const go = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(come), 1);
        reject(signal.reason as Error);
      };
      this.#waiting.push(come);
      signal.addEventListener('abort', go, { once: true });
    });
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}
