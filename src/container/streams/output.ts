// One output stream of a running program: pipe (or terminal) → spool → log and attached clients.
//
// *Taking* moves bytes from the pipe into the spool, where they are safe; *processing* reads them from there, gives them to the log and to the
// clients. Processing may lag behind: after a daemon that died, by all that the supervisor spooled meanwhile. Both happen in short turns, so that
// neither a chatty program nor ten of them keep the event loop from its other work. The program is held up only when a limit says so: processing
// lags too far, or a client that moves is too far behind (streams.ts).
// Without a spool (execs), or when it cannot be had (the disk is full), bytes are read directly and handed on from memory.
import { constants } from 'node:os';
import { statSync } from 'node:fs';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { AT_FDCWD, isKernelError, KernelError, tryCall, type Fd, type Readiness } from '../../kernel/index.ts';
import { Spool, type Taken } from '../../runtime/index.ts';
import type { StreamName } from '../container.ts';
import type { ContainerLog } from '../log/index.ts';
import { makeNonBlocking } from './input.ts';
import { takeTurn } from './turns.ts';

const { EAGAIN, EIO, ENOENT } = constants.errno;
const takeBytesMax = 1024 * 1024;
/** Logged at once: with lines of two bytes this takes two milliseconds. */
const sliceBytes = 32 * 1024;
const readBytes = 64 * 1024;
const turnMs = 2;
/** Processing may lag so far behind taking, unless the log says how far; what a dead daemon left comes on top. */
const lagBytesMax = 1024 * 1024;
/** Punching holes has its price: not for less. */
const forgetBytesMin = 256 * 1024;
/** After the program's end somebody else may hold the pipe: how long to wait for more from them, and in all. */
const quietMsMax = 100;
const pipeBytes = 64 * 1024;
const widePipeBytes = 1024 * 1024;
const fullTakesMin = 8;
const F_SETPIPE_SZ = 1031;
const drainMsMax = 2000;
const pollMs = 5;

/** A full or broken disk, no descriptor left, a directory that went away: the program goes on without a spool. */
const spoolTroubles = ['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO', 'EROFS', 'EMFILE', 'ENFILE', 'ENOMEM', 'ENOENT'];

/** For all outputs: filled and handed on within one call. */
let shared = new Uint8Array(0);

/** Where processed bytes go beside the log. */
export interface Audience {
  pushRange(stream: StreamName, from: number, to: number): void;
  /** `bytes` may be kept. */
  pushBytes(stream: StreamName, bytes: Uint8Array): void;
  /** Whether the program must wait for a client. */
  isFull(): boolean;
  /** Output is held up: `update` it when there is room. */
  onHeldUp(): void;
  /** The first spooled byte that a client needs. */
  firstNeeded(stream: StreamName): number | undefined;
}

export interface OutputOptions {
  readonly stream: StreamName;
  /** Owned from now on. Absent: only the spool is left. */
  readonly source: Fd | undefined;
  readonly terminal: boolean;
  readonly spoolPath: string | undefined;
  readonly log: ContainerLog | undefined;
  readonly readiness: Readiness;
  readonly audience: Audience;
  readonly onEnd: () => void;
}

export class Output implements Disposable {
  readonly #options: OutputOptions;
  #source: Fd | undefined;
  #spool: Spool | undefined;
  #processed = 0;
  #forgotten = 0;
  /** At first and in the long run. */
  readonly #lagBytesAim: number;
  #lagBytesMax: number;
  #isWatching = false;
  #fullTakes = 0;
  #isWide = false;
  #isScheduled = false;
  #isEnded = false;
  #isDraining = false;
  #isDisposed = false;

