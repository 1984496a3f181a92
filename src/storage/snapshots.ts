// Snapshots: unpacked layers, and the writable directories of containers over them.
//
// A layer is unpacked under tmp/, checked, made durable, moved to layers/<16 random hex digits> (the rest of its tar to frames/ of that name) and
// recorded, in this order: a crash leaves something in tmp/ or a directory without a record, and both are cleared away at the next start. The names are short because overlayfs takes all of
// them in one page of options; they are random because two layers must never want the same one.
import { randomBytes, randomUUID } from 'node:crypto';
import { appendFileSync, mkdirSync, readdirSync, readlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { fail, parseContainerId, parseDigest, decode, type ContainerId, type Digest } from '../base/index.ts';
import { AT_REMOVEDIR, call, detachedDirectory, detachedTree, Fd, KernelError, O, openToUse, overlayOptions, tryCall, volatileMark, type OverlayDirs, type TreePart } from '../kernel/index.ts';
import { byteString, type ByteString } from '../spec/tar/index.ts';
import { explainDiskFull } from './disk-full.ts';
import { makeInitLayer } from './init-layer.ts';
import { measureTree } from './measure.ts';
import { namesIn } from './listing.ts';
import { removeTree } from './remove-tree.ts';
import { nameArgument } from './names.ts';
import { pack, type PackedTar } from './pack-elsewhere.ts';
import type { Layer, Records, RootDirs, Scratch, ShownFiles, Snapshots, Table } from './storage.ts';
import { digestFile, surveyTree, type SurveyedEntry } from './survey.ts';
import { Trash } from './trash.ts';
import { unpack } from './unpack-elsewhere.ts';

interface LayerRecord extends Layer {
  /** Name of the directory in layers/. */
  readonly dir: string;
}

const reviveLayer: decode.Decode<LayerRecord> = decode.object<LayerRecord>({
  diffId: decode.mapped(decode.text, parseDigest), sizeBytes: decode.integer, entries: decode.integer, tarBytes: decode.optional(decode.integer), dir: decode.text,
});

const EEXIST = -17;

export class LayerSnapshots implements Snapshots, Disposable {
  readonly layersDir: string;
  readonly #containersDir: string;
  readonly #tmpDir: string;
  readonly #table: Table<LayerRecord>;
  readonly #layers: Map<Digest, LayerRecord>;
  readonly #layersFd: Fd;
  readonly #framesFd: Fd;
  readonly #framesDir: string;
  readonly #containersFd: Fd;
  readonly #tmpFd: Fd;
  /** For all rooms: there is one tmp/. */
  readonly trash: Trash;
  readonly #mergedDir: string;
  readonly #initDir: string;

  constructor(rootDir: string, records: Records, onTrouble: (error: unknown) => void) {
    this.layersDir = `${rootDir}/layers`;
    this.#framesDir = `${rootDir}/frames`;
    this.#containersDir = `${rootDir}/containers`;
    this.#tmpDir = `${rootDir}/tmp`;
    this.#mergedDir = `${rootDir}/merged`;
    this.#initDir = `${rootDir}/init`;
    this.#table = records.table('layers', (json) => reviveLayer(json, ''));
    this.#layers = new Map(this.#table.all().map((layer) => [layer.diffId, layer]));
    using opened = new DisposableStack();
    this.#layersFd = opened.use(Fd.open(this.layersDir, O.RDONLY | O.DIRECTORY));
    this.#framesFd = opened.use(Fd.open(this.#framesDir, O.RDONLY | O.DIRECTORY));
    this.#containersFd = opened.use(Fd.open(this.#containersDir, O.RDONLY | O.DIRECTORY));
    this.#tmpFd = opened.use(Fd.open(this.#tmpDir, O.RDONLY | O.DIRECTORY));
    this.trash = opened.use(new Trash(this.#tmpFd, onTrouble));
    makeInitLayer(this.#initDir);
    opened.move();
  }

  /** Into the trash with what a crash left: everything in tmp/, and directories of layers that no record knows. */
  sweep(): void {
    const known = new Set([...this.#layers.values()].map((layer) => layer.dir));
    for (const name of allNames(this.#tmpDir)) this.trash.take(name);
    for (const [path, fd] of [[this.layersDir, this.#layersFd], [this.#framesDir, this.#framesFd]] as const) {
      for (const name of allNames(path)) if (!known.has(name)) this.trash.discard(fd, nameArgument(name));
    }
  }

  layer(diffId: Digest): Layer | undefined {
    return this.#layers.get(diffId);
  }

  layers(): readonly Layer[] {
    return [...this.#layers.values()];
  }

  async unpack(tar: AsyncIterable<Uint8Array>, options: { readonly expected?: Digest | undefined; readonly signal?: AbortSignal | undefined } = {}): Promise<Layer> {
    const known = options.expected === undefined ? undefined : this.#layers.get(options.expected);
    if (known !== undefined) return known;
    const tmpName = byteString(`layer-${randomUUID()}`);
    const frameName = byteString(`frame-${tmpName}`);
    try {
      using opened = new DisposableStack();
      const [root, frame] = [tmpName, frameName].map((name) => opened.use(this.#makeTmp(name)));
      call('fchmod', root!.number, 0o755);
      opened.move();
      const layer = await unpack(tar, { what: 'layer', root: root!, frame: frame! }, this.layersDir, options.signal);
      if (options.expected !== undefined && layer.diffId !== options.expected) throw fail('invalid', `The layer does not match its diff id: expected ${options.expected}, got ${layer.diffId}`);
      return this.#layers.get(layer.diffId) ?? this.#keep(tmpName, frameName, layer);
    } catch (error) {
      throw explainDiskFull(error, this.layersDir);
    } finally {
      await removeTree(this.#tmpFd, tmpName);
      await removeTree(this.#tmpFd, frameName);
    }
  }

  #makeTmp(name: string): Fd {
    call('mkdirat', this.#tmpFd.number, name, 0o755);
    return Fd.open(name, O.RDONLY | O.DIRECTORY | O.NOFOLLOW, 0, this.#tmpFd);
  }

  #keep(tmpName: string, frameName: string, layer: Layer): Layer {
    const record: LayerRecord = { ...layer, dir: randomBytes(8).toString('hex') };
    call('renameat2', this.#tmpFd.number, frameName, this.#framesFd.number, record.dir, 0);
    call('fsync', this.#framesFd.number);
    call('renameat2', this.#tmpFd.number, tmpName, this.#layersFd.number, record.dir, 0);
    call('fsync', this.#layersFd.number);
    this.#table.put(layer.diffId, record);
    this.#layers.set(layer.diffId, record);
    return record;
  }

  async survey(diffId: Digest): Promise<readonly SurveyedEntry[]> {
    using layer = this.#openLayer(diffId);
    return await surveyTree(layer);
  }

  async digestFile(diffId: Digest, path: ByteString): Promise<Digest> {
    using layer = this.#openLayer(diffId);
    return await digestFile(layer, path);
  }

  #openLayer(diffId: Digest): Fd {
    return Fd.open(this.#known(diffId).dir, O.RDONLY | O.DIRECTORY | O.NOFOLLOW, 0, this.#layersFd);
  }

  removeLayer(diffId: Digest): void {
    const layer = this.#layers.get(diffId);
    if (layer === undefined) return;
    this.#table.delete(diffId);
    this.#layers.delete(diffId);
    this.trash.discard(this.#layersFd, layer.dir);
    this.trash.discard(this.#framesFd, layer.dir);
  }

  tarBytes(diffId: Digest): number {
    const { tarBytes } = this.#known(diffId);
    if (tarBytes !== undefined) return tarBytes;
    throw fail('unsupported', `Cannot write layer ${diffId} again: it was unpacked by an older Estiva, which did not keep what that needs`, { hint: 'Remove the image and its containers, and load it again' });
  }

  layerTar(diffId: Digest): PackedTar {
    const layer = this.#known(diffId);
    this.tarBytes(diffId);
    using opened = new DisposableStack();
    const [dir, frame] = [this.#layersFd, this.#framesFd].map((at) => opened.use(Fd.open(layer.dir, O.RDONLY | O.DIRECTORY | O.NOFOLLOW, 0, at)));
    opened.move();
    return pack({ what: 'layer', dir: dir!, frame: frame!, diffId });
  }

  #known(diffId: Digest): LayerRecord {
    const layer = this.#layers.get(diffId);
    if (layer === undefined) throw fail('not_found', `No such layer: ${diffId}`, { hint: 'Load or pull the image again' });
    return layer;
  }

  prepare(id: ContainerId, layers: readonly Digest[]): RootDirs {
    const dirs = this.dirs(id, layers);
    const at = this.#containersFd.number;
    try {
      // It may be there already: the container's log lies in it, too.
      const made = tryCall('mkdirat', at, id, 0o710);
      if (made < 0 && made !== EEXIST) throw new KernelError('mkdirat', id, -made);
      for (const name of ['upper', 'work']) call('mkdirat', at, `${id}/${name}`, 0o755);
      // The upper directory's mode is that of the container's "/", whatever our umask is.
      call('fchmodat', at, `${id}/upper`, 0o755);
      return dirs;
    } catch (error) {
      this.removeSnapshot(id);
      throw explainDiskFull(error, this.#containersDir);
    }
  }

  dirs(id: ContainerId, layers: readonly Digest[]): RootDirs {
    const containerDir = `${this.#containersDir}/${id}`;
    // Topmost first. A layer that comes twice counts where it is topmost (it says the same again there); overlayfs takes no directory twice.
    const lowerDirs = [...new Set(layers.toReversed())].map((diffId) => `${this.layersDir}/${this.#known(diffId).dir}`);
    return { lowerDirs: [...lowerDirs, this.#initDir], upperDir: `${containerDir}/upper`, workDir: `${containerDir}/work`, mergedDir: this.#mergedDir };
  }

  forgetVolatile(id: ContainerId): void {
    const [file, dir] = volatileMark;
    tryCall('unlinkat', this.#containersFd.number, `${id}/work/${file}`, 0);
    tryCall('unlinkat', this.#containersFd.number, `${id}/work/${dir}`, AT_REMOVEDIR);
  }

  async writtenBytes(id: ContainerId): Promise<number> {
    using upper = Fd.open(`${id}/upper`, O.RDONLY | O.DIRECTORY | O.NOFOLLOW, 0, this.#containersFd);
    return await measureTree(upper);
  }

  openRoot(id: ContainerId, layers: readonly Digest[], access: 'read' | 'write', parts: readonly TreePart[]): Fd {
    const { lowerDirs, upperDir, workDir } = this.dirs(id, layers);
    if (access === 'write') this.forgetVolatile(id);
    // Reading must not wait for the end of a writer, nor hold up a start: the upper directory is then only the topmost of the lower ones.
    return this.#overlay(access === 'write' ? { lowerDirs, upperDir, workDir } : { lowerDirs: [upperDir, ...lowerDirs, ...this.#places(id, parts)] }, parts);
  }

  /** A lowest layer for a tree that cannot be written: what its parts lie upon where neither the image nor the container has anything. */
  #places(id: ContainerId, parts: readonly TreePart[]): readonly string[] {
    const wanted = parts.filter(({ makes }) => makes !== undefined);
    const top = `${this.#containersDir}/${id}/places`;
    for (const { target, makes } of wanted) {
      mkdirSync(makes === 'file' ? dirname(`${top}/${target}`) : `${top}/${target}`, { recursive: true });
      if (makes === 'file') appendFileSync(`${top}/${target}`, '');
    }
    return wanted.length === 0 ? [] : [top];
  }

  openLayers(layers: readonly Digest[]): Fd {
    const { lowerDirs } = this.dirs('' as ContainerId, layers);
    return lowerDirs.length > 1 ? this.#overlay({ lowerDirs }, []) : detachedDirectory(lowerDirs[0]!);
  }

  openFiles(layers: readonly Digest[]): Fd {
    const lowerDirs = this.dirs('' as ContainerId, layers).lowerDirs.slice(0, -1);
    if (lowerDirs.length === 0) return detachedDirectory(this.#mergedDir);
    return lowerDirs.length > 1 ? this.#overlay({ lowerDirs }, []) : detachedDirectory(lowerDirs[0]!);
  }

  scratch(): Scratch {
    const name = byteString(`scratch-${randomUUID()}`);
    try {
      const dir = this.#makeTmp(name);
      return {
        dir,
        [Symbol.dispose]: () => {
          dir[Symbol.dispose]();
          this.trash.discard(this.#tmpFd, name);
        },
      };
    } catch (error) {
      throw explainDiskFull(error, this.#tmpDir);
    }
  }

  openImage(layers: readonly Digest[], subpath: string): Fd {
    const lowerDirs = this.dirs('' as ContainerId, layers).lowerDirs.filter((dir) => dir !== this.#initDir);
    // An overlay that cannot be written wants two directories; the one that it is mounted upon is empty.
    const image = this.#overlay({ lowerDirs: [...lowerDirs, this.#mergedDir] }, [], subpath);
    openToUse(image, { readOnly: true });
    return image;
  }

  openUpon(path: string, dirs: { readonly upperDir: string; readonly workDir: string }): Fd {
    const tree = detachedTree({ kind: 'overlay', options: overlayOptions({ lowerDirs: ['.'], ...dirs }), workingDir: path }, { mountPoint: this.#mergedDir });
    openToUse(tree, { readOnly: false });
    return tree;
  }

  openShown(files: ShownFiles, subpath: string, changes: Fd | undefined): Fd {
    const dirs = 'layers' in files ? this.dirs('' as ContainerId, files.layers).lowerDirs.filter((dir) => dir !== this.#initDir) : files.dirs.map(pathOfHeld);
    // An overlay that cannot be written wants two directories; the one that it is mounted upon is empty.
    const upper = changes === undefined ? undefined : { upperDir: `${pathOfHeld(changes)}/upper`, workDir: `${pathOfHeld(changes)}/work` };
    const lowerDirs = upper === undefined || dirs.length === 0 ? [...dirs, this.#mergedDir] : dirs;
    const tree = lowerDirs.length > 1 || upper !== undefined ? this.#overlay({ lowerDirs, ...upper }, [], subpath) : detachedDirectory(lowerDirs[0]!);
    openToUse(tree, { readOnly: upper === undefined });
    return tree;
  }

  openMemoryFile(content: Uint8Array, { mode, uid, gid }: { readonly mode: number; readonly uid: number; readonly gid: number }): Fd {
    using undo = new DisposableStack();
    const tree = undo.use(detachedTree({ kind: 'memory', file: 'content' }, { mountPoint: this.#mergedDir, subpath: 'content' }));
    {
      using file = Fd.open(`/proc/self/fd/${tree.number}`, O.WRONLY);
      for (let at = 0; at < content.length;) at += call('pwrite64', file.number, content.subarray(at), content.length - at, at);
      call('fchown', file.number, uid, gid);
      call('fchmod', file.number, mode);
    }
    openToUse(tree, { readOnly: true });
    undo.move();
    return tree;
  }

  openRootOf(pidfd: Fd, parts: readonly TreePart[]): Fd {
    return detachedTree({ kind: 'process', pidfd: pidfd.number }, { mountPoint: this.#mergedDir, parts });
  }

  openChanges(id: ContainerId): Fd {
    return detachedDirectory(`${this.#containersDir}/${id}/upper`);
  }

  #overlay({ lowerDirs, ...upper }: OverlayDirs, parts: readonly TreePart[], subpath = ''): Fd {
    const inLayers = lowerDirs.map((dir) => (dir.startsWith(`${this.layersDir}/`) ? dir.slice(this.layersDir.length + 1) : dir));
    return detachedTree({ kind: 'overlay', options: overlayOptions({ lowerDirs: inLayers, ...upper }), workingDir: this.layersDir }, { mountPoint: this.#mergedDir, parts, subpath });
  }

  snapshotIds(): readonly ContainerId[] {
    return readdirSync(this.#containersDir).filter((name) => /^[0-9a-f]{64}$/.test(name)).map(parseContainerId);
  }

  removeSnapshot(id: ContainerId): void {
    this.trash.discard(this.#containersFd, id);
  }

  async emptied(): Promise<void> {
    await this.trash.emptied();
  }

  [Symbol.dispose](): void {
    this.trash[Symbol.dispose]();
    for (const fd of [this.#layersFd, this.#framesFd, this.#containersFd, this.#tmpFd]) fd[Symbol.dispose]();
  }
}

/** Of a directory of ours below the data root: an overlay must find it in the namespace that it is made in. */
function pathOfHeld(fd: Fd): string {
  return readlinkSync(`/proc/self/fd/${fd.number}`);
}

function allNames(path: string): readonly ByteString[] {
  using dir = Fd.open(path, O.RDONLY | O.DIRECTORY);
  return namesIn(dir);
}
