// What $NAME is at each instruction of a stage. A stage writes ENV and ARG down in their order; a moment is a place in that order, and what was
// known then can be read at any time. So a stage of a thousand ENVs costs a thousand entries, not a thousand maps.
// What the stages below said comes in layers, each more than twice the size of the next: of n stages on each other, the last has log n layers, and
// all of them together n log n entries.

interface Entry {
  readonly moment: number;
  readonly value: string;
}

type Layer = ReadonlyMap<string, string>;

export class Scope {
  readonly #entries = new Map<string, Entry[]>();
  /** From the lowest. */
  readonly #below: readonly Layer[];
  #moment = 0;

  /** A stage's scope: what the stage below knows at its end, or what is given. */
  constructor(base: Scope | Iterable<readonly [string, string]>) {
    this.#below = base instanceof Scope ? stacked([...base.#below, base.#own(base.#moment)]) : [];
    if (!(base instanceof Scope)) for (const [name, value] of base) this.set(name, value);
  }

  set(name: string, value: string): void {
    const entries = this.#entries.get(name);
    const entry = { moment: ++this.#moment, value };
    if (entries === undefined) this.#entries.set(name, [entry]);
    else entries.push(entry);
  }

  get(name: string): string | undefined {
    return this.#entries.get(name)?.at(-1)?.value ?? this.#below.findLast((layer) => layer.has(name))?.get(name);
  }

  get now(): number {
    return this.#moment;
  }

  /** All names and what they were at `moment`. */
  at(moment: number): ReadonlyMap<string, string> {
    return merged([...this.#below, this.#own(moment)]);
  }

  #own(moment: number): Layer {
    const known = new Map<string, string>();
    for (const [name, entries] of this.#entries) {
      const entry = entries.findLast((one) => one.moment <= moment);
      if (entry !== undefined) known.set(name, entry.value);
    }
    return known;
  }
}

/** Layers that are not much larger than what lies on them become one with it. */
function stacked(layers: readonly Layer[]): readonly Layer[] {
  const rest = layers.filter(({ size }) => size > 0);
  let top = rest.pop();
  if (top === undefined) return [];
  for (let below = rest.at(-1); below !== undefined && below.size <= 2 * top.size; below = rest.at(-1)) {
    top = merged([below, top]);
    rest.pop();
  }
  return [...rest, top];
}

function merged(layers: readonly Layer[]): Layer {
  const known = new Map<string, string>();
  for (const layer of layers) for (const [name, value] of layer) known.set(name, value);
  return known;
}