  /** Goes on where the log stands. @throws KernelError */
  constructor(options: OutputOptions) {
    this.#options = options;
    this.#source = options.source;
    this.#lagBytesAim = options.log?.lagBytesMax ?? lagBytesMax;
    if (this.#source !== undefined) makeNonBlocking(this.#source);
    const spooled = options.spoolPath === undefined ? 0 : (statSync(options.spoolPath, { throwIfNoEntry: false })?.size ?? 0);
    if (spooled > 0) this.#spool = new Spool(options.spoolPath!);
    this.#processed = options.log === undefined ? spooled : options.log.resumeAt(options.stream, spooled);
    this.#lagBytesMax = this.#lagBytesAim + this.#lag;
    this.update();
    this.#scheduleTurn();
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Watches the source when it may be read, and does not when not. */
  update(): void {
    if (this.#source === undefined || this.#isDraining || this.#isDisposed) return;
    this.#dropLag();
    const isHeldUp = this.#options.audience.isFull();
    const wanted = !isHeldUp && this.#lag < this.#lagBytesMax;
    if (isHeldUp) this.#options.audience.onHeldUp();
    if (wanted === this.#isWatching) return;
    this.#isWatching = wanted;
    if (wanted) this.#options.readiness.watch(this.#source, () => this.#onReady());
    else this.#options.readiness.unwatch(this.#source);
  }

  /** The program has exited: takes and processes what is left. Others who hold the pipe are waited for only while they keep writing, and not for long. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    this.#unwatch();
    const start = performance.now();
    for (let quietSince = start; this.#source !== undefined && !this.#isDisposed;) {
      const taken = this.#take();
      const now = performance.now();
      if (typeof taken === 'number') quietSince = now;
      const isOver = taken === 'end' || now - start > drainMsMax || (taken === 'later' && now - quietSince > quietMsMax);
      if (isOver) this.#closeSource();
      else if (taken === 'later') await sleep(pollMs);
      else if (this.#process(now + turnMs)) await nextTurn();
    }
    while (!this.#isDisposed && this.#process(performance.now() + turnMs)) await nextTurn();
    this.#endIfDone();
  }

  /** Removes the spool's file; clients that are behind still read from it. */
  removeSpool(): void {
    if (this.#options.spoolPath !== undefined) removeSpool(this.#options.spoolPath);
  }

  readSpool(offset: number, buffer: Uint8Array): void {
    const got = this.#spool?.read(offset, buffer) ?? 0;
    if (got < buffer.length) throw new Error(`The spool of ${this.#options.stream} ends at ${offset + got}, before ${offset + buffer.length}`);
  }

  [Symbol.dispose](): void {
    if (this.#isDisposed) return;
    this.#closeSource();
    this.#isDisposed = true;
    this.#spool?.[Symbol.dispose]();
  }

  get #lag(): number {
    return (this.#spool?.end ?? 0) - this.#processed;
  }

  #onReady(): void {
    const taken = this.#take();
    if (typeof taken === 'number') this.#widen(taken);
    if (taken === 'end') this.#closeSource();
    else this.update();
    this.#scheduleTurn();
  }

  /** A program that fills its pipe again and again gets a wider one: it and we wake each other less often. Kernel memory is used only while it is full. */
  #widen(taken: number): void {
    if (this.#isWide || taken < pipeBytes) return;
    this.#fullTakes++;
    if (this.#fullTakes < fullTakesMin) return;
    this.#isWide = true;
    // Refused where pipes are limited: then it stays as it is.
    if (!this.#options.terminal) tryCall('fcntl', this.#source!.number, F_SETPIPE_SZ, widePipeBytes);
  }

  #scheduleTurn(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    takeTurn((deadline) => this.#turn(deadline));
  }

  /** Processes until `deadline`, and comes back for the rest. */
  #turn(deadline: number): void {
    this.#isScheduled = false;
    if (this.#isDisposed) return;
    if (this.#process(deadline)) this.#scheduleTurn();
    this.#lagBytesMax = Math.max(this.#lagBytesAim, Math.min(this.#lagBytesMax, this.#lag + this.#lagBytesAim));
    this.update();
    this.#endIfDone();
  }

  #take(): Taken {
    const { spoolPath, terminal } = this.#options;
    if (spoolPath === undefined) return this.#read();
    try {
      this.#spool ??= new Spool(spoolPath);
      return this.#spool.take(this.#source!, terminal, Math.min(takeBytesMax, this.#lagBytesAim));
    } catch (error) {
      if (isKernelError(error, ...spoolTroubles)) return this.#read();
      throw error;
    }
  }

  /** Past the spool. */
  #read(): Taken {
    while (this.#process(Infinity));
    const buffer = sharedBuffer();
    const got = tryCall('read', this.#source!.number, buffer, buffer.length);
    if (got === -EAGAIN) return 'later';
    if (got === 0 || (got === -EIO && this.#options.terminal)) return 'end';
    if (got < 0) throw new KernelError('read', this.#options.stream, -got);
    this.#options.log?.append(this.#options.stream, buffer.subarray(0, got), false);
    this.#options.audience.pushBytes(this.#options.stream, buffer.slice(0, got));
    return got;
  }

  /** Whether there is more to process: `deadline` has passed. */
  #process(deadline: number): boolean {
    if (this.#lag === 0) return false;
    const { stream, log, audience } = this.#options;
    do {
      const bytes = sharedBuffer().subarray(0, Math.min(sliceBytes, this.#lag));
      this.readSpool(this.#processed, bytes);
      log?.append(stream, bytes);
      audience.pushRange(stream, this.#processed, this.#processed + bytes.length);
      this.#processed += bytes.length;
    } while (this.#lag > 0 && performance.now() < deadline);
    this.#forget();
    return this.#lag > 0;
  }

  /** A log that the program does not wait for, and that is too far behind, misses what is there; clients do not. */
  #dropLag(): void {
    const { stream, log, audience } = this.#options;
    const lag = this.#lag;
    if (log?.lagBytesMax === undefined || lag < this.#lagBytesMax) return;
    log.drop(stream, lag);
    audience.pushRange(stream, this.#processed, this.#processed + lag);
    this.#processed += lag;
    this.#forget();
  }

  #forget(): void {
    const { stream, log, audience } = this.#options;
    const logged = log?.consumed(stream) ?? this.#processed;
    if (logged - this.#forgotten < forgetBytesMin) return;
    const needless = Math.min(logged, audience.firstNeeded(stream) ?? logged);
    if (needless - this.#forgotten < forgetBytesMin) return;
    this.#spool!.forget(needless);
    this.#forgotten = needless;
  }

  #endIfDone(): void {
    if (this.#isEnded || this.#isDisposed || this.#source !== undefined || this.#lag > 0) return;
    this.#isEnded = true;
    this.#options.log?.flush(this.#options.stream);
    this.#options.onEnd();
  }

  #unwatch(): void {
    if (this.#isWatching) this.#options.readiness.unwatch(this.#source!);
    this.#isWatching = false;
  }

  #closeSource(): void {
    this.#unwatch();
    this.#source?.[Symbol.dispose]();
    this.#source = undefined;
  }
}

/** A file that is not there is removed. @throws KernelError */
export function removeSpool(path: string): void {
  const removed = tryCall('unlinkat', AT_FDCWD, path, 0);
  if (removed < 0 && removed !== -ENOENT) throw new KernelError('unlinkat', JSON.stringify(path), -removed);
}

function sharedBuffer(): Uint8Array<ArrayBuffer> {
  if (shared.length === 0) shared = new Uint8Array(readBytes);
  return shared;
}
