// The streams of one running program: what it prints goes to the log and to everybody who is attached; what they type goes to its stdin.
//
// Clients and the program. A client that keeps reading gets every byte; a client that stands still never holds up the program. So each client has a
// backlog, which waits in the spool file (memory only for what did not go through a spool). Beyond the limit, 256 MiB there, 1 MiB in memory:
//   - a client that moves (it took 64 KiB, or all there was, within the last second) is waited for: the pipe fills and the program waits, as with any pipe;
//   - a client that stands still is cut off, and is told how many bytes it missed. The log has them.
// An exec has no spool and no log: its output is for its client alone, so the program waits for a client that took anything within ten seconds.
// After the program's end clients read what waits for them, and are cut off when they stand still for ten seconds.
//
// Life: openStreams → attach … → finish (the program has exited) → the last client has read → all closed. A daemon that goes while the program stays
// disposes: descriptors close, the spool files stay, and the next daemon goes on where the log ends.
import { fail } from '../../base/index.ts';
import type { Fd, Readiness } from '../../kernel/index.ts';
import type { Attachment, StreamName } from '../container.ts';
import type { ContainerLog } from '../log/index.ts';
import { Client } from './client.ts';
import { Input } from './input.ts';
import { Output, removeSpool, type Audience } from './output.ts';

const backlogBytesMax = 256 * 1024 * 1024;
const memoryBytesMax = 1024 * 1024;
const standingMsMax = 1000;
const idleMsMax = 10_000;
const checkMs = 250;

export interface StreamsOptions {
  /** Descriptors of this process, each its own (with a terminal: two copies of its master). Owned by the streams from now on. Absent stdout: the program is gone, its spool is left. */
  readonly stdout: Fd | undefined;
  readonly stderr: Fd | undefined;
  readonly stdin: Fd | undefined;
  readonly terminal: boolean;
  readonly readiness: Readiness;
  /** The directory of `stdout.spool` and `stderr.spool`; absent for execs. */
  readonly spoolDir?: string | undefined;
  readonly log?: ContainerLog | undefined;
  /** The first client's end of input (or its leaving) is the program's: StdinOnce, and execs. */
  readonly stdinOnce: boolean;
  /** Our end of stdin is closed: others who hold it should let go too. */
  readonly onStdinClosed: () => void;
  /** A client's limit in the spool, and how long it may stand still beyond it; for tests. */
  readonly limits?: { readonly backlogBytesMax: number; readonly standingMsMax: number; readonly idleMsMax: number } | undefined;
}

export interface Streams extends Disposable {
  /** Output from now on. `pending`: begin with the line that the program has begun and the log does not have yet (for who reads the log first). */
  attach(options: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean; readonly pending?: boolean | undefined }): Attachment;
  /** The program has exited: takes what is left, completes the log, removes the spools. Attached clients read on until they have everything. */
  finish(): Promise<void>;
}

/** Begins to pump. What an earlier daemon or the supervisor left in the spools is processed first. @throws KernelError */
export function openStreams(options: StreamsOptions): Streams {
  return new OpenStreams(options);
}

/** The spool files of a container, for the supervisor and for openStreams. */
export function spoolPaths(spoolDir: string): { readonly stdout: string; readonly stderr: string } {
  return { stdout: `${spoolDir}/stdout.spool`, stderr: `${spoolDir}/stderr.spool` };
}

/** Before a run begins: what was in them has been logged by `finish`. */
export function removeSpools(spoolDir: string): void {
  for (const path of Object.values(spoolPaths(spoolDir))) removeSpool(path);
}

class OpenStreams implements Streams, Audience {
  readonly #options: StreamsOptions;
  readonly #limits: NonNullable<StreamsOptions['limits']>;
  readonly #clients = new Set<Client>();
  readonly #outputs: Partial<Record<StreamName, Output>> = {};
  readonly #input: Input | undefined;
  #checking: NodeJS.Timeout | undefined;
  #isFinished = false;

  constructor(options: StreamsOptions) {
    this.#options = options;
    this.#limits = options.limits ?? { backlogBytesMax, standingMsMax, idleMsMax };
    this.#input = options.stdin === undefined ? undefined : new Input(options.stdin, options.readiness);
    options.log?.resumeRun();
    this.#outputs.stdout = this.#openOutput('stdout');
    if (!options.terminal) this.#outputs.stderr = this.#openOutput('stderr');
  }

