// The engine as a program holds it: images come in, containers are made of them, and closing it gives the data root back.
import { fileURLToPath } from 'node:url';
import { resolve } from 'node:path';
import { destination, pino } from 'pino';
import { fail } from '../base/index.ts';
import { parsePlatform } from '../spec/oci/platform.ts';
import { canonicalReference, parseReference, withDefaultTag } from '../spec/reference.ts';
import { openEngine as openRooms, supervisorCommand, type CreateNetworkRequest, type Engine as Rooms, type Image } from '../engine/index.ts';
import { buildIn, type BuildOptions } from './build.ts';
import { createIn, handleOf, type Container, type ContainerOptions, type Output, type RunOptions } from './container.ts';
import { collect } from './output.ts';

export interface EngineOptions {
  /** The data root: images, containers, logs. One engine at a time has it; a second one, or a daemon, is refused. */
  readonly root: string;
  /** Sockets and what may vanish at reboot: `run` in the data root unless given. Its path must leave room for a socket's name (107 bytes in all). */
  readonly run?: string;
  /** What the engine tells on stderr of what it could not tell a caller: errors, unless given. */
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error' | 'silent';
}

/** An image that is here. */
export interface ImageSummary {
  /** `sha256:…`, the digest of its configuration. */
  readonly id: string;
  /** `busybox:latest` */
  readonly tags: readonly string[];
  /** Of all layers, unpacked. */
  readonly sizeBytes: number;
  readonly createdAt: Date;
}

export interface ImportOptions {
  /** `name[:tag]` for the new image. */
  readonly reference?: string;
  /** Instructions as in a Dockerfile: `CMD ["sh"]`, `ENV a=b`. */
  readonly changes?: readonly string[];
  readonly message?: string;
  readonly signal?: AbortSignal;
}

export interface NetworkSummary {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  readonly subnets: readonly string[];
}

export interface NetworkOptions {
  /** `10.5.0.0/24`; of each family that has none, one that is free. */
  readonly subnets?: readonly string[];
  readonly ipv6?: boolean;
  /** Nothing goes out of it, nothing comes in. */
  readonly internal?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface VolumeSummary {
  readonly name: string;
  /** Where its files are on the host. */
  readonly path: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAt: Date;
}

export interface VolumeOptions {
  readonly labels?: Readonly<Record<string, string>>;
  /** `{ type: 'tmpfs', device: 'tmpfs', o: 'size=100m' }`, as mount(8) has them. */
  readonly options?: Readonly<Record<string, string>>;
}

/** Errors that can be foreseen are `EstivaError`: `kind` for programs, `message` and `hint` for people. */
export interface Engine extends AsyncDisposable {
  /** Newest first. `estiva/hello` is always there. */
  images(): readonly ImageSummary[];
  /** Reads what `docker save`, skopeo or umoci wrote: docker-archive or OCI, plain, gzip or zstd. @returns the tags, or ids of images without. */
  load(archive: AsyncIterable<Uint8Array>, options?: { readonly signal?: AbortSignal }): Promise<readonly string[]>;
  /** Makes an image of one layer from a tar of files. @returns its id. */
  import(files: AsyncIterable<Uint8Array>, options?: ImportOptions): Promise<string>;
  /** Brings an image here, if it is not here yet. @throws `not_found`, `unauthorized` … in Docker's words. */
  pull(reference: string, options?: { readonly platform?: string; readonly signal?: AbortSignal }): Promise<void>;
  /** @throws `conflict` when a container uses it, unless `force`. */
  removeImage(nameOrId: string, options?: { readonly force?: boolean }): Promise<void>;

  /** Builds an image from a Dockerfile. @returns its id. @throws DockerfileError for a wrong Dockerfile, BuildFailure for a step that failed: both with its lines. */
  build(options: BuildOptions): Promise<string>;

  /** Makes a container; it does not run yet. `await using` removes it at the end of the block. */
  create(options: ContainerOptions): Promise<Container>;
  /** Runs a program to its end in a container of its own, and removes that. */
  run(image: string, command?: readonly string[], options?: RunOptions): Promise<Output>;
  /** By id, unambiguous prefix of one, or name. @throws `not_found` */
  container(idOrName: string): Container;
  /** All, newest first. */
  containers(): readonly Container[];

  /** By name. `bridge`, `host` and `none` are always there. */
  networks(): readonly NetworkSummary[];
  /** Containers in it find each other by name. @returns its id @throws `conflict` for a name that is taken, `denied` for subnets that overlap. */
  createNetwork(name: string, options?: NetworkOptions): string;
  /** @throws `not_found`, `denied` while somebody is in it. */
  removeNetwork(nameOrId: string): void;

