// The directories of RUN --mount=type=cache. They are no layers: programs write in them, and what they wrote is there for the next build. Each is a directory
// below caches/ with a record; what makes it another is its key: the id, what it begins with, whose it is.
//
// shared: everybody works in the same one. private: who finds it taken gets another. locked: who finds it taken waits.
import { randomBytes } from 'node:crypto';
import { decode } from '../../base/index.ts';
import type { Fd } from '../../kernel/index.ts';
import type { CacheTrees, Records, Table } from '../../storage/index.ts';

export type Sharing = 'shared' | 'private' | 'locked';

export interface CacheMountRecord {
  /** Of the directory. */
  readonly name: string;
  readonly key: string;
  /** In words. */
  readonly what: string;
  readonly createdAt: string;
  readonly usedAt: string;
  readonly uses: number;
}

export interface CacheWish {
  readonly key: string;
  readonly what: string;
  readonly sharing: Sharing;
  /** Makes a new one what it begins with. */
  readonly fill: (dir: Fd) => Promise<void>;
}

/** In use until it is disposed. */
export interface CacheLease extends Disposable {
  readonly dir: Fd;
}

interface Entry {
  readonly key: string;
  readonly name: string;
  /** Undefined while it is made. */
  record: CacheMountRecord | undefined;
  readonly ready: Promise<void>;
  users: number;
  isLocked: boolean;
}

const revive = decode.object<CacheMountRecord>({ name: decode.text, key: decode.text, what: decode.text, createdAt: decode.text, usedAt: decode.text, uses: decode.integer });

export class CacheMounts {
  readonly #records: Records;
  readonly #trees: CacheTrees;
  readonly #table: Table<CacheMountRecord>;
  readonly #entries: Entry[];
  #released = Promise.withResolvers<void>();

  /** What a crash left without a record, half made, is removed. */
  constructor({ records, caches }: { readonly records: Records; readonly caches: CacheTrees }) {
    this.#records = records;
    this.#trees = caches;
    this.#table = records.table('cache_mounts', (json) => revive(json, ''));
    const there = new Set(caches.names());
    const known = this.#table.all();
    const lost = known.filter(({ name }) => !there.has(name));
    if (lost.length > 0) records.transaction(() => { for (const { name } of lost) this.#table.delete(name); });
    this.#entries = known.filter(({ name }) => there.has(name)).map((record) => ({ key: record.key, name: record.name, record, ready: Promise.resolve(), users: 0, isLocked: false }));
    for (const { name } of known) there.delete(name);
    for (const name of there) caches.discard(name);
  }

  /** Several at once are to be asked for in the order of their keys: so that nobody waits for somebody who waits. @throws the signal's reason */
  async lease(wish: CacheWish, signal: AbortSignal): Promise<CacheLease> {
    for (;;) {
      signal.throwIfAborted();
      const entry = this.#choose(wish);
      if (entry !== undefined) return await this.#use(entry, wish);
      await released(this.#released.promise, signal);
    }
  }

  list(): readonly (CacheMountRecord & { readonly isInUse: boolean })[] {
    return this.#entries.flatMap(({ record, users }) => (record === undefined ? [] : [{ ...record, isInUse: users > 0 }]));
  }

  async usedBytes(name: string): Promise<number> {
    return await this.#trees.usedBytes(name);
  }

  /** Those that are in use stay. */
  forget(names: readonly string[]): void {
    const gone = this.#entries.filter(({ name, record, users }) => record !== undefined && users === 0 && names.includes(name));
    this.#records.transaction(() => { for (const { name } of gone) this.#table.delete(name); });
    for (const entry of gone) {
      this.#entries.splice(this.#entries.indexOf(entry), 1);
      this.#trees.discard(entry.name);
    }
  }

  /** Undefined: it is taken, and to be waited for. */
  #choose(wish: CacheWish): Entry | undefined {
    const ofKey = this.#entries.filter(({ key }) => key === wish.key);
    if (wish.sharing === 'private') return ofKey.find(({ users }) => users === 0) ?? this.#begin(wish);
    const [first] = ofKey;
    if (first === undefined) return this.#begin(wish);
    return first.isLocked || (wish.sharing === 'locked' && first.users > 0) ? undefined : first;
  }

  #begin({ key, what, fill }: CacheWish): Entry {
    const name = randomBytes(16).toString('hex');
    const making = Promise.withResolvers<void>();
    const entry: Entry = { key, name, record: undefined, ready: making.promise, users: 0, isLocked: false };
    this.#entries.push(entry);
    this.#make(entry, what, fill).then(making.resolve, (error: unknown) => {
      this.#entries.splice(this.#entries.indexOf(entry), 1);
      this.#trees.discard(name);
      making.reject(error);
    });
    return entry;
  }

  async #make(entry: Entry, what: string, fill: CacheWish['fill']): Promise<void> {
    const { name, key } = entry;
    using dir = this.#trees.make(name);
    await fill(dir);
    const now = new Date().toISOString();
    const record: CacheMountRecord = { name, key, what, createdAt: now, usedAt: now, uses: 0 };
    this.#records.transaction(() => this.#table.put(name, record));
    entry.record = record;
  }

  async #use(entry: Entry, { sharing }: CacheWish): Promise<CacheLease> {
    using undo = new DisposableStack();
    entry.users++;
    if (sharing === 'locked') entry.isLocked = true;
    undo.defer(() => {
      entry.users--;
      if (sharing === 'locked') entry.isLocked = false;
      this.#released.resolve();
      this.#released = Promise.withResolvers();
    });
    await entry.ready;
    const dir = undo.use(this.#trees.open(entry.name));
    const used: CacheMountRecord = { ...entry.record!, usedAt: new Date().toISOString(), uses: entry.record!.uses + 1 };
    this.#records.transaction(() => this.#table.put(used.name, used));
    entry.record = used;
    const all = undo.move();
    return { dir, [Symbol.dispose]: () => all.dispose() };
  }
}

async function released(release: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => aborted.resolve(), { once: true });
  await Promise.race([release, aborted.promise]);
}
