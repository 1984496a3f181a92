// The engine: a record of services, and what they know of the whole. `open.ts` is the composition root; this file is the shape.
import type { Containers } from '../container/index.ts';
import type { Events } from '../event/index.ts';
import type { Images } from '../image/index.ts';
import type { Networks } from '../network/index.ts';
import type { Registries, RegistrySettings } from '../registry/index.ts';
import type { Volumes } from '../volume/index.ts';
import type { Builds } from './builds.ts';

/** What `GET /info` is made of. */
export interface EngineInfo {
  /** Stable for a data root: a UUID. */
  readonly id: string;
  readonly rootDir: string;
  readonly runDir: string;
  readonly containers: { readonly total: number; readonly running: number; readonly paused: number; readonly stopped: number };
  readonly images: number;
  readonly kernelVersion: string;
  /** From /etc/os-release: PRETTY_NAME and VERSION_ID. */
  readonly operatingSystem: string;
  readonly osVersion: string;
  /** As `uname -m`: `x86_64`, `aarch64`. */
  readonly machine: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly hostname: string;
  readonly cgroupVersion: 1 | 2;
  /** Controllers that limits can use here: `memory`, `swap`, `pids`, `cpu`, `cpuset`, `devices`. */
  readonly cgroupControllers: ReadonlySet<string>;
  readonly seccomp: boolean;
  /** The file system of the data root: `extfs`, `xfs`. */
  readonly backingFileSystem: string;
  /** Whether the host routes between its networks. */
  readonly forwardsIpv4: boolean;
  /** Descriptors that the daemon holds. */
  readonly openFiles: number;
  readonly eventListeners: number;
  readonly registries: Pick<RegistrySettings, 'mirrors' | 'insecure' | 'defaultRegistry' | 'proxy'>;
  /** What containers may ask for, ours first. */
  readonly runtimes: readonly { readonly name: string; readonly path: string }[];
  readonly defaultRuntime: string;
}

export interface Engine extends AsyncDisposable {
  readonly containers: Containers;
  readonly images: Images;
  readonly networks: Networks;
  readonly volumes: Volumes;
  readonly registries: Registries;
  readonly builds: Builds;
  readonly events: Events;
  info(): EngineInfo;
}
