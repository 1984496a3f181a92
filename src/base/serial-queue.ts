// A serial queue: what is put in runs one after the other. One per container, one per volume, so that two verbs never see it half-changed.

export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** Nothing runs in it, and nothing waits. */
  get isIdle(): boolean {
    return this.#waiting === 0;
  }

  /** Runs `work` after everything that came before, whatever became of that. */
  run<T>(work: () => Promise<T>): Promise<T> {
    this.#waiting++;
    const result = this.#last.then(work, work).finally(() => { this.#waiting--; });
    this.#last = result.catch(() => undefined);
    return result;
  }
}
