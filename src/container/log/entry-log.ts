// The log of one container as files of entries (the drivers json-file and local): writing what the program prints, reading it back.
//
// The writer takes chunks of raw bytes a stream at a time. What has no newline yet is *pending*: it becomes an entry when its newline comes, when it is
// as long as an entry may be, or when the stream ends. Pending bytes are not consumed in the cursor's sense (log-file.ts): after a crash they come again.
//
// A disk that is full costs log bytes, never the program: what cannot be written is counted, and once there is space again one entry says how much is missing.
import { isKernelError, type KernelError } from '../../kernel/index.ts';
import type { LogEntry, LogOptions, StreamName } from '../container.ts';
import { timeOfEntry } from './clock.ts';
import { cutBefore, entryBytesMax } from './encode.ts';
import { jsonFormat } from './json-format.ts';
import type { ContainerLog, LogFormat } from './log.ts';
import { LogFile } from './log-file.ts';
import { defaultLogLimits, type LogLimits } from './options.ts';
import { readEntries } from './read.ts';

const newline = 10;
/** Turned into entries at once; lines of one byte become seventy times as long. */
const sliceBytes = 64 * 1024;

/** Working memory for all logs of this process: used within one call, never across two. */
let joined = Buffer.alloc(0);

interface StreamState {
  pending: Uint8Array;
  /** How many of the pending bytes count in the cursor: all, but for those that did not go through a spool. */
  pendingCounted: number;
  lostBytes: number;
}

export interface LogPlace {
  readonly path: string;
  /** Beside the log: a few bytes that say how far it has come. */
  readonly cursorPath: string;
  readonly limits?: LogLimits | undefined;
  /** json-file's unless told otherwise. */
  readonly format?: LogFormat | undefined;
  /** As in ContainerLog. */
  readonly lagBytesMax?: number | undefined;
}

export class EntryLog implements ContainerLog {
  readonly #file: LogFile;
  readonly #format: LogFormat;
  readonly #stdout = newState();
  readonly #stderr = newState();
  readonly #watchers = new Set<() => void>();
  #isActive = false;
  readonly lagBytesMax: number | undefined;

  /** Opens what there is and mends what a crash left. @throws KernelError */
  constructor(place: LogPlace) {
    this.#file = new LogFile(place.path, place.cursorPath, place.limits ?? defaultLogLimits);
    this.lagBytesMax = place.lagBytesMax;
    this.#format = place.format ?? jsonFormat();
  }

  get isActive(): boolean {
    return this.#isActive;
  }

  consumed(stream: StreamName): number {
    return this.#file.consumed(stream);
  }

  pending(stream: StreamName): Uint8Array {
    return this.#state(stream).pending;
  }

  startRun(): void {
    this.#file.startRun();
    this.#isActive = true;
  }

  resumeRun(): void {
    this.#isActive = true;
  }

  resumeAt(stream: StreamName, spooledBytes: number): number {
    const consumed = this.#file.consumed(stream);
    if (consumed <= spooledBytes) return consumed;
    this.#file.skip(stream, -consumed);
    return 0;
  }

  endRun(): void {
    this.#isActive = false;
    this.#file.close();
    this.#forgetPending();
    this.#notify();
  }

  append(stream: StreamName, bytes: Uint8Array, counted = true): void {
    const state = this.#state(stream);
    for (let start = 0; start < bytes.length; start += sliceBytes) this.#appendSlice(stream, state, bytes.subarray(start, start + sliceBytes), counted);
    this.#notify();
  }

  drop(stream: StreamName, counted: number): void {
    const state = this.#state(stream);
    state.lostBytes += state.pending.length + counted;
    this.#file.skip(stream, state.pendingCounted + counted);
    forget(state);
  }

  flush(stream: StreamName): void {
    const state = this.#state(stream);
    if (state.pending.length > 0) this.#write(stream, state, Buffer.from(state.pending), state.pendingCounted);
    forget(state);
    if (state.lostBytes > 0) this.#writeLoss(stream, state);
    this.#notify();
  }

