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
      if (this.#isWanted) await this.sweep();
    }
  }

  async sweep(): Promise<void> {
    this.#isWanted = true;
    const inUse = this.#layersInUse();
    for (const { diffId } of this.#snapshots.layers()) {
      // Somebody began to make an image while a layer went away: the rest waits, since it may want one of these.
      if (this.#makers > 0) return;
      if (!inUse.has(diffId)) await this.#snapshots.removeLayer(diffId);
    }
    this.#isWanted = false;
  }
}