  attach(wanted: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean; readonly pending?: boolean | undefined }): Attachment {
    const client = new Client({
      stdout: wanted.stdout, stderr: wanted.stderr,
      readSpool: (stream, offset, buffer) => this.#outputs[stream]!.readSpool(offset, buffer),
      onTaken: () => this.#onTaken(), onGone: () => this.#remove(client),
    });
    this.#clients.add(client);
    if (wanted.pending === true) this.#pushPending(client);
    if (this.#isEnded) client.end();
    let holdsInput = wanted.stdin;
    return {
      tty: this.#options.terminal,
      output: client.chunks(),
      write: async (bytes) => {
        if (!wanted.stdin || this.#input === undefined) throw fail('conflict', 'The program\'s stdin is not open');
        await this.#input.write(bytes);
      },
      closeInput: async () => {
        if (holdsInput) await this.#closeInput();
        holdsInput = false;
      },
      [Symbol.asyncDispose]: async () => {
        // Not waited for: what the client has sent may wait for the program.
        if (holdsInput) void this.#closeInput();
        holdsInput = false;
        client.leave();
        this.#remove(client);
      },
    };
  }

  async finish(): Promise<void> {
    await Promise.all(Object.values(this.#outputs).map((output) => output.drain()));
    for (const output of Object.values(this.#outputs)) output.removeSpool();
    this.#options.log?.endRun();
    this.#input?.[Symbol.dispose]();
    this.#isFinished = true;
    this.#endClients();
    this.#closeIfDone();
  }

  [Symbol.dispose](): void {
    // After finish the log may be a later run's already.
    if (!this.#isFinished) this.#options.log?.endRun();
    this.#isFinished = true;
    clearTimeout(this.#checking);
    for (const client of this.#clients) client.cut();
    this.#clients.clear();
    this.#input?.[Symbol.dispose]();
    for (const output of Object.values(this.#outputs)) output[Symbol.dispose]();
  }

  pushRange(stream: StreamName, from: number, to: number): void {
    for (const client of this.#clients) client.pushRange(stream, from, to);
  }

  pushBytes(stream: StreamName, bytes: Uint8Array): void {
    // Each client may write into what it got: all but one get a copy.
    let own = bytes;
    for (const client of this.#clients) {
      client.pushBytes(stream, own);
      own = new Uint8Array(bytes);
    }
  }

  isFull(): boolean {
    let mustWait = false;
    for (const client of this.#clients) {
      if (client.spooledBytes <= this.#limits.backlogBytesMax && client.memoryBytes <= memoryBytesMax) continue;
      if (this.#standsStill(client)) client.cut();
      else mustWait = true;
    }
    return mustWait;
  }

  onHeldUp(): void {
    this.#checking ??= setTimeout(() => this.#check(), checkMs);
  }

  firstNeeded(stream: StreamName): number | undefined {
    let first: number | undefined;
    for (const client of this.#clients) first = Math.min(client.firstNeeded(stream) ?? Infinity, first ?? Infinity);
    return first;
  }

  get #isEnded(): boolean {
    return Object.values(this.#outputs).every((output) => output.isEnded);
  }

  #openOutput(stream: StreamName): Output {
    const { terminal, spoolDir, log, readiness } = this.#options;
    return new Output({
      stream, source: this.#options[stream], terminal, log, readiness, audience: this,
      spoolPath: spoolDir === undefined ? undefined : spoolPaths(spoolDir)[stream],
      onEnd: () => this.#endClients(),
    });
  }

  #standsStill(client: Client): boolean {
    const now = performance.now();
    if (this.#options.spoolDir === undefined || this.#isFinished) return now - client.takenAtMs > this.#limits.idleMsMax;
    return now - client.movedAtMs > this.#limits.standingMsMax;
  }

  #pushPending(client: Client): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const pending = this.#options.log?.pending(stream);
      if (pending !== undefined && pending.length > 0) client.pushBytes(stream, new Uint8Array(pending));
    }
  }

  async #closeInput(): Promise<void> {
    if (this.#input === undefined || this.#options.terminal || !this.#options.stdinOnce) return;
    await this.#input.close();
    this.#options.onStdinClosed();
  }

  #onTaken(): void {
    if (this.#checking !== undefined) this.#updateOutputs();
  }

  #updateOutputs(): void {
    for (const output of Object.values(this.#outputs)) output.update();
  }

  /** While the program waits for a client, and when only clients are left: whoever stands still goes. */
  #check(): void {
    this.#checking = undefined;
    this.#updateOutputs();
    if (!this.#isFinished) return;
    for (const client of this.#clients) if (this.#standsStill(client)) client.cut();
    this.#closeIfDone();
  }

  #endClients(): void {
    if (this.#isEnded) for (const client of this.#clients) client.end();
  }

  #remove(client: Client): void {
    this.#clients.delete(client);
    this.#closeIfDone();
  }

  #closeIfDone(): void {
    if (!this.#isFinished) return;
    for (const client of this.#clients) if (client.isDone) this.#clients.delete(client);
    if (this.#clients.size === 0) this[Symbol.dispose]();
    else this.onHeldUp();
  }
}
