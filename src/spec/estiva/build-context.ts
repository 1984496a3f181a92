// Ours: a context of which only what changed travels. POST /estiva/build/contexts says what the directory has, the answer which files' content is wanted;
// PUT /estiva/build/contexts/{id} sends those, and POST /build?estivacontext={id} builds with it.
import type { ByteString } from '../tar/index.ts';

export const contextKinds = ['file', 'directory', 'symlink', 'fifo', 'char', 'block'] as const;
export type ContextKind = typeof contextKinds[number];

/** One thing in it. Texts that are bytes have a character for each of them (latin1). */
export interface ContextEntry {
  readonly path: ByteString;
  readonly kind: ContextKind;
  /** Permission bits. */
  readonly mode: number;
  /** Of a file. */
  readonly sizeBytes: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  /** Where a symbolic link points. */
  readonly link: ByteString;
  readonly device: { readonly major: number; readonly minor: number };
  /** Opaque, and another one after every change of the file. */
  readonly stamp: string;
  /** False: it was changed so lately that a further change could leave the stamp as it is. */
  readonly isSettled: boolean;
}

/** As it travels: path, kind (its number in contextKinds), mode, size, seconds, nanoseconds, stamp, settled (1, 0), link, major, minor. */
export type ContextRow = readonly [path: string, kind: number, mode: number, sizeBytes: number, mtimeSeconds: number, mtimeNanoseconds: number, stamp: string, settled: number, link: string, major: number, minor: number];

export interface ContextOffer {
  /** Which directory of which machine: under this name its tree is kept for the next build. */
  readonly key: string;
  /** Each directory before what is in it. */
  readonly rows: readonly ContextRow[];
}

export interface ContextAnswer {
  readonly id: string;
  /** Numbers of the rows whose content must come. */
  readonly wanted: readonly number[];
  /** Rows that may be as they were: their content must come unless its SHA-256 is this. */
  readonly doubtful: readonly (readonly [row: number, sha256: string])[];
}

/** First line of what is sent: the rows whose content follows, in this order, each as long as it was said to be. */
export interface ContextParcel {
  readonly rows: readonly number[];
}

/** Last line, after all content: rows that were changed while they were read. */
export interface ContextReceipt {
  readonly unsettled: readonly number[];
}

export function rowOf(entry: ContextEntry): ContextRow {
  const { path, kind, mode, sizeBytes, mtimeSeconds, mtimeNanoseconds, stamp, isSettled, link, device } = entry;
  return [path, contextKinds.indexOf(kind), mode, sizeBytes, mtimeSeconds, mtimeNanoseconds, stamp, isSettled ? 1 : 0, link, device.major, device.minor];
}
