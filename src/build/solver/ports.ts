// What builds ask of images and containers. The engine plugs it in.
import type { Duplex } from 'node:stream';
import type { Digest } from '../../base/index.ts';
import type { Fd } from '../../kernel/index.ts';
import type { TerminalSize } from '../../spec/estiva/build-session.ts';
import type { ImageConfig, Platform } from '../../spec/oci/image.ts';

export interface BaseImage {
  readonly id: Digest;
  readonly config: ImageConfig;
  /** Lowest first. */
  readonly layers: readonly Digest[];
}

/** What a step's container may use. In Docker's words and units. */
export interface StepLimits {
  readonly ShmSize: number;
  readonly Ulimits: readonly { readonly Name: string; readonly Soft: number; readonly Hard: number }[] | null;
  readonly Memory: number;
  readonly MemorySwap: number;
  readonly CpuShares: number;
  readonly CpuPeriod: number;
  readonly CpuQuota: number;
  readonly CpusetCpus: string;
  readonly CpusetMems: string;
}

/** What a step is shown besides its own files. */
export interface RunMount {
  /** Absolute. */
  readonly destination: string;
  /** Opens a mount that is nowhere yet, which a start takes; undefined: a tmpfs of its own. */
  readonly source: (() => Fd) | undefined;
  readonly options: readonly string[];
}

export interface RunTerminal {
  readonly stream: Duplex;
  readonly size: TerminalSize;
  readonly onResize: (listener: (size: TerminalSize) => void) => void;
}

export interface RunRequest {
  readonly layers: readonly Digest[];
  readonly platform: Platform;
  readonly command: readonly string[];
  readonly environment: readonly string[];
  readonly user: string;
  readonly workingDir: string;
  readonly network: string;
  /** With all rights of the machine. */
  readonly isPrivileged: boolean;
  readonly extraHosts: readonly string[];
  readonly limits: StepLimits;
  readonly mounts: readonly RunMount[];
  /** Some of the environment may be kept nowhere. */
  readonly hasSecrets: boolean;
  /** Called with what the program changed before it becomes a layer. */
  readonly onChanges: (changes: Fd) => void;
  /** The program failed: its files, mounts and limits are there until this resolves. `run`: another program in it, at a terminal. */
  readonly onFailure: (end: { readonly exitCode: number; readonly oomKilled: boolean }, run: (command: readonly string[], terminal: RunTerminal) => Promise<void>) => Promise<void>;
  /** No time in the layer is later. */
  readonly latestSeconds: number | undefined;
  readonly onStarted: (containerId: string) => void;
  readonly onOutput: (chunk: { readonly stream: 'stdout' | 'stderr'; readonly bytes: Uint8Array }) => void;
  readonly signal: AbortSignal;
}

export type RunEnd = { readonly exitCode: number; readonly oomKilled: boolean; readonly layer: { readonly diffId: Digest; readonly sizeBytes: number; readonly entries: number } | undefined };

export interface NewImage {
  readonly config: ImageConfig;
  readonly references: readonly string[];
}

/** A file of the web that is asked for. */
export interface DownloadRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** In the place of the daemon's own. */
  readonly proxy: { readonly http?: string | undefined; readonly https?: string | undefined; readonly none?: string };
  readonly signal: AbortSignal;
}

export interface Download extends Disposable {
  readonly status: number;
  readonly statusText: string;
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Once. */
  bytes(): AsyncIterable<Uint8Array>;
}

export interface BuildPorts {
  /** @throws what went wrong on the way; a refusal is an answer */
  download(request: DownloadRequest): Promise<Download>;
  /** @throws `not_found` when it is nowhere */
  image(reference: string, platform: Platform, options: { readonly pull: boolean; readonly signal: AbortSignal }): Promise<BaseImage>;
  /** Runs a program; when it ends well, what it changed is a layer. */
  run(request: RunRequest): Promise<RunEnd>;
  /** An archive of an image that nobody knows, its layers are there; and the digest of its manifest. */
  archive(config: ImageConfig, references: readonly string[], options: { readonly isForDocker: boolean; readonly annotations: Readonly<Record<string, string>> }): { readonly bytes: AsyncIterable<Uint8Array>; readonly manifest: Digest };
  /** Makes the image visible: its layers are there. */
  put(image: NewImage): Promise<Digest>;
  /** Runs work during which no layer is swept. */
  whileMaking<T>(work: () => Promise<T>): Promise<T>;
  /** Ids of `name:group`, looked up in the files of `root`. @throws `invalid` */
  owner(root: Fd, text: string): { readonly uid: number; readonly gid: number };
  isSignal(word: string): boolean;
}

