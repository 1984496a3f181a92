// Layers, blobs and documents are shared, so nobody removes one: who takes something away asks for a sweep, and the sweep removes what nothing names
// any more. What is about to be named is protected in one of two ways: by a lease, which holds what it knows the digest of before that is looked
// for; or, for work that learns the digest only at its end (import, commit), by `whileMaking`, during which nothing is swept at all.
import { type Digest } from '../base/index.ts';
import type { Storage } from '../storage/index.ts';

/** Everything that stays. */
export interface InUse {
  readonly layers: ReadonlySet<Digest>;
  readonly content: ReadonlySet<Digest>;
}

/** Keeps what it holds from being swept, until it is disposed. */
export interface Lease extends Disposable {
  hold(digest: Digest): void;
}

export class Sweeper {
  readonly #storage: Pick<Storage, 'content' | 'snapshots'>;
  readonly #inUse: () => InUse;
  readonly #held = new Map<Digest, number>();
  #makers = 0;
  #isWanted = false;

  constructor(storage: Pick<Storage, 'content' | 'snapshots'>, inUse: () => InUse) {
    this.#storage = storage;
    this.#inUse = inUse;
  }

  lease(): Lease {
    const mine = new Set<Digest>();
    return {
      hold: (digest) => {
        if (mine.has(digest)) return;
        mine.add(digest);
        this.#held.set(digest, (this.#held.get(digest) ?? 0) + 1);
      },
      [Symbol.dispose]: () => {
        for (const digest of mine) {
          const others = this.#held.get(digest)! - 1;
          if (others === 0) this.#held.delete(digest);
          else this.#held.set(digest, others);
        }
        mine.clear();
      },
    };
  }

  /** Runs `make` with a lease; what it held and did not name in the end is swept when it fails. */
  async leasing<R>(make: (lease: Lease) => Promise<R>): Promise<R> {
    const lease = this.lease();
    try {
      return await make(lease);
    } catch (error) {
      this.#isWanted = true;
      throw error;
    } finally {
      lease[Symbol.dispose]();
      if (this.#isWanted) this.sweep();
    }
  }

  /** Runs `make`, during which nothing is removed; afterwards the sweep, when it fails or somebody asked for one meanwhile. */
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

  /** The same bytes; what `lease` holds stays until the last of them is read. */
  async* whileReading(bytes: AsyncIterable<Uint8Array>, lease: Lease): AsyncGenerator<Uint8Array, void, undefined> {
    using _held = lease;
    yield* bytes;
  }

  sweep(): void {
    this.#isWanted = this.#makers > 0;
    if (this.#isWanted) return;
    const { content, snapshots } = this.#storage;
    const inUse = this.#inUse();
    for (const { diffId } of snapshots.layers()) if (!inUse.layers.has(diffId) && !this.#held.has(diffId)) snapshots.removeLayer(diffId);
    for (const digest of content.list()) if (!inUse.content.has(digest) && !this.#held.has(digest)) content.remove(digest);
  }
}
