// The build cache: for the key of a step, when it was done and which layer came of it. A key is made of all that the step depends on (solve.ts), so what
// is found needs no second look. The layers it names stay until a prune forgets them, also when no image has them.
import { decode, parseDigest, type Digest } from '../../base/index.ts';
import type { Records, Snapshots, Table } from '../../storage/index.ts';

export interface CacheRecord {
  readonly key: string;
  /** Of the step before; empty for the first. */
  readonly parent: string;
  readonly createdAt: string;
  readonly usedAt: string;
  readonly uses: number;
  /** Undefined: no file was changed. */
  readonly layer?: Digest | undefined;
  readonly sizeBytes: number;
  /** The step, in words. */
  readonly what: string;
  /** Of a file from elsewhere: what it was, and what its server said of it. */
  readonly remote?: RemoteFile | undefined;
}

export interface RemoteFile {
  readonly digest: Digest;
  readonly name?: string | undefined;
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
}

const digest = decode.mapped(decode.text, parseDigest);

const revive = decode.object<CacheRecord>({
  key: decode.text, parent: decode.text, createdAt: decode.text, usedAt: decode.text, uses: decode.integer, layer: decode.optional(digest), sizeBytes: decode.integer, what: decode.text,
  remote: decode.optional(decode.object<RemoteFile>({ digest, name: decode.optional(decode.text), etag: decode.optional(decode.text), lastModified: decode.optional(decode.text) })),
});

export class BuildCache {
  readonly #records: Records;
  readonly #snapshots: Pick<Snapshots, 'layer'>;
  readonly #table: Table<CacheRecord>;
  readonly #byKey: Map<string, CacheRecord>;

  constructor({ records, snapshots }: { readonly records: Records; readonly snapshots: Pick<Snapshots, 'layer'> }) {
    this.#records = records;
    this.#snapshots = snapshots;
    this.#table = records.table('build_cache', (json) => revive(json, ''));
    this.#byKey = new Map(this.#table.all().map((record) => [record.key, record]));
  }

  find(key: string): CacheRecord | undefined {
    const record = this.#byKey.get(key);
    return record?.layer !== undefined && this.#snapshots.layer(record.layer) === undefined ? undefined : record;
  }

  put(record: Omit<CacheRecord, 'usedAt' | 'uses'>): void {
    const whole: CacheRecord = { ...record, usedAt: new Date().toISOString(), uses: 0 };
    this.#records.transaction(() => this.#table.put(whole.key, whole));
    this.#byKey.set(whole.key, whole);
  }

  /** These were of use again. */
  used(keys: Iterable<string>): void {
    const usedAt = new Date().toISOString();
    const records = [...new Set(keys)].flatMap((key) => this.#byKey.get(key) ?? []).map((record) => ({ ...record, usedAt, uses: record.uses + 1 }));
    if (records.length === 0) return;
    this.#records.transaction(() => { for (const record of records) this.#table.put(record.key, record); });
    for (const record of records) this.#byKey.set(record.key, record);
  }

  list(): readonly CacheRecord[] {
    return [...this.#byKey.values()];
  }

  layers(): readonly Digest[] {
    return [...this.#byKey.values()].flatMap(({ layer }) => layer ?? []);
  }

  /** Forgets records. Their layers go with the next sweep, unless an image has them. */
  forget(keys: readonly string[]): void {
    this.#records.transaction(() => { for (const key of keys) this.#table.delete(key); });
    for (const key of keys) this.#byKey.delete(key);
  }
}
