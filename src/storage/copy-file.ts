// The bytes of one file into a new one, by the fastest way that these two file systems have: shared blocks (FICLONE), else copied within the kernel.
// Holes stay holes. What a way refuses once it is not asked for again: a tree lies on one file system nearly always.
// Source: ioctl_ficlonerange(2), copy_file_range(2), sendfile(2), lseek(2).
import { call, cloneFile, errnoName, KernelError, tryCall, type Fd, type FileStat } from '../kernel/index.ts';

/** At a time, so that whoever wants it to end, or wants to know how far it is, does not wait long. */
const pieceBytes = 32 << 20;
const SEEK_SET = 0;
const SEEK_DATA = 3;
const SEEK_HOLE = 4;
const ENXIO = -6;
/** Ways that do not lead between these file systems. */
const noWay: readonly string[] = ['EXDEV', 'EOPNOTSUPP', 'EINVAL', 'ENOTTY', 'ENOSYS', 'ETXTBSY', 'EPERM'];

export class FileContents {
  readonly #onBytes: (bytes: number) => void;
  #mayShare = true;
  #mayCopyRange = true;

  /** `onBytes` hears how many more bytes are there, and may throw to end it. */
  constructor(onBytes: (bytes: number) => void) {
    this.#onBytes = onBytes;
  }

  /** `to` is empty. @throws KernelError */
  copy(from: Fd, to: Fd, { sizeBytes, storedBytes }: FileStat): void {
    if (sizeBytes === 0) return;
    if (this.#mayShare) {
      const shared = cloneFile(from, to);
      if (shared >= 0) return this.#onBytes(sizeBytes);
      if (!isNoWay(shared)) throw new KernelError('ioctl FICLONE', '', -shared);
      this.#mayShare = false;
    }
    if (storedBytes >= sizeBytes) return this.#range(from, to, 0, sizeBytes);
    return this.#sparse(from, to, sizeBytes);
  }

  #sparse(from: Fd, to: Fd, sizeBytes: number): void {
    for (let at = 0; at < sizeBytes;) {
      const start = tryCall('lseek', from.number, at, SEEK_DATA);
      if (start === ENXIO) break;
      if (start < 0) throw new KernelError('lseek', '', -start);
      at = call('lseek', from.number, start, SEEK_HOLE);
      this.#range(from, to, start, at - start);
    }
    call('ftruncate', to.number, sizeBytes);
  }

  /** A file that became shorter meanwhile stays so. */
  #range(from: Fd, to: Fd, start: number, length: number): void {
    call('lseek', from.number, start, SEEK_SET);
    call('lseek', to.number, start, SEEK_SET);
    for (let left = length; left > 0;) {
      const copied = this.#piece(from, to, Math.min(left, pieceBytes));
      if (copied === 0) return;
      left -= copied;
      this.#onBytes(copied);
    }
  }

  #piece(from: Fd, to: Fd, bytes: number): number {
    if (this.#mayCopyRange) {
      const copied = tryCall('copy_file_range', from.number, 0, to.number, 0, bytes, 0);
      if (copied >= 0) return copied;
      if (!isNoWay(copied)) throw new KernelError('copy_file_range', '', -copied);
      this.#mayCopyRange = false;
    }
    return call('sendfile', to.number, from.number, 0, bytes);
  }
}

function isNoWay(result: number): boolean {
  return noWay.includes(errnoName(-result));
}
