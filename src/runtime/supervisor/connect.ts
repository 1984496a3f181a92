// The daemon's side of the supervisor: connecting to one that runs, starting one when there is none, asking, and hearing of exits.
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { connect as connectSocket, type Socket } from 'node:net';
import { fail } from '../../base/index.ts';
import { borrowFd, isKernelError, openPidfd, type Fd, type Image, type Readiness } from '../../kernel/index.ts';
import { encodeFrame, frameBytesMax, FrameReader, protocolVersion, type LaunchRequest, type Reply, type Request, type TaskExit, type TaskFds, type TaskReport } from './protocol.ts';
import { spawnSupervisor } from './spawn.ts';

const startTimeoutMs = 30_000;
const retryMs = 5;

/** The daemon's own copies of a task's descriptors. */
export interface TaskStreams extends Disposable {
  readonly pidfd: Fd;
  readonly stdin: Fd | undefined;
  readonly stdout: Fd | undefined;
  readonly stderr: Fd | undefined;
  readonly network: Fd | undefined;
}

export interface Supervisor extends Disposable {
  readonly pid: number;
  /** What ran when the connection was made. */
  readonly found: readonly TaskReport[];
  launch(request: Omit<LaunchRequest, 'ask' | 'seq' | 'image'>, image: Image): Promise<LaunchAnswer>;
  /**
   * A new network namespace, its loopback up, which the launch of `task` will be in. Who does not launch gives it back with `release`.
   * What is returned is a copy: the caller closes it.
   */
  setNetworkAside(task: string): Promise<Fd>;
  /** Copies a task's descriptors into this process. @throws KernelError when the supervisor is gone. */
  borrow(fds: TaskFds): TaskStreams;
  closeStdin(task: string): Promise<void>;
  release(task: string): Promise<void>;
  adopt(task: Omit<Extract<Request, { ask: 'adopt' }>, 'ask' | 'seq' | 'lender'>): Promise<TaskReport>;
  /** Ends it if no task runs; false when one does. */
  shutdown(): Promise<boolean>;
}

export type LaunchAnswer = { readonly launched: TaskReport } | { readonly declined: number } | { readonly failed: { readonly index: number; readonly errno: number; readonly results: readonly number[] } };

export interface SupervisorEvents {
  onExit(task: string, exit: TaskExit): void;
  /** The connection broke without our doing: the supervisor died. Requests on their way fail with `unavailable`. */
  onLost(): void;
}

/** Connects to the supervisor of `runDir`, starting one with `command` when none answers. @throws `unavailable` when none can be had in half a minute. */
export async function connectSupervisor(runDir: string, command: readonly string[], readiness: Readiness, events: SupervisorEvents): Promise<Supervisor> {
  const socketPath = `${runDir}/supervisor.sock`;
  const running = await tryGreet(socketPath, events);
  if (running !== undefined) return running;
  await spawnSupervisor(command, runDir, readiness);
  for (const start = Date.now(); Date.now() - start < startTimeoutMs;) {
    const started = await tryGreet(socketPath, events);
    if (started !== undefined) return started;
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
  throw fail('unavailable', `The supervisor did not answer on "${socketPath}" within ${startTimeoutMs / 1000} seconds`, { hint: `Look into "${runDir}/supervisor.log"` });
}

/** Exits that an earlier supervisor wrote down and nobody has taken. */
export function readExits(runDir: string): ReadonlyMap<string, TaskExit> {
  const dir = `${runDir}/exits`;
  const exits = new Map<string, TaskExit>();
  for (const name of listOrNothing(dir)) if (!name.endsWith('.tmp')) exits.set(name, JSON.parse(readFileSync(`${dir}/${name}`, 'utf8')) as TaskExit);
  return exits;
}

/** Forgets an exit that was taken from readExits. */
export function removeExit(runDir: string, task: string): void {
  rmSync(`${runDir}/exits/${task}`, { force: true });
}

function listOrNothing(dir: string): readonly string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Undefined when nobody answers: no socket, or one whose supervisor is just dying. */
async function tryGreet(path: string, events: SupervisorEvents): Promise<Supervisor | undefined> {
  const socket = await tryConnect(path);
  return socket === undefined ? undefined : greet(socket, events);
}

/** A supervisor that is killed resets those who were about to be let in. */
const nobodyThere: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ECONNREFUSED', 'ECONNRESET']);

function tryConnect(path: string): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket(path);
    socket.once('connect', () => resolve(socket));
    socket.once('error', (error: NodeJS.ErrnoException) => (nobodyThere.has(error.code) ? resolve(undefined) : reject(error)));
  });
}

/** Undefined when the connection ends before the first word. */
function greet(socket: Socket, events: SupervisorEvents): Promise<Supervisor | undefined> {
  return new Promise((resolve, reject) => {
    const frames = new FrameReader();
    let connection: Connection | undefined;
    socket.removeAllListeners('error');
    socket.on('error', () => socket.destroy());
    socket.on('close', () => (connection === undefined ? resolve(undefined) : connection.lost()));
    socket.on('data', (chunk: Buffer) => {
      for (const { message } of frames.push(chunk)) {
        const reply = message as Reply;
        if ('hello' in reply) {
          if (reply.hello.version !== protocolVersion) {
            reject(fail('unavailable', `The running supervisor speaks version ${reply.hello.version} of its protocol, this daemon version ${protocolVersion}`, { hint: 'Stop all containers with the older version first' }));
            socket.destroy();
            return;
          }
          connection = new Connection(socket, events, reply.hello.pid, reply.hello.tasks);
          resolve(connection);
        } else connection?.receive(reply);
      }
    });
  });
}

