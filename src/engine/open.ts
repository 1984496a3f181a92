// The composition root: opens the rooms in order and plugs them into each other. Nothing else knows all of them.
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, hostname, machine, release, totalmem } from 'node:os';
import type { Logger } from 'pino';
import { BuildCache, CacheMounts, Contexts } from '../build/index.ts';
import { isUp, openContainers, type Containers, type ImagePort, type RuntimeSettings } from '../container/index.ts';
import { EventBus } from '../event/index.ts';
import { builtInHello, openImages } from '../image/index.ts';
import { bootId, fileSystemOf, openCgroups, Readiness } from '../kernel/index.ts';
import { openDns, openFabric, openNetworks, type Networks } from '../network/index.ts';
import { completeSettings, openRegistries, type RegistrySettings } from '../registry/index.ts';
import { makeOwnDirectory, openStorage, type Storage } from '../storage/index.ts';
import { openVolumes, type VolumeUser } from '../volume/index.ts';
import { openBuilding } from './building.ts';
import { openBuilds, plainPlatform } from './builds.ts';
import type { Engine, EngineInfo } from './engine.ts';
import { containerEvent, imageEvent, networkEvent, volumeEvent } from './tell.ts';

export interface EngineOptions {
  /** Everything that stays. Absolute. */
  readonly rootDir: string;
  /** Sockets and what may vanish at reboot. Absolute. */
  readonly runDir: string;
  readonly supervisorCommand: readonly string[];
  /** Absent: ours, and those that are installed. */
  readonly runtimes?: RuntimeSettings | undefined;
  readonly log: Logger;
  /** Mirrors, insecure names, proxies; what is not given has its default. */
  readonly registries?: Partial<RegistrySettings>;
  /** What images may take on the disk; absent: as much as there is. */
  readonly imageBudgetBytes?: number | undefined;
  /** Layers that are fetched, and that are sent, at once. */
  readonly concurrent?: { readonly downloads?: number | undefined; readonly uploads?: number | undefined };
}

