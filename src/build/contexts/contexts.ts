// Build contexts that are kept, each under the name that its client gives it, so that of the next one only what changed must come (decision 22).
//
// A context is offered, then sent (or not, when nothing is wanted), then taken by one build, and given back. Who has a kept tree has it alone: for a second
// build of the same directory meanwhile there is another, which is not kept. Before the first change of a tree its record is deleted, and written again when
// the tree is whole: after a crash a tree without a record is thrown away, and so is every tree after a start of the machine, for nothing here is forced to disk.
import { randomUUID } from 'node:crypto';
import { decode, digestOf, fail, hexOf } from '../../base/index.ts';
import type { Fd } from '../../kernel/index.ts';
import { rowOf, type ContextAnswer, type ContextEntry, type ContextOffer } from '../../spec/estiva/build-context.ts';
import type { Storage, Table } from '../../storage/index.ts';
import type { CopyFacts } from '../solver/sources.ts';
import { checkOffer, decodeRow } from './offer.ts';
import { ParcelReader } from './parcel.ts';
import { planOf, type KeptEntry, type Known, type Plan } from './plan.ts';
import { writeTree } from './write.ts';

/** Trees that are kept, and their bytes together. */
const keptMax = 16;
const keptBytesMax = 8 * 2 ** 30;
/** How long a context waits for its content, and for its build. */
const waitMs = 120_000;
const waitingMax = 32;

export interface KeptContext {
  /** SHA-256 of what the client calls it. */
  readonly key: string;
  readonly dir: string;
  readonly bootId: string;
  readonly sizeBytes: number;
  readonly entries: number;
  readonly createdAt: string;
  readonly usedAt: string;
  readonly uses: number;
}

const revive = decode.object<KeptContext>({
  key: decode.text, dir: decode.text, bootId: decode.text, sizeBytes: decode.integer, entries: decode.integer, createdAt: decode.text, usedAt: decode.text, uses: decode.integer,
});

/** A context that somebody has: its tree is his alone. */
interface Held {
  readonly key: string;
  readonly dir: string;
  /** As it was kept; undefined: nobody will find it again. */
  readonly record: KeptContext | undefined;
  readonly isKept: boolean;
  readonly root: Fd;
  readonly known: Known;
  readonly memory: Memory;
}

/** By Dockerfile, then by what a COPY asked. */
type Memory = Map<string, Map<string, CopyFacts>>;

interface Waiting {
  readonly held: Held;
  readonly offered: readonly ContextEntry[];
  readonly plan: Plan;
  readonly state: 'offered' | 'receiving' | 'whole';
  readonly timer: NodeJS.Timeout;
}

/** A whole context for the time of a build. */
export interface TakenContext extends Disposable {
  readonly root: Fd;
  readonly kept: {
    /** Of the content of the file at a path; undefined for everything else. */
    readonly sha256Of: (path: string) => string | undefined;
    /** What was found in the tree since it was changed last, as a Dockerfile and its ignore file show it. */
    readonly memoryOf: (dockerfile: string) => Map<string, CopyFacts>;
  };
}

export class Contexts implements Disposable {
  readonly #storage: Storage;
  readonly #bootId: string;
  readonly #table: Table<KeptContext>;
  readonly #kept: Map<string, KeptContext>;
  readonly #held = new Set<string>();
  readonly #waiting = new Map<string, Waiting>();
  /** Of the tree that was used last, so that it need not be read again. */
  #last: Pick<Held, 'dir' | 'known' | 'memory'> | undefined;

