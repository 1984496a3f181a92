// The shelf: all networks' records, in memory and in the database, found by id, name or prefix. The memory follows the database.
import { fail } from '../base/index.ts';
import type { Records, Table } from '../storage/index.ts';
import type { NetworkId, NetworkRecord } from './network.ts';

export class NetworkShelf {
  readonly #records: Records;
  readonly #table: Table<NetworkRecord>;
  readonly #byId = new Map<NetworkId, NetworkRecord>();

  constructor(records: Records) {
    this.#records = records;
    this.#table = records.table('networks', revive);
    for (const record of this.#table.all()) this.#byId.set(record.id, record);
  }

  /** @throws `not_found`, or `invalid` for a prefix that several ids share */
  get(nameOrId: string): NetworkRecord {
    const exact = this.#byId.get(nameOrId as NetworkId) ?? this.named(nameOrId);
    if (exact !== undefined) return exact;
    const matches = nameOrId === '' ? [] : this.list().filter(({ id }) => id.startsWith(nameOrId));
    if (matches.length > 1) throw fail('invalid', `network ${nameOrId} is ambiguous (${matches.length} matches found on ID prefix)`, { hint: 'Give more digits of the id, or the name' });
    if (matches[0] === undefined) throw fail('not_found', `network ${nameOrId} not found`);
    return matches[0];
  }

  find(id: NetworkId): NetworkRecord | undefined {
    return this.#byId.get(id);
  }

  named(name: string): NetworkRecord | undefined {
    for (const record of this.#byId.values()) if (record.name === name) return record;
    return undefined;
  }

  /** By name. */
  list(): readonly NetworkRecord[] {
    return [...this.#byId.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  put(record: NetworkRecord): void {
    this.#records.transaction(() => this.#table.put(record.id, record));
    this.#byId.set(record.id, record);
  }

  delete(id: NetworkId): void {
    this.#records.transaction(() => this.#table.delete(id));
    this.#byId.delete(id);
  }
}

/** What was stored came from us. */
function revive(json: unknown): NetworkRecord {
  const stored = json as Omit<NetworkRecord, 'createdAt'> & { readonly createdAt: string };
  return { ...stored, createdAt: new Date(stored.createdAt) };
}
