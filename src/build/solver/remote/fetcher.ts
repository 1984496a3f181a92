// What a build takes from elsewhere becomes a layer in the build cache: a file of the web, a commit of a repository. A file that is there already is asked
// for with what its server said of it (ETag, Last-Modified), and comes again only when it has changed; a commit never changes.
import { createHash } from 'node:crypto';
import { fail, type Digest } from '../../../base/index.ts';
import type { Fd } from '../../../kernel/index.ts';
import { parseIgnoreFile } from '../../../spec/dockerfile/index.ts';
import { tarHeader, writeTar } from '../../../spec/tar/index.ts';
import type { Layer, Storage } from '../../../storage/index.ts';
import type { BuildCache, CacheRecord } from '../cache.ts';
import { layerTarOf } from '../copy.ts';
import type { BuildPorts, Download } from '../ports.ts';
import { findSources } from '../sources.ts';
import { keyOf } from '../state.ts';
import { fileNameOf, type GitAddress } from './address.ts';
import { checkOut, resolveCommit } from './git.ts';
import { proxyOf } from './proxy.ts';

export interface FetcherRoom {
  readonly storage: Storage;
  readonly cache: BuildCache;
  readonly ports: Pick<BuildPorts, 'download'>;
  /** What is here already is fetched anew. */
  readonly noCache: boolean;
  /** Proxies are among them. */
  readonly buildArgs: ReadonlyMap<string, string>;
  readonly signal: AbortSignal;
}

export interface FetchedFile {
  /** Has the file under `fetchedName`. */
  readonly layer: Digest;
  /** Undefined: nobody says how it is called. */
  readonly name: string | undefined;
}

export const fetchedName = 'file';
const fileBytesMax = 64 * 2 ** 30;

export class Fetcher {
  readonly #room: FetcherRoom;

  constructor(room: FetcherRoom) {
    this.#room = room;
  }

  /** `checksum`: `sha256:…` of its bytes. @throws `invalid` when it has another, or the server gives none */
  async file(url: URL, checksum: Digest | undefined): Promise<FetchedFile> {
    const { cache, ports, noCache, buildArgs, signal } = this.#room;
    const key = keyOf('download', url.href);
    const known = noCache ? undefined : cache.find(key);
    if (known?.remote !== undefined && known.remote.digest === checksum) return this.#again(known);
    using download = await ports.download({ url, headers: conditionsOf(known), proxy: proxyOf(buildArgs), signal });
    if (download.status === 304 && known !== undefined) {
      if (checksum !== undefined) throw mismatch(url, known.remote?.digest, checksum);
      return this.#again(known);
    }
    if (download.status !== 200) throw fail('invalid', `ADD failed: failed to GET ${plainUrl(url)} with status ${download.status} ${download.statusText}`);
    return await this.#keep(url, key, download, checksum);
  }

  /** Gives the layer with the files of a commit, or of a directory in it. */
  async repository(address: GitAddress, { keepsGitDir }: { readonly keepsGitDir: boolean }): Promise<Digest> {
    const { storage: { snapshots }, cache, noCache, buildArgs, signal } = this.#room;
    using scratch = snapshots.scratch();
    const around = { dir: scratch.dir, proxy: proxyOf(buildArgs), signal };
    const commit = await resolveCommit(address, around);
    const key = keyOf('git', address.url, commit, address.subdir, keepsGitDir);
    const known = noCache ? undefined : cache.find(key);
    if (known?.layer !== undefined) return this.#again(known).layer;
    using checkout = await checkOut(address, commit, { ...around, keepsGitDir });
    const layer = await this.#layerOf(checkout.dir, { keepsGitDir, latestSeconds: checkout.committedAtSeconds });
    this.#put({ key, layer: layer.diffId, sizeBytes: layer.sizeBytes, what: `git ${address.url.replace(/\/\/[^/@]*@/, '//')}#${commit}${address.subdir === '' ? '' : `:${address.subdir}`}` });
    return layer.diffId;
  }

