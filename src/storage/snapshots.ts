// Snapshots: unpacked layers, and the writable directories of containers over them.
//
// A layer is unpacked under tmp/, checked, made durable, moved to layers/<16 random hex digits> and recorded, in this order: a crash leaves something in
// tmp/ or a directory without a record, and both are cleared away at the next start. The names are short because overlayfs takes all of
// them in one page of options; they are random because two layers must never want the same one.
import { randomBytes, randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { fail, parseContainerId, parseDigest, decode, type ContainerId, type Digest } from '../base/index.ts';
import { call, Fd, KernelError, O, tryCall } from '../kernel/index.ts';
import { byteString, type ByteString } from '../spec/tar/index.ts';
import { explainDiskFull } from './disk-full.ts';
import { makeInitLayer } from './init-layer.ts';
import { measureTree } from './measure.ts';
import { namesIn, removeTree } from './remove-tree.ts';
import { nameArgument } from './names.ts';
import type { Layer, Records, RootDirs, Snapshots, Table } from './storage.ts';
import { Trash } from './trash.ts';
import { unpack } from './unpack-elsewhere.ts';

interface LayerRecord extends Layer {
  /** Name of the directory in layers/. */
  readonly dir: string;
}

const reviveLayer: decode.Decode<LayerRecord> = decode.object<LayerRecord>({
  diffId: decode.mapped(decode.text, parseDigest), sizeBytes: decode.integer, entries: decode.integer, dir: decode.text,
});

const EEXIST = -17;

export class LayerSnapshots implements Snapshots, Disposable {
  readonly layersDir: string;
  readonly #containersDir: string;
  readonly #tmpDir: string;
  readonly #table: Table<LayerRecord>;
  readonly #layers: Map<Digest, LayerRecord>;
  readonly #layersFd: Fd;
  readonly #containersFd: Fd;
  readonly #tmpFd: Fd;
  readonly #trash: Trash;
  readonly #mergedDir: string;
  readonly #initDir: string;

  constructor(rootDir: string, records: Records, onTrouble: (error: unknown) => void) {
    this.layersDir = `${rootDir}/layers`;
    this.#containersDir = `${rootDir}/containers`;
    this.#tmpDir = `${rootDir}/tmp`;
    this.#mergedDir = `${rootDir}/merged`;
    this.#initDir = `${rootDir}/init`;
    this.#table = records.table('layers', (json) => reviveLayer(json, ''));
    this.#layers = new Map(this.#table.all().map((layer) => [layer.diffId, layer]));
    using opened = new DisposableStack();
    this.#layersFd = opened.use(Fd.open(this.layersDir, O.RDONLY | O.DIRECTORY));
    this.#containersFd = opened.use(Fd.open(this.#containersDir, O.RDONLY | O.DIRECTORY));
    this.#tmpFd = opened.use(Fd.open(this.#tmpDir, O.RDONLY | O.DIRECTORY));
    this.#trash = opened.use(new Trash(this.#tmpFd, onTrouble));
    makeInitLayer(this.#initDir);
    opened.move();
  }

  /** Into the trash with what a crash left: everything in tmp/, and directories of layers that no record knows. */
  sweep(): void {
    const known = new Set([...this.#layers.values()].map((layer) => layer.dir));
    for (const name of allNames(this.#tmpDir)) this.#trash.take(name);
    for (const name of allNames(this.layersDir)) if (!known.has(name)) this.#trash.discard(this.#layersFd, nameArgument(name));
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
    try {
      call('mkdirat', this.#tmpFd.number, tmpName, 0o755);
      const root = Fd.open(tmpName, O.RDONLY | O.DIRECTORY | O.NOFOLLOW, 0, this.#tmpFd);
      call('fchmod', root.number, 0o755);
      const layer = await unpack(tar, root, this.layersDir, options.signal);
      if (options.expected !== undefined && layer.diffId !== options.expected) throw fail('invalid', `The layer does not match its diff id: expected ${options.expected}, got ${layer.diffId}`);
      return this.#layers.get(layer.diffId) ?? this.#keep(tmpName, layer);
    } catch (error) {
      throw explainDiskFull(error, this.layersDir);
    } finally {
      await removeTree(this.#tmpFd, tmpName);
    }
  }

  #keep(tmpName: string, layer: Layer): Layer {
    const record: LayerRecord = { ...layer, dir: randomBytes(8).toString('hex') };
    call('renameat2', this.#tmpFd.number, tmpName, this.#layersFd.number, record.dir, 0);
    call('fsync', this.#layersFd.number);
    this.#table.put(layer.diffId, record);
    this.#layers.set(layer.diffId, record);
    return record;
  }

  removeLayer(diffId: Digest): void {
    const layer = this.#layers.get(diffId);
    if (layer === undefined) return;
    this.#table.delete(diffId);
    this.#layers.delete(diffId);
    this.#trash.discard(this.#layersFd, layer.dir);
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
    const lowerDirs = [...new Set(layers.toReversed())].map((diffId) => {
      const layer = this.#layers.get(diffId);
      if (layer === undefined) throw fail('not_found', `No such layer: ${diffId}`, { hint: 'Load or pull the image again' });
      return `${this.layersDir}/${layer.dir}`;
    });
    return { lowerDirs: [...lowerDirs, this.#initDir], upperDir: `${containerDir}/upper`, workDir: `${containerDir}/work`, mergedDir: this.#mergedDir };
  }

  async writtenBytes(id: ContainerId): Promise<number> {
    using upper = Fd.open(`${id}/upper`, O.RDONLY | O.DIRECTORY | O.NOFOLLOW, 0, this.#containersFd);
    return await measureTree(upper);
  }

  snapshotIds(): readonly ContainerId[] {
    return readdirSync(this.#containersDir).filter((name) => /^[0-9a-f]{64}$/.test(name)).map(parseContainerId);
  }

  removeSnapshot(id: ContainerId): void {
    this.#trash.discard(this.#containersFd, id);
  }

  async emptied(): Promise<void> {
    await this.#trash.emptied();
  }

  [Symbol.dispose](): void {
    this.#trash[Symbol.dispose]();
    for (const fd of [this.#layersFd, this.#containersFd, this.#tmpFd]) fd[Symbol.dispose]();
  }
}

function allNames(path: string): readonly ByteString[] {
  using dir = Fd.open(path, O.RDONLY | O.DIRECTORY);
  return namesIn(dir);
}
