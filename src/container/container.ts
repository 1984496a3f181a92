// A container: a root filesystem, a configuration, and at most one running program at a time.
//
// Words. The *record* is what is stored: configuration, image, state. *Live* is what exists only while it runs: pid, streams, waiters.
// The *view* is Docker's JSON, made at the api's edge. A state is replaced, never edited.
//
// Its states and the verbs that they allow are in state.ts. Verbs on one container are served one after the other, in the order in which they
// came (one serial queue each); waiting, logs and attach are no verbs of the queue, and stop and kill go past it.
import type { ContainerId, Digest } from '../base/index.ts';
import type { ContainerConfig, CreateContainerRequest, EndpointSettings, ExecConfig, HostConfig, UpdateContainerRequest } from '../spec/docker/container.ts';
import type { Platform } from '../spec/oci/image.ts';
import type { BuildStep, BuildStepEnd } from './build-step.ts';
import type { ContainerSize } from './size.ts';
import type { Health } from './health/check.ts';
import type { ProcessTable } from './top.ts';
import type { StatsSample, StatsWatcher } from './stats.ts';
import type { Connection } from '../network/index.ts';
import type { FileVerbs } from './file-verbs.ts';
import type { Link } from './links.ts';
import type { MountPoint } from './mounts/index.ts';
import type { State } from './state.ts';

export type { Health } from './health/check.ts';
export type { Link } from './links.ts';
export type { State } from './state.ts';
export type { MountPoint } from './mounts/index.ts';

/** What is stored of a container. `config` and `hostConfig` are whole: the image's defaults are merged in. */
export interface ContainerRecord {
  readonly id: ContainerId;
  /** Without the slash that Docker's inspect puts before it. */
  readonly name: string;
  readonly createdAt: Date;
  readonly imageId: Digest;
  readonly platform: Platform;
  /** Unpacked layers, lowest first. */
  readonly layers: readonly Digest[];
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  /** What it asks of networks; what it has of them while it runs is in its state. Empty: it shares another's network, or nobody connected it. */
  readonly connections: readonly Connection[];
  /** Whom it wants to find in the default network. */
  readonly links: readonly Link[];
  /** Besides the kernel's file systems, the engine's own files, and what `--tmpfs` asks for. */
  readonly mounts: readonly MountPoint[];
  readonly state: State;
  readonly restartCount: number;
  /** Absent: no health check is made. */
  readonly health?: Health | undefined;
  /** Where the log is, for `LogPath`; empty for drivers without a file. */
  readonly logPath: string;
  /** Where its hosts, host name and name server files are: another container's directory, when the network is shared. */
  readonly filesDir: string;
}

export type StreamName = 'stdout' | 'stderr';

export interface OutputChunk {
  readonly stream: StreamName;
  /** Owned by the receiver: never written again by the sender. */
  readonly bytes: Uint8Array;
}

/** One client's hold on a running program's streams. Disposing detaches; the program goes on. */
export interface Attachment extends AsyncDisposable {
  /** With a terminal there is one raw stream (`stdout`); without, two that the client tells apart. */
  readonly tty: boolean;
  /** Output from the moment of attaching (preceded by the log's when asked for), to the end of the streams. Pull it steadily: a client that stands still is cut off, it never holds up the program. */
  readonly output: AsyncIterable<OutputChunk>;
  /** Writes to the program's stdin; resolves when the bytes are in the pipe. Fails with `conflict` when stdin is closed. */
  write(bytes: Uint8Array): Promise<void>;
  /** Half-close: the program reads end of file once all bytes before are read (when stdin is open for one client only, or it is an exec's). */
  closeInput(): Promise<void>;
}

export interface AttachOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Send what was logged so far first. */
  readonly logs: boolean;
  /** Stay attached; without it only `logs` are sent. */
  readonly stream: boolean;
}

export interface LogOptions {
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly follow: boolean;
  /** Nanoseconds since 1970, as the times of entries: the first and the last that are wanted. */
  readonly sinceNs?: bigint | undefined;
  readonly untilNs?: bigint | undefined;
  /** The last n entries; absent: all. */
  readonly tail?: number | undefined;
  readonly signal: AbortSignal;
}

export interface LogEntry {
  readonly stream: StreamName;
  /** RFC 3339 with nanoseconds, UTC, as in the json-file log. */
  readonly time: string;
  /** With its newline, when the program wrote one. */
  readonly bytes: Uint8Array;
  /** Labels, environment and tag that the log was asked to keep with each entry. */
  readonly details?: Readonly<Record<string, string>>;
}

/** Absent: the container's own, then Docker's (SIGTERM, ten seconds). */
export interface StopOptions {
  readonly signal?: string | undefined;
  /** -1: for ever. */
  readonly timeoutSeconds?: number | undefined;
}

export type WaitCondition = 'not-running' | 'next-exit' | 'removed';
export interface WaitResult { readonly exitCode: number; readonly error?: string | undefined }

/** What a prune has removed, and the bytes that this gave back. */
export interface Pruned {
  readonly ids: readonly ContainerId[];
  readonly reclaimedBytes: number;
}

