// A file descriptor with an owner: `using file = Fd.open(…)`. The number is what calls take; disposing closes it once.
import { close, constants as fs, rmdir, unlink } from 'node:fs';
import { call, tryCall } from './call.ts';
import { KernelError } from './error.ts';

/** The directory argument of *at calls that means "the working directory" (an absolute path does not look at it). */
export const AT_FDCWD = -100;
export const AT_SYMLINK_NOFOLLOW = 0x100;
export const AT_REMOVEDIR = 0x200;

/** Source: asm-generic/fcntl.h. */
const F_DUPFD_CLOEXEC = 1030;

/** Flags of open(2); node:fs has this architecture's values, the rest is the same everywhere. Source: asm/fcntl.h. */
export const O = {
  RDONLY: 0,
  WRONLY: fs.O_WRONLY,
  RDWR: fs.O_RDWR,
  CREAT: fs.O_CREAT,
  EXCL: fs.O_EXCL,
  NOCTTY: fs.O_NOCTTY,
  TRUNC: fs.O_TRUNC,
  APPEND: fs.O_APPEND,
  NONBLOCK: fs.O_NONBLOCK,
  DIRECTORY: fs.O_DIRECTORY,
  NOFOLLOW: fs.O_NOFOLLOW,
  CLOEXEC: 0o2000000,
  PATH: 0o10000000,
} as const;

export class Fd implements Disposable {
  #number: number;

  constructor(number: number) {
    this.#number = number;
  }

  /** openat(2), close-on-exec always. @throws KernelError */
  static open(path: string, flags: number, mode = 0, dir: number | Fd = AT_FDCWD): Fd {
    return new Fd(call('openat', fdNumber(dir), path, flags | O.CLOEXEC, mode));
  }

  /** A pipe: what is written to the second end is read from the first. */
  static pipe(flags = 0): [read: Fd, write: Fd] {
    const ends = new Uint8Array(8);
    call('pipe2', ends, flags | O.CLOEXEC);
    const view = new DataView(ends.buffer);
    return [new Fd(view.getInt32(0, true)), new Fd(view.getInt32(4, true))];
  }

  /** @throws Error when it is closed already: a bug that would otherwise hit a stranger's file. */
  get number(): number {
    if (this.#number < 0) throw new Error('The file descriptor is closed');
    return this.#number;
  }

  get isOpen(): boolean {
    return this.#number >= 0;
  }

  /** Another descriptor of the same thing, close-on-exec. @throws KernelError */
  duplicate(): Fd {
    return new Fd(call('fcntl', this.number, F_DUPFD_CLOEXEC, 0));
  }

  /** Gives the number away: the caller closes it. */
  release(): number {
    const number = this.number;
    this.#number = -1;
    return number;
  }

  /**
   * Closes it in a thread of the pool: for a last descriptor whose end is work for the kernel. Resolves when that is done. Whatever close(2) answers, the
   * descriptor is gone, as with dispose; a rejection here would end whoever does not wait for it.
   */
  closeElsewhere(): Promise<void> {
    const number = this.release();
    return new Promise((resolve) => close(number, () => resolve()));
  }

  [Symbol.dispose](): void {
    if (this.#number < 0) return;
    const number = this.#number;
    this.#number = -1;
    const result = tryCall('close', number);
    if (result === -9) throw new KernelError('close', String(number), 9);
  }
}

/**
 * unlinkat(2) of one name in a held directory, in a thread of the pool: where a file's last name goes the kernel gives its blocks back, which waits for the disk (a
 * third of a millisecond on ext4 that discards at once). Resolves with the call's result. The way through /proc leads to the held directory itself, and a last
 * name is never followed.
 */
export function unlinkElsewhere(dir: Fd, name: string | Uint8Array, kind: 'file' | 'directory'): Promise<number> {
  const path = Buffer.concat([Buffer.from(`/proc/self/fd/${dir.number}/`), typeof name === 'string' ? Buffer.from(name) : name]);
  return new Promise((resolve) => (kind === 'file' ? unlink : rmdir)(path, (error) => resolve(error?.errno ?? 0)));
}

export function fdNumber(fd: number | Fd): number {
  return typeof fd === 'number' ? fd : fd.number;
}
