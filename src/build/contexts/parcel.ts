// What a client sends of a context: a line that names the rows, the content of each as long as it was said to be, and a line about what changed meanwhile.
import { decode, fail } from '../../base/index.ts';
import type { ContextParcel, ContextReceipt } from '../../spec/estiva/build-context.ts';

/** A number a row. */
const lineBytesMax = 16 << 20;
const newline = 0x0a;

const parcel: decode.Decode<ContextParcel> = decode.object<ContextParcel>({ rows: decode.list(decode.integer) });
const receipt: decode.Decode<ContextReceipt> = decode.object<ContextReceipt>({ unsettled: decode.list(decode.integer) });

export class ParcelReader implements AsyncDisposable {
  readonly #source: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#source = bytes[Symbol.asyncIterator]();
  }

  /** First. */
  async rows(): Promise<readonly number[]> {
    return decode.decodeJson(await this.#line(), parcel).rows;
  }

  /** Exactly so many bytes. A piece is valid until the next one is asked for. @throws `invalid` when they end before */
  async* content(sizeBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
    for (let missing = sizeBytes; missing > 0;) {
      if (this.#rest.length === 0) this.#rest = await this.#next();
      const piece = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(piece.length);
      missing -= piece.length;
      yield piece;
    }
  }

  /** Last: nothing may come after it. */
  async unsettled(): Promise<readonly number[]> {
    const { unsettled } = decode.decodeJson(await this.#line(), receipt);
    if (this.#rest.length > 0 || (await this.#source.next()).done !== true) throw fail('invalid', 'The parcel of the context has more than it said');
    return unsettled;
  }

  /** Nothing more is read: who sends it must not wait for that. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source.return?.();
  }

  async #line(): Promise<string> {
    const pieces: Buffer[] = [];
    for (let length = 0; length <= lineBytesMax;) {
      if (this.#rest.length === 0) this.#rest = await this.#next();
      const end = this.#rest.indexOf(newline);
      pieces.push(Buffer.from(this.#rest.subarray(0, end < 0 ? this.#rest.length : end)));
      length += pieces.at(-1)!.length;
      this.#rest = end < 0 ? new Uint8Array() : this.#rest.subarray(end + 1);
      if (end >= 0) return Buffer.concat(pieces).toString('utf8');
    }
    throw fail('too_large', `A line of the parcel of the context is longer than ${lineBytesMax} bytes`);
  }

  async #next(): Promise<Uint8Array> {
    for (;;) {
      const next = await this.#source.next();
      if (next.done === true) throw fail('invalid', 'The parcel of the context ended too early');
      if (next.value.length > 0) return next.value;
    }
  }
}