export interface ExecRecord {
  readonly id: string;
  readonly containerId: ContainerId;
  readonly config: ExecConfig;
  readonly state: { readonly status: 'created' } | { readonly status: 'running'; readonly pid: number } | { readonly status: 'exited'; readonly exitCode: number; readonly pid: number };
}

export interface ExecStart {
  /** Nothing is attached. */
  readonly detach: boolean;
  readonly consoleSize?: readonly [height: number, width: number] | undefined;
  /** Nothing refuses it any more; it has not begun, and its output comes later. */
  readonly onAllowed?: () => void;
}

/**
 * The verbs. Every `idOrName` is a full id, an unambiguous prefix of one, or a name (with or without a leading slash).
 * @throws `not_found` "No such container: x"; `invalid` "Multiple IDs found with provided prefix: x"; `conflict` for a verb that the state does not allow.
 */
export interface Containers extends FileVerbs {
  create(request: CreateContainerRequest, options: { readonly name?: string | undefined; readonly platform?: Platform | undefined }): Promise<{ readonly id: ContainerId; readonly warnings: readonly string[] }>;
  get(idOrName: string): ContainerRecord;
  /** The runtimes that a container may ask for. */
  runtimes(): { readonly runtimes: readonly { readonly name: string; readonly path: string }[]; readonly defaultRuntime: string };
  /** Newest first. */
  list(): readonly ContainerRecord[];
  /** Counted anew each time: it costs a look at every file that the container wrote. */
  size(idOrName: string): Promise<ContainerSize>;
  /** Its processes, by the host's `ps` with these arguments (empty: `-ef`). @throws as topContainer. */
  top(idOrName: string, psArguments: string): Promise<ProcessTable>;
  /** What it uses, now; undefined when it does not run. */
  stats(idOrName: string): StatsSample | undefined;
  /** Looks once a second, until disposed or the container is gone. */
  watchStats(idOrName: string, watcher: StatsWatcher): Disposable;
  /** Resolves once the program is running (its execve succeeded). @throws `not_modified` when it already runs; command errors carry Docker's text ("exec: …"), after which the state is `created` with a failure of exit code 127, 126 or 128. */
  start(idOrName: string): Promise<void>;
  /** Asks with the stop signal, then kills. `timeoutSeconds` -1 waits for ever. @throws `not_modified` when it does not run. */
  stop(idOrName: string, options: StopOptions): Promise<void>;
  kill(idOrName: string, signal: string): Promise<void>;
  /** Every process of it stands still until `unpause`, a stop or a kill. */
  pause(idOrName: string): Promise<void>;
  unpause(idOrName: string): Promise<void>;
  /** Stops it if it runs, and starts it. */
  restart(idOrName: string, options: StopOptions): Promise<void>;
  /** @throws `conflict` when the name is taken, `invalid` when it cannot be one. */
  rename(idOrName: string, name: string): Promise<void>;
  /** Other limits and another restart policy. Returns warnings: what this kernel cannot limit. @throws `conflict` for what the kernel refuses; then nothing has changed. */
  update(idOrName: string, request: UpdateContainerRequest): Promise<readonly string[]>;
  /** One more network, at once if it runs. @throws `not_found`, `denied` or `conflict` in dockerd's words */
  connectNetwork(idOrName: string, network: string, settings: EndpointSettings): Promise<void>;
  /** @throws `denied` when it is not in that network */
  disconnectNetwork(idOrName: string, network: string, options: { readonly force: boolean }): Promise<void>;
  /** `parent/alias`: the link goes, both containers stay. @throws `not_found` */
  unlink(path: string): Promise<void>;
  remove(idOrName: string, options: { readonly force: boolean; readonly volumes: boolean }): Promise<void>;
  /** Removes all that do not run and that `isChosen`. */
  prune(isChosen: (record: ContainerRecord) => boolean): Promise<Pruned>;
  wait(idOrName: string, condition: WaitCondition, signal: AbortSignal): Promise<WaitResult>;
  resize(idOrName: string, size: { readonly rows: number; readonly columns: number }): Promise<void>;
  attach(idOrName: string, options: AttachOptions): Promise<Attachment>;
  logs(idOrName: string, options: LogOptions): AsyncIterable<LogEntry>;
  createExec(idOrName: string, config: ExecConfig): Promise<string>;
  getExec(execId: string): ExecRecord;
  /** Runs it; the attachment's output ends when the program has ended and its streams are read. `detach`: nothing is attached, resolves at execve. */
  startExec(execId: string, options: ExecStart): Promise<Attachment | undefined>;
  resizeExec(execId: string, size: { readonly rows: number; readonly columns: number }): Promise<void>;
  /** Until it has ended. @returns the exit code. */
  waitExec(execId: string): Promise<number>;
  killExec(execId: string, signal: string): Promise<void>;
  /** Runs one program on layers, for a build: in a container that nobody sees, and that is gone afterwards. */
  runStep(step: BuildStep): Promise<BuildStepEnd>;
  /** The steps by which the container is (or would be) started, in words: `--explain`. */
  explain(idOrName: string): Promise<readonly ExplainedStep[]>;
}

export interface ExplainedStep {
  /** `mount`, `clone3` … */
  readonly call: string;
  /** The arguments in words: `"overlay" on "/merged", lowerdir=…`. */
  readonly text: string;
  /** Why the step is there, in a few words. */
  readonly why: string;
}