  /** By name. */
  volumes(): readonly VolumeSummary[];
  /** The one that is there already, whatever the options say. @returns its name: without one it gets 64 hexadecimal digits. @throws `invalid` */
  createVolume(name?: string, options?: VolumeOptions): Promise<string>;
  /** A new volume with the files of another, also while that is in use. @throws `conflict` when there is one called so */
  cloneVolume(name: string, to: string): Promise<void>;
  /** @throws `not_found`, `conflict` while a container has it */
  removeVolume(name: string): Promise<void>;

  /** Gives the data root back. Containers that run go on, and the next engine of this root has them again; without any, nothing is left running. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** @throws `conflict` when another engine or daemon has the root, `denied` without root's rights. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  if (process.getuid?.() !== 0) throw fail('denied', 'An engine needs root: it makes namespaces, mounts and cgroups');
  const rootDir = resolve(options.root);
  const runDir = resolve(options.run ?? `${rootDir}/run`);
  const log = pino({ level: options.logLevel ?? 'error' }, destination({ dest: 2, sync: true }));
  return faceOf(await openRooms({ rootDir, runDir, supervisorCommand: supervisorCommand(supervisorMain(), runDir), log }));
}

/** Among the sources, or beside the bundle. */
function supervisorMain(): string {
  return fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../bin/supervisor.ts' : './supervisor.cjs', import.meta.url));
}

function faceOf(rooms: Rooms): Engine {
  const { containers, images, networks, volumes } = rooms;
  return {
    images: () => images.list().map(summaryOf),
    load: async (archive, { signal } = {}) => (await images.load(archive, signal === undefined ? {} : { signal })).flatMap(({ id, repoTags }) => (repoTags.length > 0 ? repoTags : [id])),
    import: (files, { reference, changes, message, signal } = {}) => images.import(files, { reference, changes, message, signal }),
    pull: (reference, { platform, signal } = {}) => images.pull(named(reference), { platform: platform === undefined ? undefined : parsePlatform(platform), signal }),
    removeImage: async (nameOrId, { force = false } = {}) => { await images.remove(nameOrId, { force, prune: true }); },
    build: (options) => buildIn(rooms.builds, options),
    create: (options) => createIn(containers, options),
    run: async (image, command, { input, signal, outputBytesMax, ...options } = {}) => {
      await using container = await createIn(containers, { ...options, image, command: command ?? options.command ?? [], stdin: input !== undefined });
      return await collect(await container.begin(signal), { input, outputBytesMax, signal }); // awaited here: the container goes at the end of this block
    },
    container: (idOrName) => handleOf(containers, containers.get(idOrName)),
    containers: () => containers.list().map((record) => handleOf(containers, record)),
    networks: () => networks.list().map(({ id, name, driver, ipam }) => ({ id, name, driver, subnets: ipam.subnets.map(({ subnet }) => subnet) })),
    createNetwork: (name, options = {}) => networks.create(bridgeNetwork(name, options)).id,
    removeNetwork: (nameOrId) => { networks.remove(nameOrId); },
    volumes: () => volumes.list().map(({ name, labels, createdAt }) => ({ name, path: volumes.directoryOf(name), labels: labels ?? {}, createdAt })),
    createVolume: async (name = '', { labels = null, options = null } = {}) => (await volumes.create({ name, driver: '', labels, options })).name,
    cloneVolume: async (name, to) => { await volumes.clone(name, { name: to, driver: '', labels: null, options: null }); },
    removeVolume: (name) => volumes.remove(name),
    [Symbol.asyncDispose]: async () => { await rooms[Symbol.asyncDispose](); },
  };
}

function bridgeNetwork(name: string, { subnets = [], ipv6 = false, internal = false, labels = {} }: NetworkOptions): CreateNetworkRequest {
  return {
    name, driver: 'bridge', ipv4: true, ipv6, internal, attachable: false, configOnly: false, configFrom: '', options: {}, labels,
    ipam: { driver: '', options: null, subnets: subnets.map((subnet) => ({ subnet, range: '', gateway: '', auxiliary: {} })) },
  };
}

/** A name alone means its tag `latest`. */
function named(reference: string): string {
  return canonicalReference(withDefaultTag(parseReference(reference)));
}

function summaryOf({ id, repoTags, sizeBytes, createdAt }: Image): ImageSummary {
  return { id, tags: repoTags, sizeBytes, createdAt };
}