  read(options: LogOptions): AsyncIterable<LogEntry> {
    const file = this.#file;
    const isActive = (): boolean => this.#isActive;
    const end = options.follow && this.#isActive ? undefined : { generation: file.generation, offset: file.length };
    return readEntries({ file, format: this.#format, isActive, watch: (changed) => this.#watch(changed) }, options, end);
  }

  [Symbol.dispose](): void {
    this.endRun();
    this.#file[Symbol.dispose]();
  }

  #watch(changed: () => void): Disposable {
    this.#watchers.add(changed);
    return { [Symbol.dispose]: () => void this.#watchers.delete(changed) };
  }

  #notify(): void {
    for (const changed of this.#watchers) changed();
  }

  #state(stream: StreamName): StreamState {
    return stream === 'stdout' ? this.#stdout : this.#stderr;
  }

  #forgetPending(): void {
    forget(this.#stdout);
    forget(this.#stderr);
  }

  #appendSlice(stream: StreamName, state: StreamState, bytes: Uint8Array, counted: boolean): void {
    const input = join(state.pending, bytes);
    const before = { bytes: state.pending.length, counted: state.pendingCounted };
    /** How many of the first `length` bytes of the input count in the cursor. */
    const countedOf = (length: number): number => length <= before.bytes ? Math.min(length, before.counted) : before.counted + (counted ? length - before.bytes : 0);
    let logged = 0;
    for (let end = entriesEnd(input, 0); end > logged; end = entriesEnd(input, end)) {
      this.#write(stream, state, input.subarray(logged, end), countedOf(end) - countedOf(logged));
      logged = end;
    }
    state.pendingCounted = countedOf(input.length) - countedOf(logged);
    state.pending = logged === input.length ? nothing : new Uint8Array(input.subarray(logged));
  }

  /** Whole lines or one piece of a line. Lines that do not all fit in the current file are halved until they do, so that files end near their limit. */
  #write(stream: StreamName, state: StreamState, raw: Buffer, counted: number): void {
    if (state.lostBytes > 0 && !this.#writeLoss(stream, state)) return this.#lose(stream, state, raw, counted);
    const entries = this.#format.encode(raw, stream, timeOfEntry());
    const limit = this.#file.limits.sizeBytesMax;
    const space = this.#file.isFull ? limit : limit - this.#file.length;
    const middle = entries.length <= space ? 0 : middleLine(raw);
    if (middle === 0) {
      if (!this.#tryAppend(entries, stream, counted)) this.#lose(stream, state, raw, counted);
      return;
    }
    // Where not all of it counts (a chunk passed by the spool on a full disk), what does is mostly the pending bytes at the front.
    const countedFirst = Math.min(counted, middle);
    this.#write(stream, state, raw.subarray(0, middle), countedFirst);
    this.#write(stream, state, raw.subarray(middle), counted - countedFirst);
  }

  #tryAppend(entries: Uint8Array, stream: StreamName, counted: number): boolean {
    try {
      this.#file.append(entries, stream, counted);
      return true;
    } catch (error) {
      if (isKernelError(error) && isDiskTrouble(error)) return false;
      throw error;
    }
  }

  #lose(stream: StreamName, state: StreamState, raw: Uint8Array, counted: number): void {
    state.lostBytes += raw.length;
    this.#file.skip(stream, counted);
  }

  #writeLoss(stream: StreamName, state: StreamState): boolean {
    const text = `[estiva] ${state.lostBytes} bytes of output are missing here: they could not be written to the log\n`;
    if (!this.#tryAppend(this.#format.encode(Buffer.from(text), stream, timeOfEntry()), stream, 0)) return false;
    state.lostBytes = 0;
    return true;
  }
}

const nothing = new Uint8Array(0);

function newState(): StreamState {
  return { pending: nothing, pendingCounted: 0, lostBytes: 0 };
}

function forget(state: StreamState): void {
  state.pending = nothing;
  state.pendingCounted = 0;
}

/** A full disk, or one that went away or read-only, or no descriptor left. */
function isDiskTrouble(error: KernelError): boolean {
  return ['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO', 'EROFS', 'EMFILE', 'ENFILE', 'ENOENT', 'ENOMEM'].includes(error.code);
}

/** In working memory, unless nothing was pending. */
function join(pending: Uint8Array, bytes: Uint8Array): Buffer {
  if (pending.length === 0) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = pending.length + bytes.length;
  if (joined.length < length) joined = Buffer.allocUnsafeSlow(entryBytesMax + sliceBytes);
  joined.set(pending, 0);
  joined.set(bytes, pending.length);
  return joined.subarray(0, length);
}

/** The end of what can be logged together from `start` on: lines, each within an entry's limit, or the first piece of a longer line; `start` when there is nothing yet. */
function entriesEnd(input: Buffer, start: number): number {
  let end = start;
  while (end < input.length) {
    const last = input.subarray(end, end + entryBytesMax).lastIndexOf(newline);
    if (last < 0) break;
    end += last + 1;
  }
  if (end > start || input.length - start < entryBytesMax) return end;
  return input.length - start === entryBytesMax ? input.length : cutBefore(input, start);
}

/** The beginning of a line near the middle of `raw`; 0 when it is one line only. */
function middleLine(raw: Buffer): number {
  const before = raw.lastIndexOf(newline, raw.length / 2) + 1;
  if (before > 0) return before === raw.length ? 0 : before;
  const after = raw.indexOf(newline, raw.length / 2) + 1;
  return after === raw.length ? 0 : after;
}
