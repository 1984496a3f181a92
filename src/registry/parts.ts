// A big blob comes in several parts at once: one connection is often slower than the line to the registry is. They are given on in their order, so what
// reads ahead is kept in memory: two parts for each such blob, and a few more for all of them together.
import { readRange, RangesIgnored, type BlobSource } from './blob.ts';

export interface PartSettings {
  /** Smaller blobs come in one piece. */
  readonly blobBytesMin: number;
  readonly partBytes: number;
  /** Parts under way beside each blob's own two, for all blobs together. */
  readonly lanes: number;
}

export const defaultParts: PartSettings = { blobBytesMin: 64 << 20, partBytes: 4 << 20, lanes: 3 };

const ownParts = 2;

/** What all pulls share. */
export class Lanes {
  readonly settings: PartSettings;
  #free: number;

  constructor(settings: PartSettings) {
    this.settings = settings;
    this.#free = settings.lanes;
  }

  /** Undefined when all are taken. */
  take(): Disposable | undefined {
    if (this.#free === 0) return undefined;
    this.#free--;
    return { [Symbol.dispose]: () => { this.#free++; } };
  }
}

/** The bytes from `offset` on: in parts where that is worth it and the registry can, else in one piece. */
export async function* readBlob(source: BlobSource, offset: number, lanes: Lanes): AsyncGenerator<Uint8Array, void, undefined> {
  const { size } = source.descriptor;
  let at = offset;
  if (size - offset >= lanes.settings.blobBytesMin) {
    try {
      for await (const chunk of readParts(source, offset, lanes)) {
        at += chunk.length;
        yield chunk;
      }
    } catch (error) {
      if (!(error instanceof RangesIgnored)) throw error;
    }
  }
  yield* readRange(source, at, size);
}

async function* readParts(source: BlobSource, offset: number, lanes: Lanes): AsyncGenerator<Uint8Array, void, undefined> {
  const { size } = source.descriptor;
  const { partBytes } = lanes.settings;
  using ahead = new Ahead();
  for (let next = offset; next < size || ahead.count > 0;) {
    while (next < size) {
      const lane = ahead.count < ownParts ? ownLane : lanes.take();
      if (lane === undefined) break;
      ahead.add(new Part(readRange(source, next, Math.min(size, next + partBytes)), lane));
      next += partBytes;
    }
    using part = ahead.first();
    yield* await part.chunks;
  }
}

const ownLane: Disposable = { [Symbol.dispose]: () => undefined };

/** Parts under way, in their order. Disposed, those that nobody took are left. */
class Ahead implements Disposable {
  readonly #parts: Part[] = [];

  get count(): number {
    return this.#parts.length;
  }

  add(part: Part): void {
    this.#parts.push(part);
  }

  /** It is the caller's from now on. */
  first(): Part {
    const part = this.#parts.shift();
    if (part === undefined) throw new Error('No part is under way');
    return part;
  }

  [Symbol.dispose](): void {
    for (const part of this.#parts) part[Symbol.dispose]();
  }
}

/** One part, fetched from now on. */
class Part implements Disposable {
  readonly chunks: Promise<readonly Uint8Array[]>;
  readonly #lane: Disposable;
  #isLeft = false;

  constructor(bytes: AsyncIterable<Uint8Array>, lane: Disposable) {
    this.#lane = lane;
    this.chunks = this.#collect(bytes);
    // Whoever needs it awaits it; of one that is left nobody hears.
    this.chunks.catch(() => undefined);
  }

  async #collect(bytes: AsyncIterable<Uint8Array>): Promise<readonly Uint8Array[]> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of bytes) {
      if (this.#isLeft) return [];
      chunks.push(chunk);
    }
    return chunks;
  }

  [Symbol.dispose](): void {
    this.#isLeft = true;
    this.#lane[Symbol.dispose]();
  }
}
