// Layers laid upon each other, as overlayfs does it, with a note of who did what: which layer added, changed or removed a path, and what of a lower
// layer nobody sees any more. Pure: it is given what lies in the layers.
import type { FileChange, FileKind } from '../../spec/estiva/exploration.ts';
import type { ByteString } from '../../spec/tar/index.ts';
import type { SurveyedEntry } from '../../storage/index.ts';

/** A path of the tree as far as it is stacked. */
export interface Node {
  readonly entry: SurveyedEntry & { readonly kind: FileKind };
  /** The number of the layer that it is from, from 1. */
  readonly layer: number;
  readonly children: Map<string, Node>;
}

export interface StackedLayer {
  readonly files: readonly FileChange[];
  readonly sizeBytes: number;
  readonly wastedBytes: number;
}

export interface Stack {
  readonly root: Node;
  readonly layers: readonly StackedLayer[];
  /** Bytes of each path that are hidden, and the layers that have the path. */
  readonly hidden: ReadonlyMap<ByteString, { readonly bytes: number; readonly layers: readonly number[] }>;
}

const rootEntry: Node['entry'] = { path: '' as ByteString, kind: 'directory', isOpaque: false, mode: 0o755, uid: 0, gid: 0, sizeBytes: 0, mtimeMs: 0, target: undefined };

/** @param layers lowest first, each as storage surveys it: a directory before what is in it. */
export function stackLayers(layers: readonly (readonly SurveyedEntry[])[]): Stack {
  const stacker = new Stacker();
  for (const entries of layers) stacker.add(entries);
  return stacker.stack;
}

/** A file of a layer under all its names: its bytes are hidden when the last of them is. */
interface File {
  readonly bytes: number;
  names: number;
}

interface Notes {
  /** By the first name. */
  readonly fileAt: Map<ByteString, File>;
  readonly files: MutableChange[];
  /** Where in `files` what the layer has at a path stands. */
  readonly at: Map<ByteString, number>;
  sizeBytes: number;
  wastedBytes: number;
}

type MutableChange = { -readonly [K in keyof FileChange]: FileChange[K] };

class Stacker {
  readonly #root: Node = { entry: rootEntry, layer: 0, children: new Map() };
  readonly #layers: Notes[] = [];
  readonly #hidden = new Map<ByteString, { bytes: number; layers: number[] }>();

  get stack(): Stack {
    return { root: this.#root, layers: this.#layers, hidden: this.#hidden };
  }

  add(entries: readonly SurveyedEntry[]): void {
    const notes: Notes = { files: [], at: new Map(), fileAt: new Map(), sizeBytes: 0, wastedBytes: 0 };
    const number = this.#layers.push(notes);
    for (const entry of entries) this.#place(entry, number, notes);
  }

  #place(entry: SurveyedEntry, number: number, notes: Notes): void {
    const slash = entry.path.lastIndexOf('/');
    const parent = this.#find(entry.path.slice(0, Math.max(slash, 0)));
    // Below something that is no directory there is nothing: a layer never has that.
    if (parent === undefined) return;
    const name = entry.path.slice(slash + 1);
    const before = parent.children.get(name);
    if (isVisible(entry)) this.#put(parent, name, entry, before, number, notes);
    else if (before !== undefined) {
      parent.children.delete(name);
      this.#note(notes, { ...changeOf(before.entry, 'removed'), sizeBytes: this.#hide(before, number) });
    }
  }

  #put(parent: Node, name: string, entry: Node['entry'], before: Node | undefined, number: number, notes: Notes): void {
    notes.sizeBytes += entry.sizeBytes;
    if (entry.kind === 'file') nameFile(notes, entry);
    const staysOpen = before?.entry.kind === 'directory' && entry.kind === 'directory';
    if (staysOpen && !entry.isOpaque) {
      parent.children.set(name, { entry, layer: number, children: before.children });
      // A layer names the directories above what it changes, too: those are no changes.
      if (differs(entry, before.entry)) this.#note(notes, changeOf(entry, 'changed'));
      return;
    }
    parent.children.set(name, { entry, layer: number, children: new Map() });
    this.#note(notes, changeOf(entry, before === undefined ? 'added' : 'changed'));
    if (before === undefined) return;
    // An opaque directory takes away what is below it, one by one in the eyes of whoever looks.
    if (staysOpen) for (const child of before.children.values()) this.#note(notes, { ...changeOf(child.entry, 'removed'), sizeBytes: this.#hide(child, number) });
    else this.#hide(before, number);
  }

  #note(notes: Notes, change: FileChange): void {
    const index = notes.files.push(change) - 1;
    if (change.change !== 'removed') notes.at.set(change.path as ByteString, index);
  }

  /** Notes that layer `by` hides the node and all below it; the bytes that are hidden by that. */
  #hide({ entry, layer, children }: Node, by: number): number {
    const notes = this.#layers[layer - 1]!;
    const index = notes.at.get(`/${entry.path}` as ByteString);
    if (index !== undefined) notes.files[index]!.hiddenBy = by;
    const bytes = entry.kind === 'file' ? this.#waste(entry, layer, by) : 0;
    return [...children.values()].reduce((sum, child) => sum + this.#hide(child, by), bytes);
  }

  #waste(entry: Node['entry'], layer: number, by: number): number {
    const notes = this.#layers[layer - 1]!;
    const file = notes.fileAt.get(entry.target ?? entry.path)!;
    file.names--;
    if (file.names > 0) return 0;
    notes.wastedBytes += file.bytes;
    const hidden = this.#hidden.get(entry.path) ?? { bytes: 0, layers: [] };
    hidden.bytes += file.bytes;
    for (const number of [layer, by]) if (!hidden.layers.includes(number)) hidden.layers.push(number);
    this.#hidden.set(entry.path, hidden);
    return file.bytes;
  }

  #find(path: string): Node | undefined {
    let node: Node | undefined = this.#root;
    if (path !== '') for (const name of path.split('/')) node = node?.children.get(name);
    return node?.entry.kind === 'directory' ? node : undefined;
  }
}

function nameFile({ fileAt }: Notes, { path, target, sizeBytes }: SurveyedEntry): void {
  const file = fileAt.get(target ?? path);
  if (file === undefined) fileAt.set(path, { bytes: sizeBytes, names: 1 });
  else file.names++;
}

function isVisible(entry: SurveyedEntry): entry is Node['entry'] {
  return entry.kind !== 'whiteout';
}

function differs(a: SurveyedEntry, b: SurveyedEntry): boolean {
  return a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid;
}

function changeOf({ path, kind, sizeBytes, mode, uid, gid, mtimeMs, target }: Node['entry'], change: FileChange['change']): FileChange {
  return { path: `/${path}`, change, kind, sizeBytes, mode, uid, gid, mtimeMs, ...target === undefined ? {} : { target } };
}

/** Every path of the finished tree, a directory before what is in it. */
export function* nodesOf(root: Node): Generator<Node, void, undefined> {
  for (const child of root.children.values()) {
    yield child;
    yield* nodesOf(child);
  }
}
