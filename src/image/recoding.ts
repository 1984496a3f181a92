// Blobs that are kept beside their layers are made away with where they can be made anew: after a pull, one at a time, the tar is compressed with the
// settings that the blob's beginning allows, and only when the whole of it came to the same digest, the record is changed and the bytes removed.
// Most blobs differ within their first bytes from what our compressors write (docs/decisions/0013): those cost a few milliseconds, once.
import { createHash } from 'node:crypto';
import type { Storage } from '../storage/index.ts';
import { encode, type Compression } from './coding.ts';
import { one } from './source.ts';
import type { ImageStore } from './store.ts';
import type { Sweeper } from './sweeper.ts';
import type { Blob } from './target.ts';

/** So much of the tar is compressed for a first look; of what comes out, only the end depends on what would follow. */
const lookBytes = 1 << 20;
const gzipHeaderBytes = 10;

export class Recoding {
  readonly #storage: Storage;
  readonly #store: ImageStore;
  readonly #sweeper: Sweeper;
  readonly #onTrouble: (error: unknown) => void;
  #work: Promise<void> | undefined;
  #isClosed = false;

  constructor(storage: Storage, store: ImageStore, sweeper: Sweeper, onTrouble: (error: unknown) => void) {
    this.#storage = storage;
    this.#store = store;
    this.#sweeper = sweeper;
    this.#onTrouble = onTrouble;
  }

  /** Begins with what has not been tried yet, unless it is at it. */
  begin(): void {
    this.#work ??= this.#all().catch(this.#onTrouble).finally(() => { this.#work = undefined; });
  }

  /** Resolves when nothing is left to try. */
  async done(): Promise<void> {
    await this.#work;
  }

  /** Ends with the piece that it is at. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#work;
  }

  async #all(): Promise<void> {
    for (;;) {
      const blob = this.#next();
      if (blob === undefined) return;
      await this.#sweeper.leasing(async (lease) => {
        for (const digest of [blob.digest, blob.diffId]) lease.hold(digest);
        await this.#try(blob);
      });
      this.#sweeper.sweep();
    }
  }

  #next(): Blob | undefined {
    if (this.#isClosed) return undefined;
    return [...this.#store.blobs()].find(({ coding, diffId, digest }) => coding.kind === 'kept' && coding.isFinal !== true
      && this.#storage.snapshots.layer(diffId)?.tarBytes !== undefined && this.#storage.content.has(digest));
  }

  async #try(blob: Blob): Promise<void> {
    const coding = await this.#codingOf(blob);
    if (this.#isClosed) return;
    // It may have been removed meanwhile.
    if (this.#store.blob(blob.digest) !== undefined) this.#store.putBlob({ ...this.#store.blob(blob.digest)!, coding: coding ?? { kind: 'kept', isFinal: true } });
  }

  async #codingOf(blob: Blob): Promise<Compression | undefined> {
    const beginning = await first(this.#storage.content.stream(blob.digest), lookBytes);
    const candidates = candidatesFor(beginning);
    if (candidates.length === 0) return undefined;
    await using tar = this.#storage.snapshots.layerTar(blob.diffId);
    const look = await first(tar.bytes, lookBytes);
    for (const candidate of candidates) {
      if (this.#isClosed) return undefined;
      const made = await first(encode(one(look), candidate), lookBytes);
      const compared = look.length < lookBytes ? made.length : made.length >> 1;
      if (made.subarray(0, compared).equals(beginning.subarray(0, compared))) return await this.#isSame(blob, candidate) ? candidate : undefined;
    }
    return undefined;
  }

  async #isSame(blob: Blob, coding: Compression): Promise<boolean> {
    const hash = createHash('sha256');
    for await (const piece of this.#made(blob, coding)) {
      if (this.#isClosed) return false;
      hash.update(piece);
    }
    return `sha256:${hash.digest('hex')}` === blob.digest;
  }

  async* #made({ diffId }: Blob, coding: Compression): AsyncGenerator<Uint8Array, void, undefined> {
    await using tar = this.#storage.snapshots.layerTar(diffId);
    yield* encode(tar.bytes, coding);
  }
}

/** Up to `bytesMax` from the beginning. */
async function first(bytes: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const piece of bytes) {
    parts.push(Uint8Array.from(piece));
    length += piece.length;
    if (length >= bytesMax) break;
  }
  return Buffer.concat(parts).subarray(0, bytesMax);
}

/** By the header: gzip tells whether it was made with the least or the most effort. RFC 1952, XFL. */
function candidatesFor(beginning: Buffer): readonly Compression[] {
  if (beginning.length > 4 && beginning.readUInt32LE(0) === 0xfd2fb528) return [3, 1, 6, 9, 19].map((level) => ({ kind: 'zstd', level }));
  const [id1, id2, method, flags] = beginning;
  if (id1 !== 0x1f || id2 !== 0x8b || method !== 8 || flags !== 0 || beginning.length < gzipHeaderBytes) return [];
  const header = beginning.toString('hex', 0, gzipHeaderBytes);
  const effort = beginning[8];
  const levels = effort === 2 ? [9] : effort === 4 ? [1] : [6, 9, 1, 5, 7, 8, 4, 3, 2];
  return levels.map((level) => ({ kind: 'gzip', level, header }));
}
