// Layers on their way in: fetched, verified, unpacked while they come. So many at a time, for all pulls together; two pulls that want the same layer
// share one fetch, which goes on until the last of them has left.
import type { Digest } from '../base/index.ts';
import type { Repository } from '../registry/index.ts';
import { compressionOf, decompress, magicBytes } from '../spec/compression.ts';
import type { Descriptor } from '../spec/oci/image.ts';
import type { Storage } from '../storage/index.ts';
import { Gate } from './gate.ts';
import type { Blob } from './target.ts';

export type LayerStage =
  | { readonly stage: 'waiting' | 'verified' | 'unpacked' }
  | { readonly stage: 'fetching' | 'unpacking'; readonly bytes: number; readonly ofBytes: number };

type OnStage = (stage: LayerStage) => void;

export interface LayerWanted {
  readonly diffId: Digest;
  readonly descriptor: Descriptor;
}

interface Fetch {
  readonly done: Promise<void>;
  readonly watchers: Set<OnStage>;
  readonly leave: AbortController;
  last: LayerStage | undefined;
}

/** Docker's default. */
const concurrentDefault = 3;
/** Told of at most so often. */
const stageBytesMin = 512 * 1024;

export class LayerIntake {
  readonly #storage: Storage;
  readonly #onArrived: (blob: Blob) => void;
  readonly #gate: Gate;
  readonly #fetches = new Map<Digest, Fetch>();

  /** `onArrived`: the layer is there, and nothing names it yet. */
  constructor(storage: Storage, onArrived: (blob: Blob) => void, concurrentMax = concurrentDefault) {
    this.#storage = storage;
    this.#onArrived = onArrived;
    this.#gate = new Gate(concurrentMax);
  }

  /** Resolves when the layer is there. @throws the reason of `signal` when the caller leaves. */
  async take(wanted: LayerWanted, repository: Pick<Repository, 'blob'>, onStage: OnStage, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const fetch = this.#fetches.get(wanted.diffId) ?? this.#begin(wanted, repository);
    fetch.watchers.add(onStage);
    if (fetch.last !== undefined) onStage(fetch.last);
    const left = Promise.withResolvers<never>();
    const leave = (): void => left.reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    try {
      await Promise.race([fetch.done, left.promise]);
    } finally {
      signal.removeEventListener('abort', leave);
      fetch.watchers.delete(onStage);
      if (fetch.watchers.size === 0) fetch.leave.abort(signal.aborted ? signal.reason : undefined);
    }
  }

  /** Whether somebody waits for what is fetched through `repository`: it must then stay open. */
  async settled(diffIds: readonly Digest[]): Promise<void> {
    await Promise.allSettled(diffIds.flatMap((diffId) => this.#fetches.get(diffId)?.done ?? []));
  }

  isWanted(diffIds: readonly Digest[]): boolean {
    return diffIds.some((diffId) => (this.#fetches.get(diffId)?.watchers.size ?? 0) > 0);
  }

  #begin(wanted: LayerWanted, repository: Pick<Repository, 'blob'>): Fetch {
    const { promise: done, resolve, reject } = Promise.withResolvers<void>();
    done.catch(() => undefined); // whoever waits for it hears of it
    const fetch: Fetch = { done, watchers: new Set(), leave: new AbortController(), last: undefined };
    const tell: OnStage = (stage) => {
      fetch.last = stage;
      for (const watcher of fetch.watchers) watcher(stage);
    };
    this.#fetches.set(wanted.diffId, fetch);
    this.#fetch(wanted, repository, tell, fetch.leave.signal).finally(() => this.#fetches.delete(wanted.diffId)).then(resolve, reject);
    return fetch;
  }

  async #fetch({ diffId, descriptor }: LayerWanted, repository: Pick<Repository, 'blob'>, tell: OnStage, signal: AbortSignal): Promise<void> {
    if (this.#gate.isFull) tell({ stage: 'waiting' });
    using _turn = await this.#gate.enter(signal);
    const { content, snapshots } = this.#storage;
    const source = content.has(descriptor.digest) ? content.stream(descriptor.digest) : repository.blob(descriptor);
    await using intake = await content.intake(counted(source, descriptor, tell, signal), { digest: descriptor.digest, sizeBytes: descriptor.size });
    const first: Uint8Array[] = [];
    await snapshots.unpack(decompress(watched(intake.bytes, first, descriptor, tell)), { expected: diffId, signal });
    const isPlain = compressionOf(Buffer.concat(first)) === 'none';
    if (!isPlain) await intake.keep();
    this.#onArrived({ digest: descriptor.digest, sizeBytes: descriptor.size, mediaType: descriptor.mediaType, diffId, coding: { kind: isPlain ? 'plain' : 'kept' }, repositories: [] });
    tell({ stage: 'unpacked' });
  }
}

/** The same bytes, with word of how many they are so far. */
async function* counted(bytes: AsyncIterable<Uint8Array>, { size }: Descriptor, tell: OnStage, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
  let count = 0;
  let told = 0;
  for await (const chunk of bytes) {
    signal.throwIfAborted();
    count += chunk.length;
    if (count - told >= stageBytesMin) {
      tell({ stage: 'fetching', bytes: count, ofBytes: size });
      told = count;
    }
    yield chunk;
  }
}

/** The same bytes; the first of them are put into `first`, and their end is told. */
async function* watched(bytes: AsyncIterable<Uint8Array>, first: Uint8Array[], { size }: Descriptor, tell: OnStage): AsyncGenerator<Uint8Array, void, undefined> {
  let missing = magicBytes;
  for await (const chunk of bytes) {
    if (missing > 0) first.push(Uint8Array.from(chunk.subarray(0, missing)));
    missing -= chunk.length;
    yield chunk;
  }
  tell({ stage: 'verified' });
  tell({ stage: 'unpacking', bytes: size, ofBytes: size });
}