  /** It is as old as its commit. */
  async #layerOf(dir: Fd, { keepsGitDir, latestSeconds }: { readonly keepsGitDir: boolean; readonly latestSeconds: number }): Promise<Layer> {
    const { storage: { snapshots }, signal } = this.#room;
    using opened = new DisposableStack();
    const hides = (path: string): boolean => !keepsGitDir && path.split('/').includes('.git');
    const sources = await findSources({ root: dir, hides, isContext: true }, '.', { exclude: parseIgnoreFile(''), opened, signal });
    const root = opened.use(snapshots.openFiles([]));
    const plan = { keyword: 'ADD', sources, inline: [], archives: [], destination: '/', owner: undefined, keepsOwners: false, changeMode: undefined, nowSeconds: latestSeconds, latestSeconds, signal } as const;
    return await snapshots.unpack(layerTarOf(plan, root), { signal });
  }

  async #keep(url: URL, key: string, download: Download, checksum: Digest | undefined): Promise<FetchedFile> {
    const { storage, signal } = this.#room;
    const { headers } = download;
    await using spool = await storage.openSpool();
    const hash = createHash('sha256');
    const piece = await spool.append(watched(download.bytes(), (chunk) => hash.update(chunk), url));
    const digest = `sha256:${hash.digest('hex')}` as Digest;
    if (checksum !== undefined && digest !== checksum) throw mismatch(url, digest, checksum);
    const [etag, lastModified] = [headers['etag'], headers['last-modified']].map((header) => (typeof header === 'string' ? header : undefined));
    const modifiedMs = Date.parse(lastModified ?? '');
    const header = tarHeader({ type: 'file', path: fetchedName, mode: 0o600, sizeBytes: piece.sizeBytes, mtimeSeconds: Number.isNaN(modifiedMs) ? 0 : Math.max(0, Math.floor(modifiedMs / 1000)) });
    const layer = await storage.snapshots.unpack(writeTar([{ header, data: spool.read(piece) }]), { signal });
    const disposition = headers['content-disposition'];
    const name = fileNameOf(url, typeof disposition === 'string' ? disposition : undefined);
    this.#put({ key, layer: layer.diffId, sizeBytes: layer.sizeBytes, what: `ADD ${plainUrl(url)}`, remote: { digest, name, etag, lastModified } });
    return { layer: layer.diffId, name };
  }

  #put(record: Pick<CacheRecord, 'key' | 'layer' | 'sizeBytes' | 'what' | 'remote'>): void {
    this.#room.cache.put({ ...record, parent: '', createdAt: new Date().toISOString() });
  }

  #again({ key, layer, remote }: CacheRecord): FetchedFile {
    this.#room.cache.used([key]);
    return { layer: layer!, name: remote?.name };
  }
}

function conditionsOf(known: CacheRecord | undefined): Readonly<Record<string, string>> {
  const { etag, lastModified } = known?.remote ?? {};
  return { ...etag === undefined ? {} : { 'If-None-Match': etag }, ...lastModified === undefined ? {} : { 'If-Modified-Since': lastModified } };
}

async function* watched(bytes: AsyncIterable<Uint8Array>, watch: (chunk: Uint8Array) => void, url: URL): AsyncGenerator<Uint8Array, void, undefined> {
  let total = 0;
  for await (const chunk of bytes) {
    total += chunk.length;
    if (total > fileBytesMax) throw fail('too_large', `${plainUrl(url)} has more than ${fileBytesMax} bytes`);
    watch(chunk);
    yield chunk;
  }
}

function mismatch(url: URL, found: Digest | undefined, wanted: Digest): Error {
  return fail('invalid', `digest mismatch of ${plainUrl(url)}: ${found} is there, ${wanted} was expected`, { hint: 'Either the file has changed, or the checksum is of another one' });
}

/** Without what may be secret. */
function plainUrl(url: URL): string {
  return `${url.origin}${url.pathname}`;
}
