// Long synchronous work gives way to the rest of the engine every few milliseconds.
import { setImmediate } from 'node:timers/promises';

const turnMsDefault = 8;

export class Turn {
  readonly #turnMs: number;
  #since = performance.now();

  constructor(turnMs = turnMsDefault) {
    this.#turnMs = turnMs;
  }

  /** Lets others run when this one's turn is over. */
  async yield(): Promise<void> {
    if (performance.now() - this.#since < this.#turnMs) return;
    await setImmediate();
    this.#since = performance.now();
  }
}
