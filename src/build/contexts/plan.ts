// What must be done so that a kept tree becomes what the client has: pure, from what it says now and what is known of the tree.
import type { ContextEntry } from '../../spec/estiva/build-context.ts';
import { parentOf } from './offer.ts';

export interface KeptEntry extends ContextEntry {
  /** SHA-256 of a file's content in hex; empty for everything else. */
  readonly sha256: string;
}

export type Known = ReadonlyMap<string, KeptEntry>;

export interface Plan {
  /** Taken away first: what is in a directory before the directory. */
  readonly gone: readonly KeptEntry[];
  /** Rows of files whose content must come. */
  readonly wanted: readonly number[];
  /** Rows of files that have the length of what is there, and may have its content. */
  readonly doubtful: readonly number[];
  /** Rows of all else that is made anew: directories, links. */
  readonly made: readonly number[];
  /** Nothing at all is different. */
  readonly isSame: boolean;
}

export function planOf(offered: readonly ContextEntry[], known: Known): Plan {
  const kinds = new Map<string, string>(offered.map(({ path, kind }) => [path, kind]));
  const gone = [...known.values()].filter(({ path, kind }) => kinds.get(path) !== kind).reverse();
  const [wanted, doubtful, made]: [number[], number[], number[]] = [[], [], []];
  for (const [row, entry] of offered.entries()) {
    const found = known.get(entry.path);
    const kept = found?.kind === entry.kind ? found : undefined;
    if (entry.kind !== 'file') {
      if (kept === undefined || !looksSame(kept, entry)) made.push(row);
    } else if (kept?.sizeBytes !== entry.sizeBytes) wanted.push(row);
    else if (!kept.isSettled || kept.stamp !== entry.stamp || !looksSame(kept, entry)) doubtful.push(row);
  }
  return { gone, wanted, doubtful, made, isSame: gone.length + wanted.length + doubtful.length + made.length === 0 };
}

/** All but the content and the stamp. */
function looksSame(a: ContextEntry, b: ContextEntry): boolean {
  return a.mode === b.mode && a.mtimeSeconds === b.mtimeSeconds && a.mtimeNanoseconds === b.mtimeNanoseconds && a.link === b.link && a.device.major === b.device.major && a.device.minor === b.device.minor;
}

/** Rows of what is written into the tree: what comes and what is made, and the directories whose time changes with that. In the order of the offer. */
export function writtenRows(offered: readonly ContextEntry[], { gone, made }: Plan, sent: readonly number[]): readonly number[] {
  const rows = new Set([...made, ...sent]);
  const touched = new Set([...gone.map(({ path }) => parentOf(path)), ...[...rows].map((row) => parentOf(offered[row]!.path))]);
  return [...offered.entries()].filter(([row, { path, kind }]) => rows.has(row) || (kind === 'directory' && touched.has(path))).map(([row]) => row);
}
