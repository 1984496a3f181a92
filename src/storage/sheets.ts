// Sheets: the memory that a tar is written to, one after the other. Who takes them decides where they come from: a ring that two threads share, or
// plain buffers.
import { call, type Fd } from '../kernel/index.ts';
import { blockBytes } from '../spec/tar/index.ts';

/** Takes the first `length` bytes of the sheet that it gave last, and gives the next one. */
export type TakeSheet = (length: number) => Uint8Array;

const readBytesMax = 1 << 20;

export class Sheets {
  readonly #take: TakeSheet;
  #sheet: Uint8Array;
  #at = 0;
  /** Sees all bytes as they go out: for a digest. */
  readonly #watch: ((bytes: Uint8Array) => void) | undefined;

  constructor(take: TakeSheet, watch?: (bytes: Uint8Array) => void) {
    this.#take = take;
    this.#watch = watch;
    this.#sheet = take(0);
  }

  write(bytes: Uint8Array): void {
    for (let sent = 0; sent < bytes.length;) {
      const part = bytes.subarray(sent, sent + this.#room());
      this.#sheet.set(part, this.#at);
      this.#at += part.length;
      sent += part.length;
    }
  }

  /** `sizeBytes` of the file from `offset`, read straight into the sheets; zeros where it has become shorter. */
  fileBytes(file: Fd, offset: number, sizeBytes: number): void {
    for (let done = 0; done < sizeBytes;) {
      const wanted = Math.min(sizeBytes - done, this.#room(), readBytesMax);
      const target = this.#sheet.subarray(this.#at, this.#at + wanted);
      const got = call('pread64', file.number, target, wanted, offset + done);
      if (got === 0) target.fill(0);
      this.#at += got === 0 ? wanted : got;
      done += got === 0 ? wanted : got;
    }
  }

  /** A file's data as a tar has them: filled up to whole blocks. */
  file(file: Fd, sizeBytes: number): void {
    this.fileBytes(file, 0, sizeBytes);
    this.zeros((blockBytes - (sizeBytes % blockBytes)) % blockBytes);
  }

  zeros(count: number): void {
    for (let left = count; left > 0;) {
      const length = Math.min(left, this.#room());
      this.#sheet.fill(0, this.#at, this.#at + length);
      this.#at += length;
      left -= length;
    }
  }

  /** Hands over the last sheet. */
  end(): void {
    if (this.#at > 0) this.#turn();
  }

  /** Bytes that are free in the sheet, at least one. */
  #room(): number {
    if (this.#at === this.#sheet.length) this.#turn();
    return this.#sheet.length - this.#at;
  }

  #turn(): void {
    this.#watch?.(this.#sheet.subarray(0, this.#at));
    this.#sheet = this.#take(this.#at);
    this.#at = 0;
  }
}
