// Building in this engine: the solver, with our images under it and our containers for its steps.
import type { Duplex } from 'node:stream';
import { isFail } from '../base/index.ts';
import { build, BuildSessions, Flights, type BaseImage, type BuildCache, type BuildOrder, type BuildPorts, type Built, type CacheMounts, type CacheRecord, type Contexts, type KeptContext } from '../build/index.ts';
import { resolveUser, type Containers } from '../container/index.ts';
import type { OpenedImages } from '../image/index.ts';
import { readFileIn, signalNumber } from '../kernel/index.ts';
import { download, type Credentials, type RegistrySettings } from '../registry/index.ts';
import type { Platform } from '../spec/oci/image.ts';
import { parseReference } from '../spec/reference.ts';
import type { Storage } from '../storage/index.ts';

/** What is built is this machine's, unless it says otherwise. */
export type BuildWishes = Omit<BuildOrder, 'buildPlatform' | 'platform' | 'session'> & {
  readonly platform: Platform | undefined;
  /** For pulls, by the registry's domain. */
  readonly credentials: ReadonlyMap<string, Credentials>;
  /** The id of a session that the client holds. */
  readonly session?: string | undefined;
};

/** What the build cache has: the results of steps, the directories that programs keep (RUN --mount=type=cache), and the contexts of builds. */
export interface CachedStep extends CacheRecord {
  readonly type: 'regular' | 'exec.cachemount' | 'source.local';
  /** An image has its layer: to forget the step gives no space back. */
  readonly isShared: boolean;
  /** A step works in it: it stays. */
  readonly isInUse: boolean;
}

export interface Building {
  /** @throws DockerfileError, BuildFailure, and what a pull or a start throws */
  build(wishes: BuildWishes): Promise<Built>;
  /** Holds a session for as long as its client does. @throws `invalid` when that does not keep to the protocol */
  holdSession(id: string, socket: Duplex): Promise<void>;
  /** Contexts of which only what changed must come. */
  readonly contexts: Pick<Contexts, 'offer' | 'receive'>;
  /** What the build cache has. */
  cached(): Promise<readonly CachedStep[]>;
  /** Forgets steps. Gives those that are gone, and the bytes that this gave back. */
  pruneCache(isChosen: (step: CachedStep) => boolean): Promise<{ readonly keys: readonly string[]; readonly reclaimedBytes: number }>;
}

export interface BuildingParts {
  readonly storage: Storage;
  readonly images: OpenedImages;
  readonly containers: Pick<Containers, 'runStep'>;
  readonly cache: BuildCache;
  readonly cacheMounts: CacheMounts;
  readonly contexts: Contexts;
  readonly buildPlatform: Platform;
  readonly registrySettings: RegistrySettings;
}

const passwdBytesMax = 4 << 20;

export function openBuilding({ storage, images, containers, cache, cacheMounts, contexts, buildPlatform, registrySettings }: BuildingParts): Building {
  const ports: Omit<BuildPorts, 'image'> = {
    run: (request) => containers.runStep(request),
    download: (request) => download(request, registrySettings),
    archive: (config, references, options) => images.archiveOf(config, references, options),
    put: ({ config, references }) => images.putBuilt(config, references),
    whileMaking: (work) => images.whileMaking(work),
    owner: (root, text) => resolveUser(text.includes(':') ? text : `${text}:${text}`, [], (path) => readFileIn(root, path, passwdBytesMax, 'inside')),
    isSignal: (word) => signalNumber(word) !== undefined,
  };
  const sessions = new BuildSessions();
  const flights = new Flights();
  const steps = (): readonly CachedStep[] => {
    const inImages = new Set(images.list().flatMap(({ layers }) => layers));
    return cache.list().map((record) => ({ ...record, type: 'regular', isShared: record.layer !== undefined && inImages.has(record.layer), isInUse: false }));
  };
  const cached = async (): Promise<readonly CachedStep[]> => [...steps(), ...await Promise.all(cacheMounts.list().map((mount) => mountAsStep(cacheMounts, mount))), ...contexts.list().map(contextAsStep)];
  return {
    holdSession: (id, socket) => sessions.hold(id, socket),
    // eslint-disable-next-line typescript/require-await -- what is wrong about the session is a rejection
    build: async ({ credentials, session, ...wishes }) => build({ storage, cache, cacheMounts, contexts, flights, ports: { ...ports, image: (reference, platform, options) => findOrPull(images, reference, platform, { ...options, credentials }) } }, { ...wishes, session: session === undefined ? undefined : sessions.get(session), platform: wishes.platform ?? buildPlatform, buildPlatform }),
    contexts, cached,
    pruneCache: async (isChosen) => {
      const chosen = (await cached()).filter((step) => !step.isInUse && isChosen(step));
      const of = (wanted: CachedStep['type']): readonly CachedStep[] => chosen.filter(({ type }) => type === wanted);
      const [mounts, kept] = [of('exec.cachemount'), of('source.local')];
      const layerBytes = (): number => storage.snapshots.layers().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      const before = layerBytes();
      cache.forget(of('regular').map(({ key }) => key));
      cacheMounts.forget(mounts.map(({ key }) => key));
      contexts.forget(kept.map(({ key }) => key));
      images.sweep();
      return { keys: chosen.map(({ key }) => key), reclaimedBytes: Math.max(0, before - layerBytes()) + [...mounts, ...kept].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
    },
  };
}

function contextAsStep({ key, inUse, createdAt, usedAt, uses, sizeBytes, entries }: KeptContext & { readonly inUse: boolean }): CachedStep {
  return { key, parent: '', createdAt, usedAt, uses, sizeBytes, what: `local source of ${entries} entries`, type: 'source.local', isShared: false, isInUse: inUse };
}

/** Its directory's name is its id: one that was asked for as private has brothers of the same key. */
async function mountAsStep(mounts: CacheMounts, { name, isInUse, createdAt, usedAt, uses, what }: ReturnType<CacheMounts['list']>[number]): Promise<CachedStep> {
  return { key: name, parent: '', createdAt, usedAt, uses, sizeBytes: await mounts.usedBytes(name), what, type: 'exec.cachemount', isShared: false, isInUse };
}

/** Local images first, unless the registry is to be asked anyway. */
async function findOrPull(images: OpenedImages, reference: string, platform: Platform, { pull, signal, credentials }: { readonly pull: boolean; readonly signal: AbortSignal; readonly credentials: BuildWishes['credentials'] }): Promise<BaseImage> {
  const here = pull ? undefined : find(images, reference, platform);
  if (here !== undefined) return here;
  await images.pull(reference, { platform, signal, credentials: credentials.get(parseReference(reference).domain) });
  return images.take(reference, platform);
}

/** A name without a domain and a tag may also be the beginning of an id. */
function find(images: OpenedImages, reference: string, platform: Platform): BaseImage | undefined {
  const id = /^docker\.io\/library\/((?:sha256:)?[0-9a-f]{6,64}):latest$/.exec(reference)?.[1];
  for (const name of id === undefined ? [reference] : [reference, id]) {
    try {
      return images.take(name, platform);
    } catch (error) {
      if (!isFail(error, 'not_found')) throw error;
    }
  }
  return undefined;
}

