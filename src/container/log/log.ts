// What a container's log is to those who write and read it, whatever its driver. With the driver `none` there is no log.
import type { LogEntry, LogOptions, StreamName } from '../container.ts';

export interface ContainerLog extends Disposable {
  /** Undefined: the program waits for the log. Else what the log is behind by more is dropped instead. */
  readonly lagBytesMax: number | undefined;
  /** Whether entries may come: followers wait while it is so. */
  readonly isActive: boolean;
  /** How many bytes of the stream's spool are in the log as whole entries: those before are needed no more. */
  consumed(stream: StreamName): number;
  /** What the program printed since its last newline, not logged yet. */
  pending(stream: StreamName): Uint8Array;
  /** A new run of the program begins; the spools must be gone. @throws KernelError */
  startRun(): void;
  /** The program runs already: followers wait for more. */
  resumeRun(): void;
  /** Where to go on with a stream that has `spooledBytes` in its spool. A spool shorter than what was logged is a new one. */
  resumeAt(stream: StreamName, spooledBytes: number): number;
  /** No entry comes before the next run: followers end. */
  endRun(): void;
  /** Logs `bytes`; `counted` is false for bytes that did not go through the spool. Never fails because of the disk. */
  append(stream: StreamName, bytes: Uint8Array, counted?: boolean): void;
  /** So many bytes of the spool are left out; an entry says so. */
  drop(stream: StreamName, counted: number): void;
  /** The stream has ended: a last line without newline is logged as it is. */
  flush(stream: StreamName): void;
  /**
   * Entries, oldest first. Without `follow`, those that there are at this call; with it, also later ones, until the run ends or the signal aborts.
   * `tail` counts the entries of both streams, as Docker does.
   */
  read(options: LogOptions): AsyncIterable<LogEntry>;
}

/** How entries are written: one line each, so that the place of any entry is found from a newline. */
export interface LogFormat {
  /** Entries for `raw`: whole lines, or one piece of a line without its newline. In working memory: valid until the next call. */
  encode(raw: Buffer, stream: StreamName, time: string): Uint8Array;
  /** `line` is latin1, without its newline. Undefined for what is no entry: a torn line. */
  decode(line: string): LogEntry | undefined;
}
