// A container as a program holds it: a handle with the verbs. Nothing of it is in memory but its id; what is true is asked of the engine.
import { createRequest, updateRequest } from '../api/index.ts';
import type { Attachment, ContainerRecord, Containers } from '../engine/index.ts';
import type { MountRequest } from '../spec/docker/mount.ts';
import { copyIn, copyOut, readFile, type CopyInOptions, type FilesToCopy, type ReadFileOptions } from './files.ts';
import { collect, type Begun, type CollectOptions, type Output } from './output.ts';
import { bindingsOf, openPorts, type OpenPort, type Ports } from './ports.ts';

export type { Output } from './output.ts';

export interface ContainerOptions {
  readonly image: string;
  /** Program and arguments; the image's own unless given. */
  readonly command?: readonly string[] | undefined;
  readonly entrypoint?: readonly string[];
  /** Invented unless given. */
  readonly name?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly workdir?: string;
  /** `name|uid[:group|gid]` */
  readonly user?: string;
  readonly hostname?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Opens stdin, for one client. */
  readonly stdin?: boolean;
  readonly tty?: boolean;
  readonly memoryBytes?: number;
  /** `1.5` */
  readonly cpus?: number;
  readonly pidsMax?: number;
  readonly readOnly?: boolean;
  /** As -v has them: `data:/data` (a volume, made when it is not there), `/srv:/srv:ro` (a directory of the host; made when it is not there). */
  readonly volumes?: readonly string[];
  /** As `--mount` has them, in the words of Docker's API: `{ Type: 'bind', Source: '/srv', Target: '/srv', ReadOnly: true }`. */
  readonly mounts?: readonly MountRequest[];
  /** Path → mount options (`size=64m`, or an empty text). */
  readonly tmpfs?: Readonly<Record<string, string>>;
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  readonly securityOptions?: readonly string[];
  readonly privileged?: boolean;
  /** `none` unless given; `bridge`, `host`, `container:NAME`, or the name of a network. */
  readonly network?: string;
  /** Published ports: `{ '80': 8080, '53/udp': '127.0.0.1:5353' }`. Its network is then `bridge` unless given. */
  readonly ports?: Ports;
  /** `host-socket`: a listening socket of this process instead of a rule of the kernel, so that rules for input apply. */
  readonly publishMode?: 'host-socket';
  /** Everything else that a container can have, in the words of Docker's `POST /containers/create`. What is not there yet is refused by name. */
  readonly docker?: Readonly<Record<string, unknown>> & { readonly HostConfig?: Readonly<Record<string, unknown>> };
}

export type RunOptions = Omit<ContainerOptions, 'image' | 'stdin' | 'tty'> & CollectOptions;

export interface ExecOptions extends CollectOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly workdir?: string;
  readonly user?: string;
  readonly privileged?: boolean;
}

export interface LogsOptions {
  /** Goes on with what comes, until the container ends. */
  readonly follow?: boolean;
  /** Only the last so many. */
  readonly tail?: number;
  readonly since?: Date;
  readonly until?: Date;
  readonly signal?: AbortSignal;
}

/** One entry of a log: a line, or a part of a very long one. */
export interface LogLine {
  readonly stream: 'stdout' | 'stderr';
  /** RFC 3339 with nanoseconds, UTC. */
  readonly time: string;
  /** With its newline, when the program wrote one. */
  readonly bytes: Uint8Array;
  readonly text: string;
}

/** What changes while it runs, too: at once, all or nothing. */
export interface ContainerChanges extends Pick<ContainerOptions, 'memoryBytes' | 'cpus' | 'pidsMax' | 'mounts'> {
  /** Published from now on. */
  readonly publish?: Ports;
  /** Published no longer: ports of the container, `80` or `53/udp`, wherever they are. */
  readonly unpublish?: readonly string[];
  /** Places that mounts are taken away from. */
  readonly unmount?: readonly string[];
}

/** As the engine has it: `status`, and what belongs to that status. */
export type ContainerState = ContainerRecord['state'];

