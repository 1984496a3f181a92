// A step before it is done: what its result depends on, what history says of it, and how its layer is made. The solver looks its key up first, so `make`
// is for steps that the cache does not know.
import type { Digest } from '../../base/index.ts';
import type { ImageRunConfig } from '../../spec/oci/image.ts';
import type { Storage } from '../../storage/index.ts';
import type { BuildSession } from '../session.ts';
import type { Base } from '../stages.ts';
import type { CacheLease, CacheWish } from './cache-mounts.ts';
import type { Tell } from './happening.ts';
import type { BuildPorts, StepLimits } from './ports.ts';
import type { Fetcher } from './remote/fetcher.ts';
import type { SourceTree } from './sources.ts';

export interface MadeLayer {
  readonly diffId: Digest;
  readonly sizeBytes: number;
  readonly entries: number;
}

export interface Work {
  /** All that it depends on besides the step before. */
  readonly keyParts: readonly unknown[];
  /** Its layer does not depend on the step before either (--link): it is the same upon whatever there is below. */
  readonly isIndependent?: boolean;
  readonly createdBy: string;
  /** Of the image after it. */
  readonly config: ImageRunConfig;
  readonly author?: string;
  readonly hasOwnCommand?: boolean;
  /** `room`: as when it was planned, but that who hears of it and who may end it are perhaps several builds. Undefined: no file is changed. */
  readonly make: (room: StepRoom) => Promise<MadeLayer | undefined>;
}

export interface SolveOptions {
  readonly noCache: boolean;
  /** Names or numbers of stages that are done anew. */
  readonly noCacheStages: readonly string[];
  /** What RUN may ask for: `security.insecure`, `network.host`. */
  readonly allowed: ReadonlySet<string>;
  /** Whoever holds the session may look into a step that failed. */
  readonly offersShell: boolean;
  /** Of RUN without --network. */
  readonly network: string;
  readonly extraHosts: readonly string[];
  readonly limits: StepLimits;
  /** SOURCE_DATE_EPOCH. */
  readonly epochSeconds: number | undefined;
  /** Of the request: those that RUN sees without declaring them (proxies) among them. */
  readonly buildArgs: ReadonlyMap<string, string>;
  readonly removesContainers: boolean;
}

/** What a step has around it. */
export interface StepRoom {
  readonly storage: Storage;
  readonly ports: BuildPorts;
  readonly options: SolveOptions;
  readonly tell: Tell;
  readonly signal: AbortSignal;
  /** Closed when the step is done. */
  readonly opened: DisposableStack;
  /** The files of a stage or an image; of the context, when there is no source. */
  readonly treeOf: (source: Base | undefined) => Promise<SourceTree>;
  /** Undefined: its client holds none. */
  readonly session: BuildSession | undefined;
  /** Waits where another step has it. */
  readonly leaseCache: (wish: CacheWish) => Promise<CacheLease>;
  /** For what stands elsewhere. */
  readonly fetcher: Fetcher;
  /** Waits until fewer than the most programs run. */
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
}

/** The time of what a step makes. */
export function nowSecondsOf({ epochSeconds }: SolveOptions): number {
  return epochSeconds ?? Math.floor(Date.now() / 1000);
}
