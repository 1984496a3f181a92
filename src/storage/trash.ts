// The trash: what is removed leaves its place in one step, by a rename into tmp/, and its pieces are removed in the background, one tree at a time.
// Removing a container's few files costs more than starting its successor (each inode is a journal entry), and nobody has to wait for it.
// A crash leaves the rest in tmp/, and the next start puts it into the trash again.
import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { call, isKernelError, type Fd } from '../kernel/index.ts';
import { byteString, type ByteString } from '../spec/tar/index.ts';
import { removeTree } from './remove-tree.ts';

/** How long the removal may hold up everything else at a time. */
const turnMs = 1;

export class Trash implements Disposable {
  readonly #tmp: Fd;
  readonly #onTrouble: (error: unknown) => void;
  readonly #waiting: ByteString[] = [];
  readonly #closing = new AbortController();
  #emptying: Promise<void> | undefined;

  /** `tmp` is the directory that things are moved to, on the same file system; it must outlive the trash. `onTrouble` hears of what could not be removed. */
  constructor(tmp: Fd, onTrouble: (error: unknown) => void) {
    this.#tmp = tmp;
    this.#onTrouble = onTrouble;
  }

  /** Takes `name` out of `dir`. Idempotent. @throws KernelError */
  discard(dir: Fd, name: string | Uint8Array): void {
    const trash = byteString(`gone-${randomUUID()}`);
    try {
      call('renameat2', dir.number, name, this.#tmp.number, trash, 0);
    } catch (error) {
      if (isKernelError(error, 'ENOENT')) return;
      throw error;
    }
    this.take(trash);
  }

  /** Takes what lies in tmp/ already. */
  take(name: ByteString): void {
    this.#waiting.push(name);
    this.#emptying ??= this.#empty();
  }

  /** Resolves when nothing is left in it. */
  async emptied(): Promise<void> {
    await this.#emptying;
  }

  async #empty(): Promise<void> {
    const { signal } = this.#closing;
    // Whoever put it there gets their answer first.
    await nextTurn();
    for (let name = this.#waiting.shift(); name !== undefined && !signal.aborted; name = this.#waiting.shift()) {
      await removeTree(this.#tmp, name, { turnMs, signal }).catch(this.#onTrouble);
    }
    this.#emptying = undefined;
  }

  /** Stops after the piece that it is at. */
  [Symbol.dispose](): void {
    this.#closing.abort();
  }
}