export interface Container extends AsyncDisposable {
  readonly id: string;
  readonly name: string;
  /** Now. @throws `not_found` when it has been removed. */
  state(): ContainerState;
  /** Resolves once the program runs. @throws what is wrong with the program, in Docker's words. */
  start(): Promise<void>;
  /** Asks with the stop signal; kills after so many seconds (10 unless given). */
  stop(options?: { readonly signal?: string; readonly timeoutSeconds?: number }): Promise<void>;
  /** KILL unless given. */
  kill(signal?: string): Promise<void>;
  /** Until it does not run. @returns the exit code. */
  wait(options?: { readonly signal?: AbortSignal }): Promise<number>;
  /** `for await (const { text } of container.logs({ follow: true }))` */
  logs(options?: LogsOptions): AsyncIterable<LogLine>;
  /** Runs one more program in it, to its end. */
  exec(command: readonly string[], options?: ExecOptions): Promise<Output>;
  /**
   * Files into one of its directories: `copyIn('/etc/app', { 'config.json': text })`, or a tar. Also before it is started.
   * @throws `not_found` when the directory is missing, `invalid` for a broken tar, or one that would leave the directory.
   */
  copyIn(directory: string, files: FilesToCopy, options?: CopyInOptions): Promise<void>;
  /** The tar of a file, or of a directory and all in it. A link is given as a link. @throws `not_found` */
  copyOut(path: string): AsyncIterable<Uint8Array>;
  /** What is in a file; a link is followed, within the container. @throws `not_found`; `invalid` for what is no file; `too_large`. */
  readFile(path: string, options?: ReadFileOptions): Promise<Buffer>;
  /** Published ports that are open now, with the numbers that they got. None while it does not run. */
  ports(): readonly OpenPort[];
  /** @throws `invalid` for what cannot be, `conflict` for a port that is taken; then nothing has changed */
  update(changes: ContainerChanges): Promise<void>;
  /** Its streams, before or after it is started. Disposing detaches. */
  attach(): Promise<Attachment>;
  remove(options?: { readonly force?: boolean }): Promise<void>;
  /** Kills and removes it. It may be gone already. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What the engine's own `run` needs besides. */
interface Runnable extends Container {
  /** Attaches, then starts: no byte is missed. */
  begin(signal: AbortSignal | undefined): Promise<Begun>;
}

export async function createIn(containers: Containers, options: ContainerOptions): Promise<Runnable> {
  const { request } = createRequest(bodyOf(options), '');
  const { id } = await containers.create(request, { name: options.name });
  return handleOf(containers, containers.get(id));
}

/** The options as Docker's body: one decoder, with one set of defaults and refusals, for every way in. */
function bodyOf(options: ContainerOptions): object {
  const { docker = {}, stdin = false } = options;
  return {
    Image: options.image, Cmd: options.command, Entrypoint: options.entrypoint, Env: environment(options.env), WorkingDir: options.workdir, User: options.user,
    Hostname: options.hostname, Labels: options.labels, Tty: options.tty, OpenStdin: stdin, StdinOnce: stdin, AttachStdin: stdin,
    ...docker,
    HostConfig: {
      ...limitsOf(options), NetworkMode: options.network ?? (options.ports === undefined ? 'none' : 'bridge'), PortBindings: bindingsOf(options.ports ?? {}), PublishMode: options.publishMode, ReadonlyRootfs: options.readOnly, Binds: options.volumes, Mounts: options.mounts, Tmpfs: options.tmpfs, CapAdd: options.capAdd, CapDrop: options.capDrop,
      SecurityOpt: options.securityOptions, Privileged: options.privileged,
      ...docker.HostConfig,
    },
  };
}

function limitsOf({ memoryBytes, cpus, pidsMax }: Pick<ContainerOptions, 'memoryBytes' | 'cpus' | 'pidsMax'>): object {
  return { Memory: memoryBytes, NanoCpus: cpus === undefined ? undefined : Math.round(cpus * 1e9), PidsLimit: pidsMax };
}

/** As `bodyOf`. Swap goes with the memory, as at creation: twice as much in all. */
function changesOf({ publish = {}, unpublish = [], mounts, unmount, ...limits }: ContainerChanges): object {
  return { ...limitsOf(limits), MemorySwap: limits.memoryBytes === undefined ? undefined : limits.memoryBytes * 2, Publish: bindingsOf(publish), Unpublish: Object.fromEntries(unpublish.map((port) => [port, []])), Mounts: mounts, Unmounts: unmount };
}

function environment(env: Readonly<Record<string, string>> = {}): readonly string[] {
  return Object.entries(env).map(([name, value]) => `${name}=${value}`);
}

const never = (): AbortSignal => new AbortController().signal;

export function handleOf(containers: Containers, { id, name }: ContainerRecord): Runnable {
  const attach = (): Promise<Attachment> => containers.attach(id, { stdin: true, stdout: true, stderr: true, logs: false, stream: true });
  const wait = async (condition: 'not-running' | 'next-exit', signal: AbortSignal = never()): Promise<number> => (await containers.wait(id, condition, signal)).exitCode;
  return {
    id, name, attach,
    state: () => containers.get(id).state,
    start: () => containers.start(id),
    stop: (options = {}) => containers.stop(id, options),
    kill: (signal = 'KILL') => containers.kill(id, signal),
    wait: ({ signal } = {}) => wait('not-running', signal),
    logs: (options = {}) => linesOf(containers, id, options),
    exec: async (command, options = {}) => collect(await beginExec(containers, id, command, options), options),
    copyIn: (directory, files, options) => copyIn(containers, id, directory, files, options),
    copyOut: (path) => copyOut(containers, id, path),
    readFile: (path, options) => readFile(containers, id, path, options),
    ports: () => openPorts(containers.get(id)),
    update: async (changes) => { await containers.update(id, updateRequest(changesOf(changes), '')); },
    remove: ({ force = false } = {}) => containers.remove(id, { force, volumes: false }),
    begin: async (signal) => {
      signal?.throwIfAborted();
      const attachment = await attach();
      const waiting = new AbortController();
      const exit = wait('next-exit', waiting.signal);
      exit.catch(() => undefined); // given up when the start fails
      try {
        await containers.start(id);
      } catch (error) {
        waiting.abort();
        await attachment[Symbol.asyncDispose]();
        throw error;
      }
      return { attachment, exitCode: () => exit, kill: () => containers.kill(id, 'KILL') };
    },
    [Symbol.asyncDispose]: async () => {
      if (containers.list().some((record) => record.id === id)) await containers.remove(id, { force: true, volumes: true });
    },
  };
}

async function* linesOf(containers: Containers, id: string, { follow = false, tail, since, until, signal = never() }: LogsOptions): AsyncGenerator<LogLine> {
  for await (const { stream, time, bytes } of containers.logs(id, { stdout: true, stderr: true, follow, tail, sinceNs: nanoseconds(since), untilNs: nanoseconds(until), signal })) {
    yield { stream, time, bytes, text: Buffer.from(bytes).toString() };
  }
}

function nanoseconds(time: Date | undefined): bigint | undefined {
  return time === undefined ? undefined : BigInt(time.getTime()) * 1_000_000n;
}

async function beginExec(containers: Containers, id: string, command: readonly string[], { env, workdir = '', user = '', privileged = false, input, signal }: ExecOptions): Promise<Begun> {
  signal?.throwIfAborted();
  const exec = await containers.createExec(id, {
    AttachStdin: input !== undefined, AttachStdout: true, AttachStderr: true, Tty: false, Env: environment(env), Cmd: command, Privileged: privileged, User: user, WorkingDir: workdir,
  });
  const attachment = await containers.startExec(exec, { detach: false });
  if (attachment === undefined) throw new Error('An exec that is attached has streams');
  return { attachment, exitCode: () => containers.waitExec(exec), kill: () => containers.killExec(exec, 'KILL') };
}
