// Who is reading or writing a container's files right now. A removal ends them: what they read would silently lack what is gone already. A start
// waits for those who write to a container that does not run: two overlays of the same directories do not see each other's changes.
import { fail, type ContainerId } from '../base/index.ts';

interface Copy {
  readonly writes: boolean;
  readonly removed: AbortController;
  readonly over: PromiseWithResolvers<void>;
}

export class Copies {
  readonly #copies = new Map<ContainerId, Set<Copy>>();

  /** Disposing says that it is over; aborted when the container is removed. */
  begin(id: ContainerId, access: 'read' | 'write'): Disposable & { readonly removed: AbortSignal } {
    const copy: Copy = { writes: access === 'write', removed: new AbortController(), over: Promise.withResolvers() };
    const all = this.#copies.get(id) ?? new Set();
    this.#copies.set(id, all.add(copy));
    return {
      removed: copy.removed.signal,
      [Symbol.dispose]: () => {
        all.delete(copy);
        if (all.size === 0) this.#copies.delete(id);
        copy.over.resolve();
      },
    };
  }

  async writersDone(id: ContainerId): Promise<void> {
    await Promise.all([...this.#copies.get(id) ?? []].filter(({ writes }) => writes).map(({ over }) => over.promise));
  }

  /** Ends what goes on; nobody waits for those who wait for their clients. */
  end(id: ContainerId): void {
    for (const { removed } of this.#copies.get(id) ?? []) removed.abort(fail('conflict', `Container ${id} was removed meanwhile`));
  }
}

/** The same bytes, until one of the signals ends it: it throws that signal's reason. */
export async function* until(bytes: AsyncIterable<Uint8Array>, ...signals: readonly AbortSignal[]): AsyncGenerator<Uint8Array, void, undefined> {
  const check = (): void => signals.forEach((signal) => signal.throwIfAborted());
  for await (const chunk of bytes) {
    check();
    yield chunk;
  }
  check();
}