  constructor(storage: Storage, bootId: string) {
    this.#storage = storage;
    this.#bootId = bootId;
    this.#table = storage.records.table('build_contexts', (json) => revive(json, ''));
    const all = this.#table.all();
    const whole = all.filter((one) => one.bootId === bootId);
    storage.records.transaction(() => { for (const one of all) if (!whole.includes(one)) this.#table.delete(one.key); });
    this.#kept = new Map(whole.map((one) => [one.key, one]));
    const known = new Set(whole.map(({ dir }) => dir));
    for (const name of storage.contexts.names()) if (!known.has(name)) storage.contexts.discard(name);
  }

  /** @throws `invalid` for what no directory can have, `unavailable` when too many wait */
  async offer({ key: named, rows }: ContextOffer, signal: AbortSignal): Promise<ContextAnswer> {
    if (this.#waiting.size >= waitingMax) throw fail('unavailable', `More than ${waitingMax} build contexts wait for their builds`);
    const offered = checkOffer(rows);
    const held = this.#hold(hexOf(digestOf(named)));
    const id = randomUUID();
    try {
      const plan = planOf(offered, held.known);
      const waiting: Waiting = { held, offered, plan, state: 'offered', timer: setTimeout(() => this.#drop(id), waitMs).unref() };
      this.#waiting.set(id, waiting);
      if (plan.wanted.length + plan.doubtful.length === 0) await this.#write(id, waiting, undefined, signal);
      return { id, wanted: plan.wanted, doubtful: plan.doubtful.map((row) => [row, held.known.get(offered[row]!.path)!.sha256]) };
    } catch (error) {
      if (this.#waiting.has(id)) this.#drop(id);
      else this.#release(held, undefined);
      throw error;
    }
  }

  /** @throws `not_found`; `invalid` for another parcel than was asked for: then the context must be offered again */
  async receive(id: string, bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    const waiting = this.#get(id);
    if (waiting.state !== 'offered') throw fail('conflict', 'The content of this build context has been sent already');
    await using parcel = new ParcelReader(bytes);
    try {
      await this.#write(id, waiting, parcel, signal);
    } catch (error) {
      this.#drop(id);
      throw error;
    }
  }

  /** For one build. @throws `not_found`, `conflict` while it is not whole */
  take(id: string): TakenContext {
    const { held, state, timer } = this.#get(id);
    if (state !== 'whole') throw fail('conflict', 'The content of this build context has not come yet');
    clearTimeout(timer);
    this.#waiting.delete(id);
    return { root: held.root, kept: { sha256Of: (path) => held.known.get(path)?.sha256 || undefined, memoryOf: (dockerfile) => memoryIn(held.memory, dockerfile) }, [Symbol.dispose]: () => this.#release(held, held.known) };
  }

  list(): readonly (KeptContext & { readonly inUse: boolean })[] {
    return [...this.#kept.values()].map((one) => ({ ...one, inUse: this.#held.has(one.dir) }));
  }

  /** Those that nobody uses. */
  forget(keys: readonly string[]): void {
    for (const key of keys) {
      const record = this.#kept.get(key);
      if (record === undefined || this.#held.has(record.dir)) continue;
      this.#unrecord(record);
      this.#storage.contexts.discard(record.dir);
    }
  }

  [Symbol.dispose](): void {
    // One that is being written is thrown away at the next start.
    for (const [id, { state }] of this.#waiting) if (state !== 'receiving') this.#drop(id);
  }

  /** The kept tree of that name, or an empty one. */
  #hold(key: string): Held {
    const { contexts } = this.#storage;
    const record = this.#kept.get(key);
    const isFree = record !== undefined && !this.#held.has(record.dir);
    const last = isFree && this.#last?.dir === record.dir ? this.#last : undefined;
    const known = isFree ? last?.known ?? this.#knownOf(record.dir) : undefined;
    if (isFree && known === undefined) this.forget([key]);
    const dir = known === undefined ? contexts.make() : record!.dir;
    this.#held.add(dir);
    return { key, dir, record: known === undefined ? undefined : record, isKept: record === undefined || isFree, root: contexts.open(dir), known: known ?? new Map(), memory: last?.memory ?? new Map() };
  }

  #knownOf(dir: string): Known | undefined {
    const text = this.#storage.contexts.readNotes(dir);
    if (text === undefined) return undefined;
    const rows = decode.decodeJson(text, decode.list(decode.object<KeptRow>({ row: decodeRow, sha256: decode.text })));
    const entries = checkOffer(rows.map(({ row }) => row));
    return new Map(entries.map((entry, i): [string, KeptEntry] => [entry.path, { ...entry, sha256: rows[i]!.sha256 }]));
  }

  async #write(id: string, waiting: Waiting, parcel: ParcelReader | undefined, signal: AbortSignal): Promise<void> {
    const { held, offered, plan } = waiting;
    if (plan.isSame && held.record !== undefined) return void this.#waiting.set(id, { ...waiting, held: { ...held, record: this.#put(held, held.record) }, state: 'whole' });
    clearTimeout(waiting.timer);
    this.#waiting.set(id, { ...waiting, state: 'receiving' });
    if (held.record !== undefined) this.#unrecord(held.record);
    const known = await writeTree({ root: held.root, rootPath: this.#storage.rootDir, offered, known: held.known, plan, parcel, signal });
    const timer = setTimeout(() => this.#drop(id), waitMs).unref();
    this.#waiting.set(id, { ...waiting, held: { ...held, known, memory: new Map(), record: this.#record(held, known) }, state: 'whole', timer });
  }

  /** The tree is whole: the next build finds it. */
  #record(held: Held, known: Known): KeptContext | undefined {
    const sizeBytes = [...known.values()].reduce((sum, entry) => sum + entry.sizeBytes, 0);
    if (!held.isKept || sizeBytes > keptBytesMax) return undefined;
    const notes = [...known.values()].map((entry): KeptRow => ({ row: rowOf(entry), sha256: entry.sha256 }));
    this.#storage.contexts.writeNotes(held.dir, JSON.stringify(notes));
    const { record } = held;
    return this.#put(held, { key: held.key, dir: held.dir, bootId: this.#bootId, sizeBytes, entries: known.size, createdAt: record?.createdAt ?? new Date().toISOString(), usedAt: '', uses: record?.uses ?? -1 });
  }

  /** Used once more. One that another build of the same directory has kept meanwhile gives way. */
  #put({ key, dir }: Held, record: KeptContext): KeptContext {
    const made: KeptContext = { ...record, usedAt: new Date().toISOString(), uses: record.uses + 1 };
    const other = this.#kept.get(key);
    this.#storage.records.transaction(() => this.#table.put(key, made));
    this.#kept.set(key, made);
    if (other !== undefined && other.dir !== dir && !this.#held.has(other.dir)) this.#storage.contexts.discard(other.dir);
    return made;
  }

  #unrecord({ key }: KeptContext): void {
    this.#storage.records.transaction(() => this.#table.delete(key));
    this.#kept.delete(key);
  }

  #get(id: string): Waiting {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) throw fail('not_found', `No such build context: ${id.slice(0, 64)}`, { hint: `It waits ${waitMs / 1000} seconds for its build, and serves one` });
    return waiting;
  }

  /** Nobody came for it. */
  #drop(id: string): void {
    const { held, state, timer } = this.#get(id);
    clearTimeout(timer);
    this.#waiting.delete(id);
    // Nothing was changed yet, or all: then it is whole.
    this.#release(held, state === 'receiving' ? undefined : held.known);
  }

  #release({ dir, key, root, record, memory }: Held, known: Known | undefined): void {
    root[Symbol.dispose]();
    this.#held.delete(dir);
    if (record === undefined || known === undefined || this.#kept.get(key)?.dir !== dir) return this.#storage.contexts.discard(dir);
    this.#last = { dir, known, memory };
    return this.#evict();
  }

  /** Those that were used longest ago go first. */
  #evict(): void {
    const byUse = [...this.#kept.values()].sort((a, b) => (a.usedAt < b.usedAt ? 1 : -1));
    let bytes = 0;
    for (const [i, { key, sizeBytes }] of byUse.entries()) {
      bytes += sizeBytes;
      if (i >= keptMax || bytes > keptBytesMax) this.forget([key]);
    }
  }
}

function memoryIn(memory: Memory, dockerfile: string): Map<string, CopyFacts> {
  const found = memory.get(dockerfile) ?? new Map<string, CopyFacts>();
  memory.set(dockerfile, found);
  return found;
}

interface KeptRow {
  readonly row: ReturnType<typeof rowOf>;
  readonly sha256: string;
}
