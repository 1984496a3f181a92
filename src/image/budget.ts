// The budget: what images may take on the disk. Over it, those go that no container has and that nobody has used for a while, the longest unused first.
// Use is the start of a container or a name that was given; it is written down at most once an hour, so that no container waits for it.
import type { Image, Images } from './image.ts';
import { namesFor, removeUnused } from './prune.ts';
import type { ImageStore } from './store.ts';

/** An image that was used this recently stays, whatever the disk says: somebody is at work with it. */
const restMs = 3600 * 1000;

export interface BudgetRoom {
  readonly images: Pick<Images, 'list' | 'remove' | 'usage'>;
  readonly store: ImageStore;
  readonly isInUse: (id: Image['id']) => boolean;
  readonly onTrouble: (error: unknown) => void;
}

export class Budget {
  readonly #bytes: number | undefined;
  readonly #room: BudgetRoom;
  #work: Promise<void> | undefined;
  #isClosed = false;

  constructor(bytes: number | undefined, room: BudgetRoom) {
    this.#bytes = bytes;
    this.#room = room;
  }

  /** Somebody made a container of it. */
  used(id: Image['id']): void {
    const { store } = this.#room;
    const image = store.image(id);
    if (this.#bytes === undefined || image === undefined || Date.now() - usedAt(image) < restMs) return;
    store.putUse(id, new Date());
  }

  /** Something came: looks in the background whether all of it has room. */
  check(): void {
    if (this.#bytes === undefined) return;
    this.#work ??= this.#enforce(this.#bytes).catch(this.#room.onTrouble).finally(() => { this.#work = undefined; });
  }

  /** Resolves when nothing more is to go. */
  async done(): Promise<void> {
    await this.#work;
  }

  async #enforce(bytes: number): Promise<void> {
    for (const image of this.#candidates()) {
      if (this.#isClosed || this.#usedBytes() <= bytes) return;
      // It may have been taken into use since, or removed.
      if (!this.#room.isInUse(image.id)) for (const name of namesFor(image)) await removeUnused(name, this.#room.images);
    }
  }

  #candidates(): readonly Image[] {
    const { images, store, isInUse } = this.#room;
    const before = Date.now() - restMs;
    const lastUse = (image: Image): number => usedAt(store.image(image.id) ?? {});
    return images.list().filter((image) => !isInUse(image.id) && lastUse(image) < before).sort((a, b) => lastUse(a) - lastUse(b));
  }

  #usedBytes(): number {
    const { layerBytes, keptBytes } = this.#room.images.usage();
    return layerBytes + keptBytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#work;
  }
}

/** In milliseconds since 1970. */
function usedAt({ lastUsedAt, lastTaggedAt }: { readonly lastUsedAt?: string; readonly lastTaggedAt?: string }): number {
  return Math.max(0, ...[lastUsedAt, lastTaggedAt].filter((time) => time !== undefined).map((time) => Date.parse(time)));
}
