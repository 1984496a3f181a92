// A build as a program asks for it: a directory or a tar, and what shall come of it.
import { contextOfDirectory, deliverContext, type BuildWishes } from '../client/index.ts';
import type { BuildHappening, Engine } from '../engine/index.ts';
import type { ContextOffer } from '../spec/estiva/build-context.ts';
import { parsePlatform } from '../spec/oci/platform.ts';

/** What happens in a build: steps, what they print, what came out of the cache. */
export type BuildProgress = BuildHappening;

export interface BuildOptions extends BuildWishes {
  /** Asks the registry also for images that are here. */
  readonly pull?: boolean;
  /** Of RUN steps: `none`, `host`, or a network by name. */
  readonly network?: string;
  readonly onProgress?: (progress: BuildProgress) => void;
}

/** Nothing asked for. Bytes; 64 MiB of /dev/shm, as ever. */
const plainLimits = { ShmSize: 64 << 20, Ulimits: [], Memory: 0, MemorySwap: 0, CpuShares: 0, CpuPeriod: 0, CpuQuota: 0, CpusetCpus: '', CpusetMems: '' };

export async function buildIn(builds: Engine['builds'], options: BuildOptions): Promise<string> {
  const { context, dockerfile = 'Dockerfile', buildArgs = {}, tags = [], labels = {}, platform, target, noCache = false, pull = false, network = '', onProgress, signal } = options;
  const source = typeof context === 'string' ? contextOfDirectory(context, dockerfile) : { dockerfile, bytes: context };
  const ending = signal ?? new AbortController().signal;
  const door = { offer: (offer: ContextOffer) => builds.contexts.offer(offer, ending), send: (id: string, parcel: AsyncIterable<Uint8Array>) => builds.contexts.receive(id, parcel, ending) };
  const { id } = await builds.build({
    context: 'bytes' in source ? source.bytes : { delivered: await deliverContext(door, source.key, source.entries) }, dockerfile: source.dockerfile, tags, buildArgs: new Map(Object.entries(buildArgs)), labels, target,
    platform: platform === undefined ? undefined : parsePlatform(platform), noCache, noCacheStages: [], allowed: new Set(), offersShell: false, pull, network, extraHosts: [], limits: plainLimits, removesContainers: true, credentials: new Map(),
    onHappening: (happening) => onProgress?.(happening), signal: ending,
  });
  return id;
}
