// A little disk space kept back, so that a full disk does not hinder what makes room: removing containers, recording that one has ended.
// When a transaction finds the disk full, the reserve is given up and the transaction tried once more; the reserve is made again when there is space.
import { closeSync, existsSync, openSync, rmSync } from 'node:fs';
import { tryCall } from '../kernel/index.ts';

const reserveBytes = 1024 * 1024;

export class Reserve {
  readonly #path: string;
  #isHeld: boolean;

  constructor(rootDir: string) {
    this.#path = `${rootDir}/reserve`;
    this.#isHeld = existsSync(this.#path) || this.#make();
  }

  /** Gives the space up; false when there was none to give. */
  giveUp(): boolean {
    if (!this.#isHeld) return false;
    rmSync(this.#path, { force: true });
    this.#isHeld = false;
    return true;
  }

  /** Takes space again, if there is some. */
  renew(): void {
    if (!this.#isHeld) this.#isHeld = this.#make();
  }

  /** A file system without fallocate, or without space, has no reserve: nothing but comfort is lost. */
  #make(): boolean {
    const file = openSync(this.#path, 'w', 0o600);
    const isMade = tryCall('fallocate', file, 0, 0, reserveBytes) === 0;
    closeSync(file);
    if (!isMade) rmSync(this.#path, { force: true });
    return isMade;
  }
}
