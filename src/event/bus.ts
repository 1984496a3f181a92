// The bus: events go to all who listen, in the turn in which they happen, and the last of them are kept for who comes late (`since`).
//
// Its memory is bounded whoever listens: it keeps so many events and so much text, and has no queue for a listener. A listener that cannot take an
// event at once must see to it itself.
import { wallClockNs } from '../base/index.ts';
import type { EngineEvent } from './event.ts';

/** Docker keeps as many. */
const keptMax = 256;
/** Of all kept events together: an exec's event carries its whole command line. */
const keptCharactersMax = 1024 * 1024;

/** Must not throw. */
export type Listener = (event: EngineEvent) => void;

/** What watchers see of the bus. */
export interface Events {
  /** The kept events within the range, both ends included, oldest first. */
  kept(range: { readonly sinceNs?: bigint | undefined; readonly untilNs?: bigint | undefined }): readonly EngineEvent[];
  /** Hears of every event from now on, until disposed. What `kept` gives in the same turn comes before, without a gap or a repetition. */
  listen(listener: Listener): Disposable;
  readonly listeners: number;
}

export class EventBus implements Events {
  readonly #kept: EngineEvent[] = [];
  #keptCharacters = 0;
  readonly #listeners = new Set<Listener>();
  #lastNs = 0n;

  get listeners(): number {
    return this.#listeners.size;
  }

  publish(what: Omit<EngineEvent, 'timeNs'>): void {
    const now = wallClockNs();
    this.#lastNs = now > this.#lastNs ? now : this.#lastNs + 1n;
    const event: EngineEvent = { ...what, timeNs: this.#lastNs };
    this.#keep(event);
    for (const listener of this.#listeners) listener(event);
  }

  kept({ sinceNs = 0n, untilNs }: { readonly sinceNs?: bigint | undefined; readonly untilNs?: bigint | undefined }): readonly EngineEvent[] {
    return this.#kept.filter(({ timeNs }) => timeNs >= sinceNs && (untilNs === undefined || timeNs <= untilNs));
  }

  listen(listener: Listener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  #keep(event: EngineEvent): void {
    this.#kept.push(event);
    this.#keptCharacters += charactersOf(event);
    while (this.#kept.length > keptMax || this.#keptCharacters > keptCharactersMax) this.#keptCharacters -= charactersOf(this.#kept.shift()!);
  }
}

function charactersOf({ action, attributes }: EngineEvent): number {
  let total = action.length;
  for (const [key, value] of Object.entries(attributes)) total += key.length + value.length;
  return total;
}
