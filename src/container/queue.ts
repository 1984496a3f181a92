// A serial queue: what is put in runs one after the other. One per container, so that two verbs never see it half-changed.

export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `work` after everything that came before, whatever became of that. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work, work);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
