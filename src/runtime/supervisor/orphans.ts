// Children that others have left to us. Another runtime's program makes a container's first process and ends: for that process to be our child, whose
// exit nobody can take from us, we are the reaper of our descendants' orphans. Those are more than we have asked for (whatever a container in the
// host's pid namespace leaves behind), and each must be reaped by us now.
import { adoptOrphans, endedChild, reapChild } from '../../kernel/index.ts';

export class Orphans {
  readonly #isAwaited: (pid: number) => boolean;
  #adopts = false;
  /** Launches on their way: their processes are known to nobody by pid yet. */
  #launching = 0;

  /** `isAwaited`: a child whose exit somebody will take. */
  constructor(isAwaited: (pid: number) => boolean) {
    this.#isAwaited = isAwaited;
  }

  /** From the first launch of another runtime's program on. */
  adopt(): void {
    if (this.#adopts) return;
    adoptOrphans();
    this.#adopts = true;
    process.on('SIGCHLD', () => this.sweep());
  }

  /** No child is reaped by us while `launch` goes on. */
  async spare<T>(launch: () => Promise<T>): Promise<T> {
    this.#launching++;
    try {
      return await launch();
    } finally {
      this.#launching--;
      this.sweep();
    }
  }

  /** Whoever takes an awaited exit sweeps again: it may have hidden others. */
  sweep(): void {
    if (!this.#adopts || this.#launching > 0) return;
    for (let pid = endedChild(); pid !== undefined && !this.#isAwaited(pid); pid = endedChild()) reapChild(pid);
  }
}
