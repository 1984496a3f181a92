// Storage: everything that stays. Four rooms under one root directory, all of them safe against a crash at any moment:
//   content    blobs/sha256/<hex>   verified bytes by digest
//   snapshots  layers/<id>/         unpacked layers for overlayfs, frames/<id>/ the rest of their tars; containers/<id>/{upper,work}
//   volumes    volumes/<name>/      what stays when containers go
//   records    estiva.db            SQLite: names, configurations, states, references; one transaction a change
// A change of several rooms is made durable bottom up (files, then directories, then the record), undone top down.
import type { ContainerId, Digest } from '../base/index.ts';
import type { Fd, TreePart } from '../kernel/index.ts';
import type { ByteString } from '../spec/tar/index.ts';
import type { PackedTar } from './pack-elsewhere.ts';
import type { SurveyedEntry } from './survey.ts';

export interface Content {
  /** Streams `bytes` into the store and verifies them. Idempotent: content that is there already is only verified. @throws `invalid` when digest or size do not match. */
  write(bytes: AsyncIterable<Uint8Array>, expected?: { readonly digest?: Digest; readonly sizeBytes?: number }): Promise<{ readonly digest: Digest; readonly sizeBytes: number }>;
  /** Whole small content (a manifest, a configuration), verified. @throws `not_found`, `too_large` over `bytesMax`. */
  read(digest: Digest, bytesMax: number): Promise<Uint8Array>;
  /** Bytes of content that is large, in pieces. @throws `not_found`; after the last piece `internal` when it is damaged. */
  stream(digest: Digest): AsyncIterable<Uint8Array>;
  /** Takes in content that is put to use at the same time. */
  intake(source: AsyncIterable<Uint8Array>, expected: { readonly digest: Digest; readonly sizeBytes: number }): Promise<Intake>;
  has(digest: Digest): boolean;
  /** Everything that is there. */
  list(): readonly Digest[];
  /** Undefined when it is not there. */
  sizeBytes(digest: Digest): number | undefined;
  /** Gone from its place at once, from the disk in the background. Idempotent. */
  remove(digest: Digest): void;
}

/** Content on its way in. Disposed before it is kept, nothing of it stays. */
export interface Intake extends AsyncDisposable {
  /** The bytes, as they come. Instead of ending, throws `invalid` when they are not what was expected. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** To be called when `bytes` has ended, and the file system was synchronized since or the content may be lost in a power cut. */
  keep(): Promise<void>;
}

/** An unnamed temporary file that grows at its end. It is gone when it is disposed, or when the process dies. */
export interface Spool extends AsyncDisposable {
  append(bytes: AsyncIterable<Uint8Array>): Promise<Piece>;
  read(piece: Piece): AsyncIterable<Uint8Array>;
}

/** A part of a spool. */
export interface Piece {
  readonly offset: number;
  readonly sizeBytes: number;
}

/** Where overlayfs finds a container's root. All paths absolute. */
export interface RootDirs {
  /** Topmost first, as overlayfs wants them. */
  readonly lowerDirs: readonly string[];
  readonly upperDir: string;
  readonly workDir: string;
  /** An empty directory, the same for all: the mount point inside the container's own mount namespace. The host never sees anything mounted here. */
  readonly mergedDir: string;
}

export interface Layer {
  readonly diffId: Digest;
  readonly sizeBytes: number;
  readonly entries: number;
  /** Length of its tar; undefined for a layer that was unpacked before frames were kept: its tar cannot be written again. */
  readonly tarBytes?: number | undefined;
}

/** A directory for the time of some work: gone when it is disposed, or at the next start. */
export interface Scratch extends Disposable {
  readonly dir: Fd;
}

export type ShownFiles = { readonly layers: readonly Digest[] } | { readonly dirs: readonly Fd[] };

/** Directories that programs of builds keep between builds, by name: one component of a path. */
export interface CacheTrees {
  /** An empty one. @throws KernelError EEXIST */
  make(name: string): Fd;
  open(name: string): Fd;
  names(): readonly string[];
  /** Gone from its place at once, from the disk in the background. Idempotent. */
  discard(name: string): void;
  usedBytes(name: string): Promise<number>;
}