class Connection implements Supervisor {
  readonly pid: number;
  readonly found: readonly TaskReport[];
  readonly #socket: Socket;
  readonly #events: SupervisorEvents;
  readonly #pidfd: Fd;
  readonly #waiting = new Map<number, { resolve(reply: Exclude<Reply, { hello: unknown } | { exit: unknown }>): void; reject(error: Error): void }>();
  #seq = 0;
  #closing = false;
  #isLost = false;

  constructor(socket: Socket, events: SupervisorEvents, pid: number, found: readonly TaskReport[]) {
    this.#socket = socket;
    this.#events = events;
    this.pid = pid;
    this.found = found;
    this.#pidfd = openPidfd(pid);
  }

  receive(reply: Exclude<Reply, { hello: unknown }>): void {
    // Told in a later turn: whoever launched the task has had the answer by then, and knows the task. A program may end before its launch is read.
    if ('exit' in reply) return void setImmediate(() => this.#events.onExit(reply.exit.task, reply.exit));
    const waiting = this.#waiting.get(reply.seq);
    this.#waiting.delete(reply.seq);
    // Foreseen: a program may end while somebody asks for another one beside it.
    if ('ended' in reply) waiting?.reject(fail('conflict', `container ${reply.ended} is not running`));
    else if ('refused' in reply) waiting?.reject(new Error(`The supervisor refused: ${reply.refused}`));
    else waiting?.resolve(reply);
  }

  lost(): void {
    this.#isLost = true;
    for (const waiting of this.#waiting.values()) waiting.reject(supervisorDied());
    this.#waiting.clear();
    if (!this.#closing) this.#events.onLost();
  }

  async launch(request: Omit<LaunchRequest, 'ask' | 'seq' | 'image'>, image: Image): Promise<LaunchAnswer> {
    const head = { bytes: image.bytes.length, spaceBytes: image.spaceBytes, opCount: image.opCount, slots: [...image.slots], spaces: [...image.spaces] };
    const relocations = Buffer.from(image.relocations.buffer, image.relocations.byteOffset, image.relocations.byteLength);
    const reply = await this.#ask({ ...request, ask: 'launch', image: head }, [image.bytes, relocations]);
    if ('launched' in reply || 'failed' in reply || 'declined' in reply) return reply;
    throw new Error('The supervisor answered a launch with something else');
  }

  async setNetworkAside(task: string): Promise<Fd> {
    const reply = await this.#ask({ ask: 'network', task });
    if ('network' in reply) return borrowFd(this.#pidfd, reply.network);
    throw new Error('The supervisor answered for a network with something else');
  }

  borrow(fds: TaskFds): TaskStreams {
    using undo = new DisposableStack();
    const copy = (number: number | undefined): Fd | undefined => (number === undefined ? undefined : undo.use(borrowFd(this.#pidfd, number)));
    const pidfd = undo.use(borrowFd(this.#pidfd, fds.pidfd));
    const [stdin, stdout, stderr, network] = [copy(fds.stdin), copy(fds.stdout), copy(fds.stderr), copy(fds.network)];
    const all = undo.move();
    return { pidfd, stdin, stdout, stderr, network, [Symbol.dispose]: () => all.dispose() };
  }

  async closeStdin(task: string): Promise<void> {
    await this.#ask({ ask: 'closeStdin', task });
  }

  async release(task: string): Promise<void> {
    await this.#ask({ ask: 'release', task });
  }

  async adopt(task: Omit<Extract<Request, { ask: 'adopt' }>, 'ask' | 'seq' | 'lender'>): Promise<TaskReport> {
    const reply = await this.#ask({ ...task, ask: 'adopt', lender: process.pid });
    if ('launched' in reply) return reply.launched;
    throw new Error('The supervisor answered an adoption with something else');
  }

  async shutdown(): Promise<boolean> {
    this.#closing = true;
    try {
      await this.#ask({ ask: 'shutdown' });
      return true;
    } catch (error) {
      if (isKernelError(error)) throw error;
      return false;
    }
  }

  async #ask(request: DistributiveOmit<Request, 'seq'>, binary: readonly Uint8Array[] = []): Promise<Exclude<Reply, { hello: unknown } | { exit: unknown }>> {
    const seq = ++this.#seq;
    if (this.#isLost || this.#socket.destroyed) return Promise.reject(supervisorDied());
    const frame = encodeFrame({ ...request, seq }, binary);
    // The kernel takes a few megabytes at most: what is longer would have failed there.
    if (frame.length > frameBytesMax) throw fail('invalid', 'argument list too long', { hint: 'Arguments and environment together are larger than any program can be given' });
    return new Promise((resolve, reject) => {
      this.#waiting.set(seq, { resolve, reject });
      this.#socket.write(frame);
    });
  }

  [Symbol.dispose](): void {
    this.#closing = true;
    this.#socket.destroy();
    this.#pidfd[Symbol.dispose]();
  }
}

function supervisorDied(): Error {
  return fail('unavailable', 'The supervisor died', { hint: 'Try again: a new one is being started' });
}

type DistributiveOmit<T, K extends string> = T extends unknown ? Omit<T, K> : never;
