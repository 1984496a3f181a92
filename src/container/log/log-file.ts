// The log on disk: the current file, its predecessors (file.1 is the youngest), and the cursor.
//
// The cursor says how far the log has come: how many bytes of each stream are in it as whole entries, and how long the current file was then.
// A process can be killed between any two steps; this is why no byte is lost or doubled:
//   append: 1. the entries go to the end of the file  2. the cursor is overwritten (a few bytes in one page: whole or not at all).
//     Killed between 1 and 2, the file is longer than the cursor says: it is cut back, and the bytes are taken from the spool again.
//   rotate (the cursor is exact then): 1. file.n-1 goes, the others move up  2. file becomes file.1  3. a new file is made  4. the cursor says length 0.
//     Killed in 1, the file is as long as the cursor says and nothing has happened (a gap among the older ones stops the next moving up).
//     Killed after 2 or 3, there is no file or an empty one while the cursor says more: a new file may hold something only after 4, so the rotation
//     is known to be done and only 4 is missing.
// A *generation* numbers the files of this process's life, so that readers find a file again after it was renamed. Files that are full may be compressed
// (compress.ts): then file.1 is called file.1.gz.
import { constants } from 'node:os';
import { dirname } from 'node:path';
import { AT_FDCWD, call, Fd, KernelError, O, statFd, tryCall } from '../../kernel/index.ts';
import type { StreamName } from '../container.ts';
import { compressFile, unpack } from './compress.ts';
import type { LogLimits } from './options.ts';

const cursorBytes = 24;

export class LogFile implements Disposable {
  readonly path: string;
  readonly limits: LogLimits;
  readonly #cursorPath: string;
  readonly #consumed = { stdout: 0, stderr: 0 };
  #file: Fd | undefined;
  #cursor: Fd | undefined;
  #length = 0;
  #generation = 0;
  #hasCursor = false;
  #isCompressing = false;
  readonly #ended = new AbortController();

  /** Opens what there is and mends what a crash left. @throws KernelError */
  constructor(path: string, cursorPath: string, limits: LogLimits) {
    this.path = path;
    this.limits = limits;
    this.#cursorPath = cursorPath;
    this.#recover();
  }

  get length(): number {
    return this.#length;
  }

  get generation(): number {
    return this.#generation;
  }

  /** The bytes of a stream that are in the log as whole entries, since startRun. */
  consumed(stream: StreamName): number {
    return this.#consumed[stream];
  }

  /** Where the file of a generation is now; undefined when it was rotated away. */
  pathOf(generation: number): string | undefined {
    const age = this.#generation - generation;
    if (age >= this.limits.filesMax) return undefined;
    return age === 0 ? this.path : `${this.path}.${age}`;
  }

  isKept(generation: number): boolean {
    const path = this.pathOf(generation);
    return path !== undefined && this.#isThere(path);
  }

  /** For reading from any place; undefined when it was rotated away. */
  async openGeneration(generation: number): Promise<Fd | undefined> {
    const path = this.pathOf(generation);
    if (path === undefined) return undefined;
    const plain = openIfThere(path, O.RDONLY);
    if (plain !== undefined || !this.limits.compress) return plain;
    using packed = openIfThere(`${path}.gz`, O.RDONLY);
    return packed === undefined ? undefined : await unpack(packed, dirname(path));
  }

  /** Whether the file is full: the next append begins a new one. */
  get isFull(): boolean {
    return this.#length >= this.limits.sizeBytesMax;
  }

