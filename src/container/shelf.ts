// The shelf: all containers' records, in memory and in the database, found by id, name or prefix.
// A record is replaced as a whole; the memory follows the database, never the other way round.
import { fail, parseContainerId, type ContainerId } from '../base/index.ts';
import type { Records, Table } from '../storage/index.ts';
import type { ContainerRecord } from './container.ts';
import type { State } from './state.ts';

export class Shelf {
  readonly #records: Records;
  readonly #table: Table<ContainerRecord>;
  readonly #byId = new Map<string, ContainerRecord>();
  readonly #byName = new Map<string, string>();
  readonly #reserved = new Set<string>();

  constructor(records: Records) {
    this.#records = records;
    this.#table = records.table('containers', revive);
    for (const record of this.#table.all()) this.#remember(record);
  }

  /** `parent/alias` is who the parent's link leads to. @throws `not_found`, or `invalid` for a prefix that several ids share. */
  get(idOrName: string): ContainerRecord {
    const name = idOrName.replace(/^\//, '');
    const exact = this.#byId.get(name) ?? this.#byId.get(this.#byName.get(name) ?? '') ?? this.#linked(name);
    if (exact !== undefined) return exact;
    const matches = /^[0-9a-f]+$/.test(name) ? [...this.#byId.keys()].filter((id) => id.startsWith(name)) : [];
    if (matches.length > 1) throw fail('invalid', `Multiple IDs found with provided prefix: ${name}`);
    const found = this.#byId.get(matches[0] ?? '');
    if (found === undefined) throw fail('not_found', `No such container: ${idOrName}`);
    return found;
  }

  #linked(path: string): ContainerRecord | undefined {
    const [parent = '', alias] = path.split('/');
    const link = this.#byId.get(this.#byName.get(parent) ?? '')?.links.find((one) => one.alias === alias);
    return this.#byId.get(link?.target ?? '');
  }

  find(id: string): ContainerRecord | undefined {
    return this.#byId.get(id);
  }

  list(): readonly ContainerRecord[] {
    return [...this.#byId.values()].sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime());
  }

  /** Those with a link to it, in no order: asked at every start. */
  linkedTo(id: ContainerId): readonly ContainerRecord[] {
    return Array.from(this.#byId.values()).filter(({ links }) => links.some(({ target }) => target === id));
  }

  isNameTaken(name: string): boolean {
    return this.#byName.has(name) || this.#reserved.has(name);
  }

  /** Holds a name for a container that is being made. @throws `conflict` with Docker's text. */
  reserveName(name: string): Disposable {
    const holder = this.#byName.get(name);
    if (this.isNameTaken(name)) throw fail('conflict', `Conflict. The container name "/${name}" is already in use by container "${holder ?? 'that is being created'}". You have to remove (or rename) that container to be able to reuse that name.`);
    this.#reserved.add(name);
    return { [Symbol.dispose]: () => void this.#reserved.delete(name) };
  }

  put(record: ContainerRecord): void {
    this.#records.transaction(() => this.#table.put(record.id, record));
    this.#remember(record);
  }

  /** Replaces the record by what `change` makes of it, in one transaction. */
  change(id: ContainerId, change: (record: ContainerRecord) => ContainerRecord): ContainerRecord {
    const record = change(this.get(id));
    this.put(record);
    return record;
  }

  /** Replaces the state. */
  setState(id: ContainerId, state: State): ContainerRecord {
    return this.change(id, (record) => ({ ...record, state }));
  }

  delete(id: ContainerId): void {
    this.#records.transaction(() => this.#table.delete(id));
    this.#byName.delete(this.#byId.get(id)?.name ?? '');
    this.#byId.delete(id);
  }

  #remember(record: ContainerRecord): void {
    const oldName = this.#byId.get(record.id)?.name;
    if (oldName !== undefined && oldName !== record.name) this.#byName.delete(oldName);
    this.#byId.set(record.id, record);
    this.#byName.set(record.name, record.id);
  }
}

/** What was stored came from us: only dates and brands need to be made again. */
function revive(json: unknown): ContainerRecord {
  const stored = json as Omit<ContainerRecord, 'createdAt' | 'id' | 'state'> & { readonly id: string; readonly createdAt: string; readonly state: Record<string, unknown> };
  return { ...before, ...stored, hostConfig: { ...before.hostConfig, ...stored.hostConfig }, id: parseContainerId(stored.id), imageId: stored.imageId, createdAt: new Date(stored.createdAt), state: reviveDates(stored.state) as State, health: reviveHealth(stored.health) };
}

/** What records of engines that had no networks, or no volumes, lack. */
const before = { connections: [], links: [], mounts: [], hostConfig: { PortBindings: {}, Links: null, VolumesFrom: null, VolumeDriver: '' } } as const;

function reviveHealth(stored: ContainerRecord['health']): ContainerRecord['health'] {
  return stored === undefined ? undefined : { ...stored, log: stored.log.map((probed) => reviveDates(probed) as typeof probed) };
}

/** What ends in `At` is a time. */
function reviveDates(stored: object): object {
  return Object.fromEntries(Object.entries(stored).map(([key, value]: [string, unknown]) => [key, key.endsWith('At') && typeof value === 'string' ? new Date(value) : value]));
}
