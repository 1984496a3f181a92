// A program's stdin: the write end of its pipe, or its terminal's master.
//
// Writes are served one after the other, whoever they come from. The descriptor does not block: when the pipe is full, the writer waits for readiness, not the process.
import { constants } from 'node:os';
import { fail } from '../../base/index.ts';
import { call, EPOLLOUT, type Fd, KernelError, O, type Readiness, tryCall } from '../../kernel/index.ts';

const F_GETFL = 3;
const F_SETFL = 4;
const { EAGAIN, EPIPE, EIO } = constants.errno;
/** One write(2) takes so much at most: a terminal's own limit is lower. */
const writeBytesMax = 64 * 1024;

/** The flag belongs to the open file, so that everybody who holds this end (the supervisor too) gets EAGAIN instead of waiting. @throws KernelError */
export function makeNonBlocking(fd: Fd): void {
  call('fcntl', fd.number, F_SETFL, call('fcntl', fd.number, F_GETFL) | O.NONBLOCK);
}

export class Input implements Disposable {
  readonly #fd: Fd;
  readonly #readiness: Readiness;
  #last: Promise<void> = Promise.resolve();
  #wake: (() => void) | undefined;

  constructor(fd: Fd, readiness: Readiness) {
    makeNonBlocking(fd);
    this.#fd = fd;
    this.#readiness = readiness;
  }

  /** Resolves when the bytes are in the pipe. @throws `conflict` when the program, or we, have closed it. */
  write(bytes: Uint8Array): Promise<void> {
    const written = this.#last.then(() => this.#write(bytes));
    this.#last = written.catch(() => undefined);
    return written;
  }

  /** Closes our end once all writes before have been served. */
  close(): Promise<void> {
    return (this.#last = this.#last.then(() => this[Symbol.dispose]()));
  }

  /** Closes our end now: writes that wait fail. */
  [Symbol.dispose](): void {
    if (!this.#fd.isOpen) return;
    this.#readiness.unwatch(this.#fd);
    this.#fd[Symbol.dispose]();
    this.#wake?.();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0;) {
      if (!this.#fd.isOpen) throw closed();
      const part = rest.subarray(0, writeBytesMax);
      const result = tryCall('write', this.#fd.number, part, part.length);
      if (result >= 0) rest = rest.subarray(result);
      else if (result === -EAGAIN) await this.#writable();
      else if (result === -EPIPE || result === -EIO) throw closed();
      else throw new KernelError('write', 'stdin', -result);
    }
  }

  #writable(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#wake = undefined;
        if (this.#fd.isOpen) this.#readiness.unwatch(this.#fd);
        resolve();
      };
      this.#wake = done;
      this.#readiness.watch(this.#fd, done, EPOLLOUT);
    });
  }
}

function closed(): Error {
  return fail('conflict', 'The program\'s stdin is closed');
}
