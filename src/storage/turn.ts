// Long synchronous work gives way to the rest of the engine every few milliseconds.
import { setImmediate } from 'node:timers/promises';

const turnMs = 8;

export class Turn {
  #since = performance.now();
  #calls = 0;

  /** Lets others run when this one's turn is over. Looks at the clock only now and then. */
  async yield(): Promise<void> {
    if (++this.#calls % 16 !== 0 || performance.now() - this.#since < turnMs) return;
    await setImmediate();
    this.#since = performance.now();
  }
}
