// Takes exact numbers of bytes from a stream of chunks, without copying what lies within one chunk. Holds one chunk at a time, and no longer than
// until it asks for the next: a source may use its memory again.

export class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #onTaken: (part: Buffer) => void;
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  #position = 0;

  /** `onTaken` sees all bytes that are handed out or skipped, but those of `someData`. */
  constructor(source: AsyncIterable<Uint8Array>, onTaken: (part: Buffer) => void = () => undefined) {
    this.#source = source[Symbol.asyncIterator]();
    this.#onTaken = onTaken;
  }

  /** Bytes handed out or skipped so far. */
  get position(): number {
    return this.#position;
  }

  /** Between 1 and `bytesMax` bytes; undefined at the end of the stream. A view: valid until more is taken. */
  async some(bytesMax: number): Promise<Buffer | undefined> {
    const part = await this.someData(bytesMax);
    if (part !== undefined) this.#onTaken(part);
    return part;
  }

  /** As `some`, without telling. */
  async someData(bytesMax: number): Promise<Buffer | undefined> {
    if (this.#at === this.#chunk.length && !await this.#refill()) return undefined;
    return this.#take(bytesMax);
  }

  /** Exactly `count` bytes. Fewer only when the stream ends before them. */
  async exactly(count: number): Promise<Buffer> {
    const ready = this.tryExactly(count);
    if (ready !== undefined) return ready;
    const parts: Buffer[] = [];
    let missing = count;
    while (missing > 0) {
      const part = await this.some(missing);
      if (part === undefined) break;
      parts.push(Buffer.from(part));
      missing -= part.length;
    }
    return Buffer.concat(parts);
  }

  /** Exactly `count` bytes when they are here already, without waiting. */
  tryExactly(count: number): Buffer | undefined {
    if (this.#chunk.length - this.#at < count) return undefined;
    const part = this.#take(count);
    this.#onTaken(part);
    return part;
  }

  /** False when the stream ends before `count` bytes are skipped. */
  async skip(count: number): Promise<boolean> {
    for (let missing = count; missing > 0;) {
      const part = await this.some(missing);
      if (part === undefined) return false;
      missing -= part.length;
    }
    return true;
  }

  /** Ends the stream early: its source may close. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }

  #take(bytesMax: number): Buffer {
    const end = Math.min(this.#chunk.length, this.#at + bytesMax);
    const part = this.#chunk.subarray(this.#at, end);
    this.#at = end;
    this.#position += part.length;
    return part;
  }

  async #refill(): Promise<boolean> {
    for (;;) {
      const next = await this.#source.next();
      if (next.done === true) {
        // The memory of the last chunk is its source's again, which may have given it back: its length is 0 then.
        this.#chunk = Buffer.alloc(0);
        this.#at = 0;
        return false;
      }
      if (next.value.length === 0) continue;
      this.#chunk = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
      this.#at = 0;
      return true;
    }
  }
}
