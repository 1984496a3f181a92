// Records: JSON values by key, in SQLite. WAL with synchronous=NORMAL: a commit survives a crash of the process at any moment; a power cut may take
// back the last commits, whole, never a part of one.
import { closeSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { fail, messageOf } from '../base/index.ts';
import { explainDiskFull, isDiskFull } from './disk-full.ts';
import { Reserve } from './reserve.ts';
import type { Records, Table } from './storage.ts';

const schemaVersion = 1;
/** A daemon that was killed lets go of the root's lock a moment before it lets go of the file. */
const lockMsMax = 5000;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

/** @throws `internal` when the file is damaged, `unsupported` when a newer Estiva wrote it. */
export function openRecords(path: string): Records {
  // Made here, since SQLite would make it readable for everybody; its own files beside it get the same mode.
  closeSync(openSync(path, 'a', 0o600));
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: lockMsMax });
    // The root's lock keeps others away: SQLite needs no locks of its own then, and no shared memory.
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA trusted_schema = OFF');
    migrate(database, path);
    return new SqliteRecords(database, path);
  } catch (error) {
    database?.close();
    throw explain(error, path);
  }
}

function migrate(database: DatabaseSync, path: string): void {
  const { user_version: version } = database.prepare('PRAGMA user_version').get() as { user_version: number };
  if (version > schemaVersion) throw fail('unsupported', `Cannot read ${JSON.stringify(path)}: a newer Estiva wrote it (schema ${version}; this one knows ${schemaVersion})`, { hint: 'Use the newer Estiva, or another data root' });
  database.exec(`PRAGMA user_version = ${schemaVersion}`);
}

function explain(error: unknown, path: string): unknown {
  const { errcode } = error as { errcode?: unknown };
  if (errcode === SQLITE_CORRUPT || errcode === SQLITE_NOTADB) {
    return fail('internal', `Cannot read the records in ${JSON.stringify(path)}: the file is damaged (${messageOf(error)})`, { hint: 'Restore it from a backup, or move the data root away to start anew', cause: error });
  }
  return explainDiskFull(error, path);
}

class SqliteRecords implements Records {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #reserve: Reserve;
  #depth = 0;

  constructor(database: DatabaseSync, path: string) {
    this.#database = database;
    this.#path = path;
    this.#reserve = new Reserve(dirname(path));
  }

  table<T>(name: string, revive: (json: unknown) => T): Table<T> {
    if (!/^[a-z][a-z_]*$/.test(name)) throw new Error(`Not a table's name: ${name}`);
    this.#database.exec(`CREATE TABLE IF NOT EXISTS ${name} (number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, value TEXT NOT NULL) STRICT`);
    const prepare = (sql: string): StatementSync => this.#database.prepare(sql);
    const get = prepare(`SELECT key, value FROM ${name} WHERE key = ?`);
    const all = prepare(`SELECT key, value FROM ${name} ORDER BY number`);
    const put = prepare(`INSERT INTO ${name} (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`);
    const remove = prepare(`DELETE FROM ${name} WHERE key = ?`);
    const read = (row: unknown): T => {
      const { key, value } = row as { key: string; value: string };
      try {
        return revive(JSON.parse(value));
      } catch (error) {
        throw fail('internal', `Cannot read record ${JSON.stringify(key)} of ${JSON.stringify(name)} in ${JSON.stringify(this.#path)}: ${messageOf(error)}`, { cause: error });
      }
    };
    return {
      get: (key) => this.#guard(() => {
        const row = get.get(key);
        return row === undefined ? undefined : read(row);
      }),
      all: () => this.#guard(() => all.all().map(read)),
      put: (key, value) => this.#guard(() => void put.run(key, JSON.stringify(value))),
      delete: (key) => this.#guard(() => void remove.run(key)),
    };
  }

  transaction<R>(change: () => R): R {
    if (this.#depth > 0) return change();
    this.#reserve.renew();
    for (;;) {
      try {
        return this.#once(change);
      } catch (error) {
        if (!isDiskFull(error) || !this.#reserve.giveUp()) throw explain(error, this.#path);
      }
    }
  }

  #once<R>(change: () => R): R {
    this.#database.exec('BEGIN IMMEDIATE');
    this.#depth++;
    try {
      const result = change();
      if (result instanceof Promise) throw new Error('A transaction cannot wait: its change must be synchronous');
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    } finally {
      this.#depth--;
    }
  }

  [Symbol.dispose](): void {
    if (this.#database.isOpen) this.#database.close();
  }

  #guard<R>(action: () => R): R {
    try {
      return action();
    } catch (error) {
      throw explain(error, this.#path);
    }
  }
}
