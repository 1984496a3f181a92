// A little disk space kept back, so that a full disk does not hinder what makes room: removing containers, recording that one has ended.
// When a transaction finds the disk full, a piece of the reserve is given up and the transaction tried once more: whoever else writes at that moment can take
// that piece and no more. The reserve is made whole again when there is space.
import { closeSync, ftruncateSync, openSync, rmSync, statSync } from 'node:fs';
import { tryCall } from '../kernel/index.ts';

const reserveBytes = 1024 * 1024;
/** More than a transaction needs. */
const pieceBytes = 64 * 1024;

export class Reserve {
  readonly #path: string;
  #heldBytes: number;

  constructor(rootDir: string) {
    this.#path = `${rootDir}/reserve`;
    this.#heldBytes = statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
    this.renew();
  }

  /** Gives a piece up; false when there was none to give. */
  giveUp(): boolean {
    if (this.#heldBytes === 0) return false;
    this.#resize(Math.max(0, this.#heldBytes - pieceBytes));
    return true;
  }

  /** Takes space again, if there is some. A file system without fallocate, or without space, has no more of it: nothing but comfort is lost. */
  renew(): void {
    if (this.#heldBytes >= reserveBytes) return;
    const file = openSync(this.#path, 'a', 0o600);
    const isMade = tryCall('fallocate', file, 0, 0, reserveBytes) === 0;
    closeSync(file);
    if (isMade) this.#heldBytes = reserveBytes;
    // What came of it in part belongs to others.
    else this.#resize(this.#heldBytes);
  }

  #resize(bytes: number): void {
    this.#heldBytes = bytes;
    if (bytes === 0) return rmSync(this.#path, { force: true });
    const file = openSync(this.#path, 'a', 0o600);
    ftruncateSync(file, bytes);
    closeSync(file);
  }
}
