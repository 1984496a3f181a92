// What $NAME is at each instruction of a stage. A stage writes ENV and ARG down in their order; a moment is a place in that order, and what was
// known then can be read at any time. So a stage of a thousand ENVs costs a thousand entries, not a thousand maps.

interface Entry {
  readonly moment: number;
  readonly value: string;
}

/** Stages that build on each other look names up in each other; after so many, a new one takes all into itself. */
const chainMax = 32;

export class Scope {
  readonly #entries = new Map<string, Entry[]>();
  readonly #base: Scope | undefined;
  readonly #depth: number;
  #moment = 0;

  /** A stage's scope: what the stage below knows at its end, or what is given. */
  constructor(base: Scope | Iterable<readonly [string, string]>) {
    const flat = !(base instanceof Scope) ? base : base.#depth < chainMax ? undefined : base.at(base.now);
    this.#base = flat === undefined && base instanceof Scope ? base : undefined;
    this.#depth = this.#base === undefined ? 0 : this.#base.#depth + 1;
    for (const [name, value] of flat ?? []) this.set(name, value);
  }

  set(name: string, value: string): void {
    const entries = this.#entries.get(name);
    const entry = { moment: ++this.#moment, value };
    if (entries === undefined) this.#entries.set(name, [entry]);
    else entries.push(entry);
  }

  get(name: string): string | undefined {
    return this.#entries.get(name)?.at(-1)?.value ?? this.#base?.get(name);
  }

  get now(): number {
    return this.#moment;
  }

  /** All names and what they were at `moment`. */
  at(moment: number): ReadonlyMap<string, string> {
    const known = new Map(this.#base?.at(this.#base.now) ?? []);
    for (const [name, entries] of this.#entries) {
      const entry = entries.findLast((one) => one.moment <= moment);
      if (entry !== undefined) known.set(name, entry.value);
    }
    return known;
  }
}