  /** A new run of the program: its streams begin at 0. Makes the file, for those who look for it. @throws KernelError */
  startRun(): void {
    this.#consumed.stdout = this.#consumed.stderr = 0;
    // Without a cursor nothing counts as consumed; the first entry makes one.
    if (this.#hasCursor) this.#open();
    else this.#file = this.#openFile();
    this.close();
  }

  /** Adds entries, made from `rawBytes` bytes of `stream`. All or nothing. @throws KernelError */
  append(entries: Uint8Array, stream: StreamName, rawBytes: number): void {
    if (this.isFull) this.#rotate();
    const file = this.#file ?? this.#open();
    const [length, consumed] = [this.#length, this.#consumed[stream]];
    try {
      writeAll(file, entries);
      this.#length += entries.length;
      this.#consumed[stream] += rawBytes;
      this.#writeCursor();
    } catch (error) {
      [this.#length, this.#consumed[stream]] = [length, consumed];
      // The half of an entry that a full disk let through.
      if (statFd(file).sizeBytes > length) tryCall('ftruncate', file.number, length);
      throw error;
    }
  }

  /** Bytes that cannot be logged (the disk is full) count as consumed. */
  skip(stream: StreamName, rawBytes: number): void {
    this.#consumed[stream] += rawBytes;
  }

  /** Closes the files until the next append: a container that does not run costs no descriptors. */
  close(): void {
    this.#file?.[Symbol.dispose]();
    this.#cursor?.[Symbol.dispose]();
    this.#file = this.#cursor = undefined;
  }

  #recover(): void {
    using file = openIfThere(this.path, O.RDWR);
    using cursor = openIfThere(this.#cursorPath, O.RDONLY);
    const size = file === undefined ? 0 : statFd(file).sizeBytes;
    this.#length = size;
    this.#hasCursor = cursor !== undefined;
    const record = new Uint8Array(cursorBytes);
    if (cursor === undefined || call('read', cursor.number, record, cursorBytes) < cursorBytes) return;
    const view = new DataView(record.buffer);
    this.#consumed.stdout = Number(view.getBigUint64(0, true));
    this.#consumed.stderr = Number(view.getBigUint64(8, true));
    // Shorter than the cursor says: rotated, or emptied by its owner.
    this.#length = Math.min(size, Number(view.getBigUint64(16, true)));
    if (size > this.#length) call('ftruncate', file!.number, this.#length);
  }

  #rotate(): void {
    const { filesMax } = this.limits;
    if (this.#file !== undefined && statFd(this.#file).sizeBytes < this.limits.sizeBytesMax) {
      // Somebody emptied it by hand: it is not full.
      this.#length = statFd(this.#file).sizeBytes;
      return;
    }
    let last = 1;
    while (last < filesMax - 1 && this.#isThere(`${this.path}.${last}`)) last++;
    if (this.limits.compress) remove(`${this.path}.${last}.gz`);
    for (let age = last - 1; age > 0; age--) this.#grow(age);
    if (filesMax > 1) rename(this.path, `${this.path}.1`);
    else remove(this.path);
    this.#file?.[Symbol.dispose]();
    this.#file = undefined;
    this.#length = 0;
    this.#generation++;
    if (this.limits.compress) void this.#compressOlder();
  }

  #isThere(path: string): boolean {
    return isThere(path) || (this.limits.compress && isThere(`${path}.gz`));
  }

  #grow(age: number): void {
    rename(`${this.path}.${age}`, `${this.path}.${age + 1}`);
    if (this.limits.compress) rename(`${this.path}.${age}.gz`, `${this.path}.${age + 1}.gz`);
  }

  /** One after the other, oldest first, with those that a crash left; a disk that refuses is asked again at the next rotation. */
  async #compressOlder(): Promise<void> {
    if (this.#isCompressing) return;
    this.#isCompressing = true;
    try {
      for (let generation = this.#oldestPlain(); generation !== undefined; generation = this.#oldestPlain()) {
        const compressed = generation;
        await compressFile(this.pathOf(compressed)!, `${this.path}.gz.tmp`, () => this.pathOf(compressed), this.#ended.signal);
      }
    } catch {
      // The file is read uncompressed as well as compressed.
    } finally {
      this.#isCompressing = false;
    }
  }

  #oldestPlain(): number | undefined {
    for (let age = this.limits.filesMax - 1; age > 0; age--) if (isThere(`${this.path}.${age}`)) return this.#generation - age;
    return undefined;
  }

  #open(): Fd {
    using undo = new DisposableStack();
    const file = undo.use(this.#openFile());
    // Before the first entry: this is the last step of a rotation.
    this.#writeCursor();
    undo.move();
    this.#file = file;
    return file;
  }

  #openFile(): Fd {
    return Fd.open(this.path, O.WRONLY | O.CREAT | O.APPEND, 0o640);
  }

  #writeCursor(): void {
    this.#cursor ??= Fd.open(this.#cursorPath, O.WRONLY | O.CREAT, 0o600);
    this.#hasCursor = true;
    cursorView.setBigUint64(0, BigInt(this.#consumed.stdout), true);
    cursorView.setBigUint64(8, BigInt(this.#consumed.stderr), true);
    cursorView.setBigUint64(16, BigInt(this.#length), true);
    call('pwrite64', this.#cursor.number, cursorRecord, cursorBytes, 0);
  }

  [Symbol.dispose](): void {
    this.#ended.abort(closed);
    this.close();
  }
}

/** One for all logs: left to itself, the platform makes an exception with a stack at every end. */
const closed = new Error('The log was closed');

/** One for all logs: filled and written in one go. */
const cursorRecord = new Uint8Array(cursorBytes);
const cursorView = new DataView(cursorRecord.buffer);

function writeAll(file: Fd, bytes: Uint8Array): void {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(call('write', file.number, rest, rest.length));
}

function openIfThere(path: string, flags: number): Fd | undefined {
  const result = tryCall('openat', AT_FDCWD, path, flags | O.CLOEXEC, 0);
  if (result === -constants.errno.ENOENT) return undefined;
  if (result < 0) throw new KernelError('openat', JSON.stringify(path), -result);
  return new Fd(result);
}

function isThere(path: string): boolean {
  using file = openIfThere(path, O.PATH);
  return file !== undefined;
}

/** A file that somebody removed by hand is no reason to stop. */
function rename(from: string, to: string): void {
  orMissing(tryCall('renameat2', AT_FDCWD, from, AT_FDCWD, to, 0), from);
}

function remove(path: string): void {
  orMissing(tryCall('unlinkat', AT_FDCWD, path, 0), path);
}

function orMissing(result: number, path: string): void {
  if (result < 0 && result !== -constants.errno.ENOENT) throw new KernelError('rotate', JSON.stringify(path), -result);
}
