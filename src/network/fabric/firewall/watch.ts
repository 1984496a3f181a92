// Hears of changes to nf_tables, and calls when somebody else took something out of our table: `nft flush ruleset`, a firewall that starts anew. What we
// change ourselves is told to us too; the kernel says by which socket it was done.
import { nft, type NetlinkListener, type Readiness } from '../../../kernel/index.ts';

/** Whoever flushes and builds anew does it in several steps: after the last of them. */
const quietMs = 30;

export class TableWatch implements Disposable {
  readonly #listener: NetlinkListener;
  readonly #readiness: Readiness;
  #timer: NodeJS.Timeout | undefined;

  constructor(readiness: Readiness, table: nft.TableName, isOurs: (sender: number) => boolean, lost: () => void) {
    this.#readiness = readiness;
    this.#listener = nft.listen();
    readiness.watch(this.#listener.socket, () => {
      const { replies, hasMissed } = this.#listener.read();
      // Missed some of what is told: whatever it was, putting the rules in place again costs a millisecond.
      if (!hasMissed && !replies.some((reply) => !isOurs(reply.sender) && nft.isRemovalFrom(table, reply))) return;
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        lost();
      }, quietMs);
    });
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#readiness.unwatch(this.#listener.socket);
    this.#listener[Symbol.dispose]();
  }
}
