// Layers are shared, so nobody removes one: who takes something away asks for a sweep, and the sweep removes the layers that nothing names any more.
// While an image is being made, its layers are named by nothing yet; the sweep then waits for the end of that.
import type { Digest } from '../base/index.ts';
import type { Snapshots } from '../storage/index.ts';

export class Sweeper {
  readonly #snapshots: Snapshots;
  readonly #layersInUse: () => ReadonlySet<Digest>;
  #makers = 0;
  #isWanted = false;

  constructor(snapshots: Snapshots, layersInUse: () => ReadonlySet<Digest>) {
    this.#snapshots = snapshots;
    this.#layersInUse = layersInUse;
  }

  /** Runs `make`, during which no layer is removed; afterwards the sweep, when it fails or somebody asked for one meanwhile. */
  async whileMaking<R>(make: () => Promise<R>): Promise<R> {
    this.#makers++;
    try {
      return await make();
    } catch (error) {
      this.#isWanted = true;
      throw error;
    } finally {
      this.#makers--;
      if (this.#isWanted) this.sweep();
    }
  }

  /** The same bytes; no layer is removed from the first to the last of them. */
  async* whileReading(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    this.#makers++;
    try {
      yield* bytes;
    } finally {
      this.#makers--;
      if (this.#isWanted) this.sweep();
    }
  }

  sweep(): void {
    this.#isWanted = this.#makers > 0;
    if (this.#isWanted) return;
    const inUse = this.#layersInUse();
    for (const { diffId } of this.#snapshots.layers()) if (!inUse.has(diffId)) this.#snapshots.removeLayer(diffId);
  }
}
