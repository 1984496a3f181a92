// A context goes to an engine that keeps trees: first what there is, then the content of what is not there yet. A file that looks as if it could be
// the same is hashed here, and stays here if it is.
import { createHash } from 'node:crypto';
import { rowOf, type ContextAnswer, type ContextOffer, type ContextParcel, type ContextReceipt } from '../../spec/estiva/build-context.ts';
import { gathered } from '../local-file.ts';
import { readEntry } from './read.ts';
import type { WalkedEntry } from './walk.ts';

/** Where contexts are taken in: a daemon, or an engine in the same process. */
export interface ContextDoor {
  offer(offer: ContextOffer): Promise<ContextAnswer>;
  send(id: string, parcel: AsyncIterable<Uint8Array>): Promise<void>;
}

/** @returns the id that the build names. `key`: which directory of which machine. @throws `invalid` for what cannot be read */
export async function deliverContext(door: ContextDoor, key: string, entries: Iterable<WalkedEntry>): Promise<string> {
  const all = [...entries];
  const { id, wanted, doubtful } = await door.offer({ key, rows: all.map(rowOf) });
  if (wanted.length + doubtful.length === 0) return id;
  const changed = doubtful.filter(([row, sha256]) => hashOf(all[row]!) !== sha256).map(([row]) => row);
  await door.send(id, gathered(parcel(all, [...wanted, ...changed].sort((a, b) => a - b))));
  return id;
}

/** Undefined when it was changed meanwhile. */
function hashOf(entry: WalkedEntry): string | undefined {
  const hash = createHash('sha256');
  const pieces = readEntry(entry);
  for (let next = pieces.next();; next = pieces.next()) {
    if (next.done === true) return next.value ? hash.digest('hex') : undefined;
    hash.update(next.value);
  }
}

function* parcel(all: readonly WalkedEntry[], rows: readonly number[]): Generator<Uint8Array, void, undefined> {
  const unsettled: number[] = [];
  yield line({ rows } satisfies ContextParcel);
  for (const row of rows) if (!(yield* readEntry(all[row]!))) unsettled.push(row);
  yield line({ unsettled } satisfies ContextReceipt);
}

function line(value: object): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}
