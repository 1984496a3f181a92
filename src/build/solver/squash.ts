// `squash`: what a build has made upon the image that it starts from becomes one layer, with what the build itself made and removed again in nobody's way. The
// history keeps its words without layers, and gets a last line that says what was merged; both as dockerd does it.
import type { Digest } from '../../base/index.ts';
import { parseIgnoreFile } from '../../spec/dockerfile/index.ts';
import { tarHeader, writeTar, type ByteString, type TarMember } from '../../spec/tar/index.ts';
import type { Storage } from '../../storage/index.ts';
import { headerOf, memberOf } from './copy.ts';
import type { BaseImage } from './ports.ts';
import { findSources, type SourceEntry } from './sources.ts';
import { idOf, type BuildState } from './state.ts';

export interface SquashOptions {
  /** Undefined: it starts from nothing. */
  readonly base: BaseImage | undefined;
  readonly nowSeconds: number;
  readonly signal: AbortSignal;
}

export async function squash(state: BuildState, { base, nowSeconds, signal }: SquashOptions, { snapshots }: Pick<Storage, 'snapshots'>): Promise<BuildState> {
  const below = base?.layers ?? [];
  const made = state.layers.slice(below.length);
  if (made.length === 0) return state;
  using opened = new DisposableStack();
  const [before, after] = [await entriesIn(below, opened, signal, snapshots), await entriesIn(state.layers, opened, signal, snapshots)];
  const layer = await snapshots.unpack(writeTar(members(before, after, nowSeconds)), { signal });
  const kept = base?.config.history?.length ?? below.length;
  const created = new Date(nowSeconds * 1000).toISOString();
  const words = state.history.map((step, i) => (i < kept ? step : { ...step, empty_layer: true }));
  const comment = base === undefined ? `create new from ${idOf(state)}` : `merge ${idOf(state)} to ${base.id}`;
  return { ...state, created, layers: [...below, layer.diffId], history: [...words, { created, comment }] };
}

type Entries = ReadonlyMap<ByteString, SourceEntry>;

async function entriesIn(layers: readonly Digest[], opened: DisposableStack, signal: AbortSignal, snapshots: Storage['snapshots']): Promise<Entries> {
  const root = opened.use(snapshots.openFiles(layers));
  const [all] = await findSources({ root, hides: () => false, isContext: false }, '.', { exclude: parseIgnoreFile(''), opened, signal });
  return new Map(all!.entries.map((entry) => [entry.path, entry]));
}

function* members(before: Entries, after: Entries, nowSeconds: number): Generator<TarMember, void, undefined> {
  const changed = [...after.values()].filter((entry) => differs(entry, before.get(entry.path))).map(({ path }) => path);
  // Of what is gone, only the topmost has a mark.
  const gone = [...before.keys()].filter((path) => !after.has(path) && isDirectoryIn(after, parentOf(path)));
  const needed = new Set([...changed, ...[...changed, ...gone].flatMap(ancestors)]);
  const marks = new Map(gone.map((path) => [`${parentOf(path) === '' ? '' : `${parentOf(path)}/`}.wh.${path.slice(path.lastIndexOf('/') + 1)}` as ByteString, path]));
  for (const path of [...needed, ...marks.keys()].sort()) {
    const entry = after.get(path);
    if (marks.has(path)) yield { header: { ...tarHeader({ type: 'file', path: '', mode: 0o600, mtimeSeconds: nowSeconds }), path } };
    else if (entry !== undefined) yield* memberOf(path, { ...headerOf(entry, { owner: undefined, keepsOwners: true, changeMode: undefined }), entry }, (header) => header);
  }
}

/** The same file of the same layer has the same inode, whatever lies upon it; so what was written anew is seen also when nothing else of it has changed. */
function differs(now: SourceEntry, then: SourceEntry | undefined): boolean {
  if (then === undefined || now.type !== then.type || now.linkPath !== then.linkPath) return true;
  const [a, b] = [now.stat, then.stat];
  if (a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid || a.mtimeSeconds !== b.mtimeSeconds || a.mtimeNanoseconds !== b.mtimeNanoseconds) return true;
  if (now.type !== 'directory' && (a.inode !== b.inode || a.sizeBytes !== b.sizeBytes)) return true;
  return now.xattrs.size !== then.xattrs.size || [...now.xattrs].some(([name, value]) => then.xattrs.get(name)?.equals(value) !== true);
}

function parentOf(path: ByteString): ByteString {
  const at = path.lastIndexOf('/');
  return (at < 0 ? '' : path.slice(0, at)) as ByteString;
}

function isDirectoryIn(entries: Entries, path: ByteString): boolean {
  return path === '' || entries.get(path)?.type === 'directory';
}

function ancestors(path: ByteString): readonly ByteString[] {
  const parent = parentOf(path);
  return parent === '' ? [] : [parent, ...ancestors(parent)];
}