/** @throws `conflict` when another engine has the root. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  makeOwnDirectory(options.runDir, 0o711);
  await using opened = new AsyncDisposableStack();
  const storage = opened.use(await openStorage({ rootDir: options.rootDir, onTrouble: (error) => options.log.warn({ err: error }, 'not everything that was removed could be taken off the disk') }));
  const known: { containers?: Containers } = {};
  const events = new EventBus();
  const cache = new BuildCache(storage);
  const cacheMounts = new CacheMounts(storage);
  const contexts = opened.use(new Contexts(storage, bootId()));
  const registrySettings = completeSettings(options.registries ?? {});
  const registries = opened.use(openRegistries(registrySettings));
  const images = opened.use(await openImages({ storage, registries, concurrent: options.concurrent, budgetBytes: options.imageBudgetBytes, builtIns: [builtInHello()], onTrouble: (error) => options.log.warn({ err: error }, 'work on images in the background came to nothing'), ...usesOfImages(known, cache), tell: (happening) => events.publish(imageEvent(happening)) }));
  const cgroups = opened.use(openCgroups());
  const id = engineId(storage);
  const networks = opened.use(openHostNetworks(id, { ...options, storage, events, opened }));
  const volumes = openVolumes({ storage, usersOf: (name) => usersOfVolume(known.containers?.list() ?? [], name), tell: (happening) => events.publish(volumeEvent(happening)) });
  const imagePort: ImagePort = { get: (nameOrId, platform) => images.take(nameOrId, platform), prepareCommit: (commit) => images.prepareCommit(commit) };
  const containers = opened.use(await openContainers({ ...options, storage, cgroups, networks, volumes, images: imagePort, tell: (happening) => events.publish(containerEvent(happening)) }));
  known.containers = containers;
  await volumes.reconcile();
  images.sweep();
  const cgroupFacts = { cgroupVersion: cgroups.version, cgroupControllers: cgroups.controllers };
  const all = opened.move();
  return {
    containers, images, networks, volumes, registries, events, builds: openBuilds(images, openBuilding({ storage, images, containers, cache, cacheMounts, contexts, buildPlatform: plainPlatform(), registrySettings })),
    info: () => ({
      id, rootDir: options.rootDir, runDir: options.runDir, ...count(containers), images: images.list().length, ...hostFacts(), ...cgroupFacts, seccomp: true,
      backingFileSystem: fileSystemOf(options.rootDir), forwardsIpv4: readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim() === '1', openFiles: readdirSync('/proc/self/fd').length, eventListeners: events.listeners, registries: registrySettings,
      ...containers.runtimes(),
    }),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function openHostNetworks(engineId: string, { storage, events, opened, log }: { readonly storage: Storage; readonly events: EventBus; readonly opened: AsyncDisposableStack; readonly log: Logger }): Networks {
  const readiness = opened.use(new Readiness());
  using undo = new DisposableStack();
  const fabric = undo.use(openFabric({ engineId, readiness, failed: (error) => log.warn({ err: error }, 'a link or a rule of a network could not be changed') }));
  const dns = undo.use(openDns());
  const networks = openNetworks({ storage, engineId, fabric, dns, tell: (happening) => events.publish(networkEvent(happening)) });
  undo.move();
  return networks;
}

/** What images must know of containers. While the engine opens there are none to ask. */
function usesOfImages(known: { readonly containers?: Containers }, cache: BuildCache): Pick<Parameters<typeof openImages>[0], 'imageInUse' | 'layersInUse'> {
  const list = (): ReturnType<Containers['list']> => known.containers?.list() ?? [];
  return {
    imageInUse: (id) => {
      const users = list().filter(({ imageId, mounts }) => imageId === id || mounts.some((point) => point.type === 'image' && point.imageId === id));
      const user = users.find(({ state }) => isUp(state)) ?? users[0];
      return user === undefined ? undefined : { containerId: user.id, running: isUp(user.state) };
    },
    layersInUse: () => [...list().flatMap(({ layers, mounts }) => [...layers, ...mounts.flatMap((point) => (point.type === 'image' ? point.layers : []))]), ...cache.layers()],
  };
}

/** What volumes must know of containers. */
function usersOfVolume(containers: ReturnType<Containers['list']>, name: string): readonly VolumeUser[] {
  return containers.filter(({ mounts }) => mounts.some((point) => point.type === 'volume' && point.name === name)).map(({ id, state }) => ({ containerId: id, isUp: isUp(state) }));
}

function count(containers: Containers): Pick<EngineInfo, 'containers'> {
  const all = containers.list();
  const paused = all.filter(({ state }) => state.status === 'paused').length;
  const running = all.filter(({ state }) => isUp(state)).length - paused;
  return { containers: { total: all.length, running, paused, stopped: all.length - running - paused } };
}

function engineId(storage: Storage): string {
  const table = storage.records.table('engine', (json) => String(json));
  const stored = table.get('id');
  if (stored !== undefined) return stored;
  const id = randomUUID();
  storage.records.transaction(() => table.put('id', id));
  return id;
}

function hostFacts(): Pick<EngineInfo, 'kernelVersion' | 'operatingSystem' | 'osVersion' | 'machine' | 'cpus' | 'memoryBytes' | 'hostname'> {
  const osRelease = readOsRelease();
  return {
    kernelVersion: release(), operatingSystem: osRelease('PRETTY_NAME') || 'Linux', osVersion: osRelease('VERSION_ID'), machine: machine(),
    cpus: availableParallelism(), memoryBytes: totalmem(), hostname: hostname(),
  };
}

function readOsRelease(): (key: string) => string {
  let text = '';
  try {
    text = readFileSync('/etc/os-release', 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return (key) => new RegExp(`^${key}="?([^"\n]*)"?$`, 'm').exec(text)?.[1] ?? '';
}
