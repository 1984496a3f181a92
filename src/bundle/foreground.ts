// Staying with a process until it ends: `run` and `exec` without --detach. Signals go to it, and with a terminal of its own what is typed, too.
import { constants } from 'node:os';
import { reap, Readiness, receiveFd, sendSignal, setWindowSize, socketPair, type Fd } from '../kernel/index.ts';
import type { ApartProcess } from '../runtime/index.ts';

const forwarded = Object.keys(constants.signals).filter((name) => !['SIGKILL', 'SIGSTOP', 'SIGCHLD', 'SIGPIPE', 'SIGPROF', 'SIGSEGV', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGURG', 'SIGWINCH', 'SIGIOT'].includes(name)) as NodeJS.Signals[];

/** Signals that come before there is a process are kept for it. */
export class SignalRelay implements Disposable {
  readonly #early: number[] = [];
  readonly #handlers: (readonly [NodeJS.Signals, () => void])[] = [];
  #target: Fd | undefined;

  constructor() {
    for (const name of forwarded) {
      const number = constants.signals[name];
      const handler = (): void => void (this.#target === undefined ? this.#early.push(number) : sendSignal(this.#target, number));
      try {
        process.on(name, handler);
        this.#handlers.push([name, handler]);
      } catch {
        // Not every signal can be caught on every machine.
      }
    }
  }

  to(pidfd: Fd): void {
    this.#target = pidfd;
    for (const number of this.#early.splice(0)) sendSignal(pidfd, number);
  }

  [Symbol.dispose](): void {
    for (const [name, handler] of this.#handlers) process.off(name, handler);
  }
}

/** The exit code of our child. */
export function exitOf({ pidfd }: ApartProcess): Promise<number> {
  const readiness = new Readiness();
  return new Promise((resolve) => {
    readiness.watch(pidfd, () => {
      const status = reap(pidfd);
      if (status === undefined) return;
      readiness.unwatch(pidfd);
      readiness[Symbol.dispose]();
      resolve(status.code);
    });
  });
}

/** A terminal of the process's own, joined to ours. */
export class OwnTerminal implements Disposable {
  readonly socket: Fd;
  readonly #end: Fd;

  constructor() {
    [this.#end, this.socket] = socketPair();
  }

  /** Once the process has made its terminal: copies both ways; resolves when the terminal's last writer is gone. */
  async join(): Promise<{ readonly output: Promise<void>; readonly restore: () => void }> {
    const { ReadStream, WriteStream } = await import('node:tty');
    const { createReadStream, createWriteStream } = await import('node:fs');
    const master = receiveFd(this.#end)!;
    const number = master.release();
    const fit = (): void => {
      if (process.stdout instanceof WriteStream) setWindowSize(number, { rows: process.stdout.rows, columns: process.stdout.columns });
    };
    fit();
    process.on('SIGWINCH', fit);
    if (process.stdin instanceof ReadStream) process.stdin.setRawMode(true);
    const input = createWriteStream('', { fd: number, autoClose: false });
    process.stdin.pipe(input, { end: false });
    const output = new Promise<void>((resolve) => {
      const stream = createReadStream('', { fd: number, autoClose: false });
      stream.on('data', (chunk) => void process.stdout.write(chunk));
      // EIO: nobody has the inner end any more.
      stream.on('error', () => resolve());
      stream.on('end', () => resolve());
    });
    return {
      output,
      restore: () => {
        if (process.stdin instanceof ReadStream) process.stdin.setRawMode(false);
        process.stdin.unpipe(input);
        process.stdin.pause();
        process.off('SIGWINCH', fit);
      },
    };
  }

  [Symbol.dispose](): void {
    this.socket[Symbol.dispose]();
    this.#end[Symbol.dispose]();
  }
}
