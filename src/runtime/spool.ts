// A spool: the file that a program's output goes through on its way from the pipe to the log.
//
// splice(2) moves bytes from the pipe into the file inside one system call: whoever does it can be killed at any moment, and each byte is either
// still in the pipe or already in the file, never lost and never twice. The file's length is how much was ever taken from the pipe. The daemon
// takes while it lives; the supervisor takes while there is no daemon. What has been logged is punched out of the front, so the file is long but
// occupies little.
import { constants } from 'node:os';
import { call, Fd, fdNumber, O, statFd, tryCall } from '../kernel/index.ts';

const SPLICE_F_MOVE = 1;
const SPLICE_F_NONBLOCK = 2;
const FALLOC_FL_KEEP_SIZE = 1;
const FALLOC_FL_PUNCH_HOLE = 2;
const EAGAIN = -constants.errno.EAGAIN;
const EINVAL = -constants.errno.EINVAL;
const EIO = -constants.errno.EIO;
const pageBytes = 4096;

/** What one take brought: bytes moved; `later` when the pipe is empty for now; `end` when every writer is gone. */
export type Taken = number | 'later' | 'end';

export class Spool implements Disposable {
  readonly #file: Fd;
  readonly #offset = new Uint8Array(8);
  readonly #offsetView = new DataView(this.#offset.buffer);
  #end: number;
  #punched = 0;
  #relay: [Fd, Fd] | undefined;

  /** Opens or makes the file; takes go on at its end. @throws KernelError */
  constructor(path: string) {
    this.#file = Fd.open(path, O.RDWR | O.CREAT, 0o600);
    this.#end = statFd(this.#file).sizeBytes;
  }

  /** How many bytes were ever taken: the file's length. */
  get end(): number {
    return this.#end;
  }

  /** Takes what is in `source` (a pipe, or a terminal's master), at most `bytesMax`. Never waits. @throws KernelError: ENOSPC when the disk is full (nothing is lost then: it stays in the pipe). */
  take(source: number | Fd, terminal: boolean, bytesMax: number): Taken {
    return terminal ? this.#takeTerminal(fdNumber(source), bytesMax) : this.#splice(fdNumber(source), bytesMax);
  }

  #splice(pipe: number, bytesMax: number): Taken {
    this.#offsetView.setBigUint64(0, BigInt(this.#end), true);
    const moved = tryCall('splice', pipe, 0, this.#file.number, this.#offset, bytesMax, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (moved === EAGAIN) return 'later';
    if (moved < 0) call('splice', pipe, 0, this.#file.number, this.#offset, bytesMax, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (moved === 0) return 'end';
    this.#end += moved;
    return moved;
  }

  /** A terminal's bytes go through a small pipe of our own, for splice wants a pipe at one end. */
  #takeTerminal(master: number, bytesMax: number): Taken {
    this.#relay ??= Fd.pipe(O.NONBLOCK);
    const into = this.#relay[1].number;
    let got = tryCall('splice', master, 0, into, 0, Math.min(bytesMax, 65536), SPLICE_F_NONBLOCK);
    if (got === EINVAL) got = this.#copy(master, into);
    if (got === EAGAIN) return 'later';
    // Every inner end of the terminal is closed: that is its end of file.
    if (got === EIO || got === 0) return 'end';
    if (got < 0) call('splice', master, 0, into, 0, Math.min(bytesMax, 65536), SPLICE_F_NONBLOCK);
    return this.#splice(this.#relay[0].number, got);
  }

  /** Kernels that cannot splice from a terminal. */
  #copy(master: number, into: number): number {
    const buffer = new Uint8Array(4096);
    const got = tryCall('read', master, buffer, buffer.length);
    return got > 0 ? call('write', into, buffer, got) : got;
  }

  /** Reads taken bytes at `offset`; fewer than asked at the end. @throws KernelError */
  read(offset: number, buffer: Uint8Array): number {
    return call('pread64', this.#file.number, buffer, buffer.length, offset);
  }

  /** Bytes before `offset` are needed no more: their disk space is given back. */
  forget(offset: number): void {
    const end = Math.floor(offset / pageBytes) * pageBytes;
    if (end <= this.#punched) return;
    // A file system without holes keeps the bytes until the file is removed: no harm but space.
    tryCall('fallocate', this.#file.number, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, this.#punched, end - this.#punched);
    this.#punched = end;
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
    for (const end of this.#relay ?? []) end[Symbol.dispose]();
  }
}