export interface Snapshots {
  /** Unpacks an uncompressed layer tar into a directory of its own; verified against `expected` before it becomes visible. Idempotent by diff id. */
  unpack(tar: AsyncIterable<Uint8Array>, options?: { readonly expected?: Digest | undefined; readonly signal?: AbortSignal | undefined }): Promise<Layer>;
  layer(diffId: Digest): Layer | undefined;
  /** Length of its tar. @throws as layerTar */
  tarBytes(diffId: Digest): number;
  /** The layer's tar, byte for byte as it was unpacked. @throws `not_found`; `unsupported` when its frame was not kept. */
  layerTar(diffId: Digest): PackedTar;
  layers(): readonly Layer[];
  /** The directory in which all layers lie: as the working directory of a mount, it makes the names of 128 layers fit one page of options. */
  readonly layersDir: string;
  /** What lies in a layer, each directory before what is in it. @throws `not_found` */
  survey(diffId: Digest): Promise<readonly SurveyedEntry[]>;
  /** The digest of a file of a layer. @throws `not_found`, KernelError */
  digestFile(diffId: Digest, path: ByteString): Promise<Digest>;
  /** Gone from its place at once, from the disk in the background. */
  removeLayer(diffId: Digest): void;
  /** Makes a container's writable layer over `layers` (lowest first). @throws `not_found` when a layer is missing. */
  prepare(id: ContainerId, layers: readonly Digest[]): RootDirs;
  /** The same paths again for a snapshot that is there. */
  dirs(id: ContainerId, layers: readonly Digest[]): RootDirs;
  /** Lets directories that were mounted volatile be mounted once more: the machine has not crashed since. */
  forgetVolatile(id: ContainerId): void;
  /** The root of a container that does not run, as one tree that only the descriptor leads to. Whoever opens it for writing keeps the container from being started meanwhile. */
  openRoot(id: ContainerId, layers: readonly Digest[], access: 'read' | 'write', files: readonly TreePart[]): Fd;
  /** The layers below a container, without what it changed. */
  openLayers(layers: readonly Digest[]): Fd;
  /** What images of these layers are made of: their files and nothing else, also none. */
  openFiles(layers: readonly Digest[]): Fd;
  /** An image's tree as it is, to be used: read-only, and without the mount points that containers find; or what is at a path of it. @throws KernelError of openat2 for a path that is not there, or leads out */
  openImage(layers: readonly Digest[], subpath: string): Fd;
  /** A directory of the host with what is written to it kept elsewhere. */
  openUpon(path: string, dirs: { readonly upperDir: string; readonly workDir: string }): Fd;
  /** Files for a program to be shown, or what is at a path of them: a directory that is held (with what lies above it, in marks of overlayfs), or layers. What is written to them is kept in `upper` of `changes`, which has a `work` beside it; without, they are read-only. @throws KernelError of openat2 */
  openShown(files: ShownFiles, subpath: string, changes: Fd | undefined): Fd;
  /** A file in memory that is nowhere else, not even in swap: read-only for whoever it is shown to. */
  openMemoryFile(content: Uint8Array, owner: { readonly mode: number; readonly uid: number; readonly gid: number }): Fd;
  /** The root mount of a process, without what is mounted upon it. @throws KernelError ESRCH when the process is gone. */
  openRootOf(pidfd: Fd, files: readonly TreePart[]): Fd;
  /** What a container changed: the upper directory, with overlayfs's marks in it. */
  openChanges(id: ContainerId): Fd;
  /** An empty directory under tmp/. */
  scratch(): Scratch;
  /** What has a directory: at a start, also what a crash left between a snapshot and its record. */
  snapshotIds(): readonly ContainerId[];
  /** Bytes of the files in a container's writable layer. */
  writtenBytes(id: ContainerId): Promise<number>;
  /** Removes `containers/<id>/` whole (also the log): from its place at once, from the disk in the background. Idempotent. */
  removeSnapshot(id: ContainerId): void;
  /** Resolves when nothing that was removed is on the disk any more. */
  emptied(): Promise<void>;
}

/** A volume's directory on its way out: disposed before it is discarded, it is back in its place. */
export interface TakenOut extends Disposable {
  /** Off the disk, in the background. */
  discard(): void;
}

/** What lies under tmp/ until it is whole. Disposed, it is closed, and what is left of it comes off the disk in the background. */
export interface VolumeDraft extends Disposable {
  /** What will be `_data`. */
  readonly data: Fd;
  /** @throws KernelError EEXIST when there is such a directory */
  becomeVolume(name: string): void;
  /** Takes the place of a volume's data, in one step. To be called when nobody has them open. */
  becomeDataOf(name: string): void;
  /** Stays beside the volume's data. @throws KernelError EEXIST */
  becomeSnapshotOf(name: string, snapshot: string): void;
  /** Moves what is in it into a volume's data, name by name, and gives them its owner and mode. What is there of a name stays. */
  moveInto(name: string): void;
}

/** Trees of build contexts that are kept for the next build. A name is one that make() gave. */
export interface ContextTrees {
  /** An empty one. */
  make(): string;
  open(name: string): Fd;
  /** What was written of it last; undefined: nothing. */
  readNotes(name: string): string | undefined;
  /** In one step. */
  writeNotes(name: string, text: string): void;
  /** Idempotent. */
  discard(name: string): void;
  names(): readonly string[];
}

/** The directories of volumes. A name is one component of a path: that is the caller's to check. */
export interface VolumeTrees {
  /** `<root>/volumes/<name>/_data`. */
  pathOf(name: string): string;
  /** A volume's directory in the making: empty, root's, for everybody to read. */
  draft(): VolumeDraft;
  /** What pathOf names, opened through no link. */
  openData(name: string): Fd;
  /** @throws `conflict` when something is mounted in it: with the volume, that would be emptied */
  takeOut(name: string): TakenOut;
  openSnapshot(name: string, snapshot: string): Fd;
  takeOutSnapshot(name: string, snapshot: string): TakenOut;
  snapshotNames(name: string): readonly string[];
  /** The directories below volumes/, whoever put them there. */
  names(): readonly string[];
  /** Something is mounted upon its data. */
  isMounted(name: string): boolean;
  /** Its data have nothing in them, or are not there. */
  isEmpty(name: string): boolean;
  /** Bytes of its files. */
  usedBytes(name: string): Promise<number>;
}

/** A keyed table of JSON values. Reads are synchronous (SQLite in process, ~50 µs). */
export interface Table<T> {
  get(key: string): T | undefined;
  put(key: string, value: T): void;
  delete(key: string): void;
  all(): readonly T[];
}

export interface Records extends Disposable {
  /** Opens a table; `revive` turns parsed JSON into the type (dates, brands). */
  table<T>(name: string, revive: (json: unknown) => T): Table<T>;
  /** Runs `change` in one transaction: all of it or nothing. */
  transaction<R>(change: () => R): R;
}

export interface Storage extends AsyncDisposable {
  readonly rootDir: string;
  /** `containers/<id>/`. */
  containerDir(id: ContainerId): string;
  readonly content: Content;
  openSpool(): Promise<Spool>;
  readonly snapshots: Snapshots;
  readonly volumes: VolumeTrees;
  readonly caches: CacheTrees;
  readonly contexts: ContextTrees;
  readonly records: Records;
}
