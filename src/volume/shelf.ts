// The shelf: all volumes' records, in memory and in the database, found by name. The memory follows the database.
import { fail } from '../base/index.ts';
import type { Records, Table } from '../storage/index.ts';
import type { Snapshot, VolumeRecord } from './volume.ts';

export class VolumeShelf {
  readonly #records: Records;
  readonly #table: Table<VolumeRecord>;
  readonly #byName = new Map<string, VolumeRecord>();

  constructor(records: Records) {
    this.#records = records;
    this.#table = records.table('volumes', revive);
    for (const record of this.#table.all()) this.#byName.set(record.name, record);
  }

  /** @throws `not_found` */
  get(name: string): VolumeRecord {
    const record = this.#byName.get(name);
    if (record === undefined) throw fail('not_found', `get ${name}: no such volume`);
    return record;
  }

  find(name: string): VolumeRecord | undefined {
    return this.#byName.get(name);
  }

  /** By name. */
  list(): readonly VolumeRecord[] {
    return [...this.#byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  put(record: VolumeRecord): void {
    this.#records.transaction(() => this.#table.put(record.name, record));
    this.#byName.set(record.name, record);
  }

  delete(name: string): void {
    this.#records.transaction(() => this.#table.delete(name));
    this.#byName.delete(name);
  }
}

/** What was stored came from us. */
function revive(json: unknown): VolumeRecord {
  const stored = json as Omit<VolumeRecord, 'createdAt' | 'snapshots'> & { readonly createdAt: string; readonly snapshots?: readonly (Omit<Snapshot, 'createdAt'> & { readonly createdAt: string })[] };
  return { ...stored, createdAt: new Date(stored.createdAt), snapshots: (stored.snapshots ?? []).map((snapshot) => ({ ...snapshot, createdAt: new Date(snapshot.createdAt) })) };
}
